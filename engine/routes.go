package engine

// alertPlugins returns what routing needs to know of the loaded alert plugins.
func (e *State) alertPlugins() map[string]PluginRoute { return *e.routes.Load() }

func (e *State) updateRoutes() {
	routes := map[string]PluginRoute{}
	for _, entry := range e.plugins.List() {
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == AlertPlugin {
			m := entry.Plugin.Meta()
			routes[m.Slug] = PluginRoute{HasUpdate: m.HasUpdate, Channel: m.Channel}
		}
	}
	e.routes.Store(&routes)
}
