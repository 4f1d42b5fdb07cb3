package luaapi

import (
	"slices"
	"sort"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/runner"
)

// registry is what plugins there are at one moment. It is immutable.
type registry struct {
	bySlug  map[string]*engine.PluginEntry
	list    []engine.PluginEntry // in order of slug
	doubles map[string]string    // by slug: which two files define it
}

// unit is one plugin file or folder, and what came of it. Units are guarded by
// Runtime.scanning.
type unit struct {
	path     string // relative to where plugins lie
	shipped  bool
	gone     bool // from the folder; good is its last version
	hash     string
	source   *loader.Source    // that good was loaded from
	good     *runner.Loaded    // nil: no version ever loaded
	orphans  []*runner.Version // of slugs that newer versions of the file do not have
	problems loader.Problems   // of the newest file
	warnings loader.Problems
	claims   []string // slugs that the newest file would define
	at       time.Time
	emptyAt  time.Time // since when the file is empty
}

func (u *unit) file() string {
	if u.good != nil && len(u.good.Plugins) > 0 {
		return u.good.Plugins[0].Manifest.File
	}
	return loader.ShownFile(u.path, !strings.HasSuffix(u.path, ".lua"), u.shipped)
}

// assign decides which unit each slug belongs to, and builds the registry.
// owners is who ran each slug until now; it is brought up to date.
func assign(units []*unit, owners map[string]*unit) *registry {
	b := &builder{entries: map[string]*engine.PluginEntry{}, doubles: map[string]string{}, owners: owners}
	sort.Slice(units, func(i, j int) bool {
		if units[i].shipped != units[j].shipped {
			return units[i].shipped
		}
		return units[i].path < units[j].path
	})
	for _, u := range units {
		if u.shipped && u.good != nil {
			for _, v := range u.good.Plugins {
				b.put(u, v)
			}
		}
	}
	b.folder(units)
	b.orphans(units)
	b.unloaded(units)
	return b.registry()
}

type builder struct {
	entries map[string]*engine.PluginEntry
	doubles map[string]string
	owners  map[string]*unit
}

func (b *builder) put(u *unit, v *runner.Version) *engine.PluginEntry {
	before := b.entries[v.Manifest.Slug]
	e := &engine.PluginEntry{
		Plugin: v, Slug: v.Manifest.Slug, File: v.Manifest.File, Shipped: u.shipped,
		Replaces: !u.shipped && before != nil && before.Shipped,
		Warnings: u.warnings, LoadedAt: u.at,
	}
	b.markProblems(e, u.problems)
	b.entries[e.Slug] = e
	b.owners[e.Slug] = u
	return e
}

// markProblems attaches the problems of the newest file to the version that still
// runs.
func (b *builder) markProblems(e *engine.PluginEntry, found loader.Problems) {
	if len(found) == 0 {
		return
	}
	e.Problems = append(slices.Clone(e.Problems), found...)
	if e.Problem == nil {
		e.Problem = &e.Problems[0]
	}
}

// folder gives each slug of the folder to one unit: the one that runs it, else
// the lexically first.
func (b *builder) folder(units []*unit) {
	claims := map[string][]*unit{}
	for _, u := range units {
		if u.shipped || u.gone || u.good == nil {
			continue
		}
		for _, v := range u.good.Plugins {
			claims[v.Manifest.Slug] = append(claims[v.Manifest.Slug], u)
		}
	}
	for _, slug := range luaval.SortedKeys(claims) {
		claimants := claims[slug]
		owner := claimants[0]
		if before := b.owners[slug]; slices.Contains(claimants, before) {
			owner = before
		}
		e := b.put(owner, owner.versionOf(slug))
		for _, other := range claimants {
			if other != owner {
				file := other.versionOf(slug).Manifest.File
				b.doubles[slug] = "the slug " + slug + " is defined by two files, " +
					owner.file() + " and " + file + "; " + owner.file() + " is the one that runs"
				b.markProblems(e, loader.Problems{{File: file, Line: 1, Message: b.doubles[slug]}})
			}
		}
	}
}

func (u *unit) versionOf(slug string) *runner.Version {
	for _, v := range u.good.Plugins {
		if v.Manifest.Slug == slug {
			return v
		}
	}
	return nil
}

// orphans keeps the last versions of what no file defines any more.
func (b *builder) orphans(units []*unit) {
	for _, u := range units {
		if u.shipped {
			continue
		}
		last := slices.Clone(u.orphans)
		if u.gone && u.good != nil {
			last = append(last, u.good.Plugins...)
		}
		for _, v := range last {
			if b.entries[v.Manifest.Slug] != nil {
				continue
			}
			b.entries[v.Manifest.Slug] = &engine.PluginEntry{
				Plugin: v, Slug: v.Manifest.Slug, File: v.Manifest.File, Orphaned: true, LoadedAt: u.at,
			}
			b.owners[v.Manifest.Slug] = u
		}
	}
}

// unloaded shows files of which no version ever loaded: beside what runs under
// a slug that they would define, else under a slug made from their name.
func (b *builder) unloaded(units []*unit) {
	for _, u := range units {
		if u.good != nil || u.gone || len(u.problems) == 0 {
			continue
		}
		slugs := u.claims
		if len(slugs) == 0 {
			slugs = []string{slugFromPath(u.path)}
		}
		for _, slug := range slugs {
			e := b.entries[slug]
			if e == nil {
				e = &engine.PluginEntry{Slug: slug, File: u.file(), Shipped: u.shipped}
				b.entries[slug] = e
			}
			b.markProblems(e, u.problems)
		}
	}
}

func (b *builder) registry() *registry {
	r := &registry{bySlug: b.entries, doubles: b.doubles}
	for _, slug := range luaval.SortedKeys(b.entries) {
		r.list = append(r.list, *b.entries[slug])
	}
	for slug := range b.owners {
		if b.entries[slug] == nil {
			delete(b.owners, slug)
		}
	}
	return r
}

// slugFromPath makes a slug of a file's name.
func slugFromPath(path string) string {
	name := strings.ToLower(strings.TrimSuffix(path, ".lua"))
	slug := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return '_'
	}, name)
	if slug == "" || slug[0] < 'a' || slug[0] > 'z' {
		slug = "plugin_" + slug
	}
	return slug[:min(len(slug), 64)]
}

// changed lists the slugs whose entries differ.
func changed(before, after *registry) []string {
	var slugs []string
	for slug, e := range after.bySlug {
		if old := before.bySlug[slug]; old == nil || !sameEntry(old, e) {
			slugs = append(slugs, slug)
		}
	}
	for slug := range before.bySlug {
		if after.bySlug[slug] == nil {
			slugs = append(slugs, slug)
		}
	}
	sort.Strings(slugs)
	return slugs
}

func sameEntry(a, b *engine.PluginEntry) bool {
	return a.Plugin == b.Plugin && a.File == b.File && a.Orphaned == b.Orphaned &&
		a.Shipped == b.Shipped && a.Replaces == b.Replaces &&
		slices.Equal(a.Problems, b.Problems) && slices.Equal(a.Warnings, b.Warnings)
}

// Plugin returns the entry of a slug.
func (rt *Runtime) Plugin(slug string) (engine.PluginEntry, bool) {
	e, ok := rt.entries.Load().bySlug[slug]
	if !ok {
		return engine.PluginEntry{}, false
	}
	return *e, true
}

// List returns all entries in order of slug, with those that never loaded. The
// slice is the caller's.
func (rt *Runtime) List() []engine.PluginEntry {
	return slices.Clone(rt.entries.Load().list)
}

// OnChange calls fn with the slug of each entry that changes from now on, one
// call after another, after the change can be seen. fn must not block.
func (rt *Runtime) OnChange(fn func(slug string)) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.listeners = append(rt.listeners, fn)
}

// swap puts the units' present state in force and tells the listeners.
func (rt *Runtime) swap() {
	before := rt.entries.Load()
	units := make([]*unit, 0, len(rt.units))
	for _, u := range rt.units {
		units = append(units, u)
	}
	after := assign(units, rt.owners)
	rt.entries.Store(after)
	rt.announce(before, after)
	rt.mu.Lock()
	listeners := slices.Clone(rt.listeners)
	rt.mu.Unlock()
	for _, slug := range changed(before, after) {
		for _, fn := range listeners {
			fn(slug)
		}
	}
}
