package luaapi

import (
	"context"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/runner"
)

// orphanMark stands in the path of a kept source that holds the last version of
// a slug which newer versions of the file no longer define.
const orphanMark = "#"

// keptSources returns the kept sources by path. A store that cannot be read
// costs what it holds, not the start.
func (rt pluginFolder) keptSources(ctx context.Context) map[string]engine.PluginSource {
	kept := map[string]engine.PluginSource{}
	if rt.opts.Sources == nil {
		return kept
	}
	list, err := rt.opts.Sources.KeptSources(ctx)
	if err != nil {
		rt.opts.Logger.Error("reading the kept plugin sources", "error", err)
		return kept
	}
	for _, s := range list {
		kept[s.Path] = s
		rt.kept[s.Path] = s.Hash + goneMark(s.Gone)
	}
	return kept
}

func goneMark(gone bool) string {
	if gone {
		return " gone"
	}
	return ""
}

func sourceOfKept(k engine.PluginSource) *loader.Source {
	path, _, _ := strings.Cut(k.Path, orphanMark)
	_, single := k.Files[""]
	return &loader.Source{Path: path, Folder: !single, Files: k.Files, Hash: k.Hash}
}

// restore gives a unit whose file does not load its last good version.
func (rt pluginFolder) restore(ctx context.Context, u *unit, k engine.PluginSource) {
	if k.Path == "" {
		return
	}
	s := sourceOfKept(k)
	out := rt.runner.Load(ctx, s, loader.ShownFile(s.Path, s.Folder, false))
	if len(out.Problems) > 0 {
		rt.opts.Logger.Error("a kept plugin source no longer loads", "file", k.Path, "problem", out.Problems[0].Message)
		return
	}
	u.good, u.source, u.at = out, s, k.At
}

// restoreGone brings back, as orphaned, what is kept of files that are not there.
func (rt pluginFolder) restoreGone(ctx context.Context, k engine.PluginSource) {
	path, _, isOrphan := strings.Cut(k.Path, orphanMark)
	u := rt.units[path]
	if u != nil && !isOrphan {
		return
	}
	gone := u == nil
	if gone {
		u = &unit{path: path, gone: true}
	}
	before := *u
	rt.restore(ctx, u, k)
	if isOrphan {
		restored := u.good
		*u = before
		if restored != nil && restored != before.good {
			for _, v := range restored.Plugins {
				if slices.Contains(k.Slugs, v.Manifest.Slug) {
					u.orphans = append(u.orphans, v)
				}
			}
		}
	}
	if u.good != nil || len(u.orphans) > 0 {
		rt.units[path] = u
	}
}

// keepOrphan remembers the source of a version whose slug the file gave up.
func (rt pluginFolder) keepOrphan(u *unit, v *runner.Version) {
	if u.source == nil || u.shipped {
		return
	}
	k := rt.sourceToKeep(u, true)
	k.Path, k.Slugs = u.path+orphanMark+v.Manifest.Slug, []string{v.Manifest.Slug}
	rt.orphanSources[k.Path] = k
}

func (rt pluginFolder) sourceToKeep(u *unit, gone bool) engine.PluginSource {
	k := engine.PluginSource{Path: u.path, Hash: u.source.Hash, Files: u.source.Files, Gone: gone, At: u.at}
	if u.good != nil {
		for _, v := range u.good.Plugins {
			k.Slugs = append(k.Slugs, v.Manifest.Slug)
		}
	}
	return k
}

// keepAll writes what is not kept yet, and drops what nobody needs any more. It
// blocks on the store.
func (rt pluginFolder) keepAll(ctx context.Context) {
	if rt.opts.Sources == nil {
		return
	}
	wanted := map[string]engine.PluginSource{}
	for _, u := range rt.units {
		if u.shipped || u.source == nil || u.good == nil {
			continue
		}
		if u.gone && !rt.holdsOrphans(u) {
			continue // another file defines its slugs now
		}
		wanted[u.path] = rt.sourceToKeep(u, u.gone)
	}
	for path, k := range rt.orphanSources {
		if e := rt.entries.Load().bySlug[k.Slugs[0]]; e != nil && e.Orphaned {
			wanted[path] = k
		} else {
			delete(rt.orphanSources, path)
		}
	}
	for _, path := range luaval.SortedKeys(wanted) {
		k := wanted[path]
		mark := k.Hash + goneMark(k.Gone)
		if rt.kept[path] == mark {
			continue
		}
		if err := rt.opts.Sources.KeepSource(ctx, k); err != nil {
			rt.opts.Logger.Error("keeping a plugin's source", "file", path, "error", err)
			continue
		}
		rt.kept[path] = mark
	}
	rt.dropUnwanted(ctx, wanted)
}

// holdsOrphans reports whether any slug of a unit that is gone is shown as orphaned.
func (rt pluginFolder) holdsOrphans(u *unit) bool {
	entries := rt.entries.Load().bySlug
	return slices.ContainsFunc(u.good.Plugins, func(v *runner.Version) bool {
		e := entries[v.Manifest.Slug]
		return e != nil && e.Orphaned && e.Plugin == engine.Plugin(v)
	})
}

func (rt pluginFolder) dropUnwanted(ctx context.Context, wanted map[string]engine.PluginSource) {
	for path := range rt.kept {
		if _, ok := wanted[path]; ok {
			continue
		}
		if err := rt.opts.Sources.DropSource(ctx, path); err != nil {
			rt.opts.Logger.Error("dropping a kept plugin source", "file", path, "error", err)
			continue
		}
		delete(rt.kept, path)
		if u := rt.units[path]; u != nil && u.gone {
			delete(rt.units, path)
		}
	}
}
