package server

import "moonwatch/server/web"

// pluginCost is what a plugin took since the start, as pages show it.
func pluginCost(of PluginFigures, slug string) (web.PluginCost, bool) {
	if of == nil {
		return web.PluginCost{}, false
	}
	f := of.PluginFigures().Plugins[slug] // of a plugin that never ran: nothing
	return web.PluginCost{Runs: f.Runs, Errors: f.Errors, Limits: f.Limits, Timeouts: f.Timeouts, Skipped: f.Skipped, Took: f.Took.Seconds(), Memory: f.Memory}, true
}
