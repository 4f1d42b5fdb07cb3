package state

import "moonwatch/engine"

// AlertPlugins returns what routing needs to know of the loaded alert plugins.
func (e *State) AlertPlugins() map[string]engine.PluginRoute { return *e.routes.Load() }

func (e *State) UpdateRoutes() {
	routes := map[string]engine.PluginRoute{}
	for _, entry := range e.Registry.List() {
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == engine.AlertPlugin {
			m := entry.Plugin.Meta()
			routes[m.Slug] = engine.PluginRoute{HasUpdate: m.HasUpdate, Channel: m.Channel}
		}
	}
	e.routes.Store(&routes)
}
