package luaapi

import "moonwatch/engine"

// announce logs how the registry changed: what of the folder was loaded, repaired
// or left without its file, and which slugs two files define. Of the plugins that
// ship it says only how many there are. (What does not load is logged where it is
// read.)
func (rt *Runtime) announce(before, after *registry) {
	log, shipped := rt.opts.Logger, 0
	for i := range after.list {
		e := &after.list[i]
		old := before.bySlug[e.Slug]
		if old == nil {
			old = &engine.PluginEntry{}
		}
		switch {
		case e.Orphaned && !old.Orphaned:
			log.Warn("plugin without its file: its checks are unknown", "file", e.File, "slug", e.Slug)
		case e.Orphaned || e.Plugin == nil || e.Plugin == old.Plugin && e.Orphaned == old.Orphaned:
		case e.Shipped && old.Plugin == nil:
			shipped++
		default:
			log.Info(loadedWord(old, e), "file", e.File, "slug", e.Slug, "version", e.Plugin.Meta().Version)
		}
	}
	for slug, double := range after.doubles {
		if before.doubles[slug] != double {
			log.Warn("two files define one plugin", "slug", slug, "problem", double)
		}
	}
	if shipped > 0 {
		log.Info("plugins that ship loaded", "number", shipped)
	}
}

// loadedWord is what happened to a plugin that was loaded.
func loadedWord(old, now *engine.PluginEntry) string {
	switch {
	case old.Problem != nil && now.Problem == nil && !now.Shipped:
		return "plugin repaired"
	case old.Plugin == nil || old.Shipped != now.Shipped:
		return "plugin loaded"
	}
	return "plugin reloaded"
}
