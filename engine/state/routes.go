package state

import "moonwatch/engine"

// AlertPlugins returns what routing needs to know of the loaded alert plugins.
func (st *State) AlertPlugins() map[string]engine.PluginRoute { return *st.routes.Load() }

func (st *State) UpdateRoutes() {
	routes := map[string]engine.PluginRoute{}
	for _, entry := range st.Registry.List() {
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == engine.AlertPlugin {
			m := entry.Plugin.Meta()
			routes[m.Slug] = engine.PluginRoute{HasUpdate: m.HasUpdate, Channel: m.Channel}
		}
	}
	st.routes.Store(&routes)
}
