package cli

import (
	"moonwatch/luaapi"
	"moonwatch/server"
)

// stats shows the server the counts on plugins' runs.
type stats struct{ lua *luaapi.Runtime }

// PluginFigures implements server.PluginFigures.
func (s stats) PluginFigures() server.Figures {
	now := s.lua.Stats()
	out := server.Figures{Executing: now.Executing, Waiting: now.Waiting, Ended: now.Ended, Plugins: make(map[string]server.PluginFigure, len(now.Plugins))}
	for slug, p := range now.Plugins {
		out.Plugins[slug] = server.PluginFigure(p)
	}
	return out
}
