package state

import (
	"sync/atomic"

	"moonwatch/engine"
)

// Routes are what routing needs to know of the loaded alert plugins, for anybody to
// read at any time.
type Routes struct {
	known atomic.Pointer[map[string]engine.PluginRoute]
}

// Known returns the routes by plugin; before the first Update there are none. They
// are shared and must not be changed.
func (r *Routes) Known() map[string]engine.PluginRoute {
	if known := r.known.Load(); known != nil {
		return *known
	}
	return nil
}

// Update looks at which alert plugins are loaded now.
func (r *Routes) Update(registry engine.Plugins) {
	routes := map[string]engine.PluginRoute{}
	for _, entry := range registry.List() {
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == engine.AlertPlugin {
			m := entry.Plugin.Meta()
			routes[m.Slug] = engine.PluginRoute{HasUpdate: m.HasUpdate, Channel: m.Channel}
		}
	}
	r.known.Store(&routes)
}
