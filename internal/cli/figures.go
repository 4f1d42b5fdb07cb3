package cli

import (
	"moonwatch/luaapi"
	"moonwatch/server"
)

// figures shows the server the counts on plugins' runs.
type figures struct{ lua *luaapi.Runtime }

// PluginFigures implements server.PluginFigures.
func (f figures) PluginFigures() server.Figures {
	now := f.lua.Stats()
	out := server.Figures{Executing: now.Executing, Waiting: now.Waiting, Ended: now.Ended, Plugins: make(map[string]server.PluginFigure, len(now.Plugins))}
	for slug, p := range now.Plugins {
		out.Plugins[slug] = server.PluginFigure(p)
	}
	return out
}
