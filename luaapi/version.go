package luaapi

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"

	lua "github.com/yuin/gopher-lua"
)

// code is what was compiled from one file or folder. Function prototypes are
// immutable and shared by all states; functions never are.
type code struct {
	main    *lua.FunctionProto
	modules map[string]*lua.FunctionProto
	libs    []bool // by libraryNames: whether the source speaks of it at all
}

// version is one plugin of one good version of a file or folder. It is
// immutable but for its caches, and implements engine.Plugin.
type version struct {
	rt    *Runtime
	meta  engine.PluginMeta
	needs [][]string // fields without which it cannot send: sets, of which one suffices
	index int        // in the array that the file returns, from 1; 0: the file returns the plugin itself

	whole *code // for cleaning, which needs the forms
	lean  *code // for runs: form constructors cut out where they are pure literals
	pool  *pool // one for all plugins of the file

	layouts       map[engine.FormName]*layout
	views         []engine.ViewRoute
	hasClean      bool
	formsFrom     int  // index of the plugin whose settings are shared; 0: its own
	needsSettings bool // the source speaks of settings, and of view_url
	needsViewURL  bool
	readsEnv      bool // a field of the settings falls back to the environment
	allowed       map[string]bool

	checks   bindings
	settings atomic.Pointer[boundSettings]
	counts   *pluginCounts
	weights  checkWeights
	started  atomic.Uint64 // runs, for which of them are weighed
}

// Meta returns what the version says about itself.
func (v *version) Meta() *engine.PluginMeta { return &v.meta }

// pick finds this version's table in what the file's top level returned.
func (v *version) pick(L *lua.LState, top lua.LValue) *lua.LTable {
	if v.index > 0 {
		if list, ok := top.(*lua.LTable); ok {
			top = list.RawGetInt(v.index)
		}
	}
	t, ok := top.(*lua.LTable)
	if !ok {
		L.RaiseError("the file returned no plugin table this time")
	}
	return t
}

// method finds a function of the plugin's table, or of what its metatable leads to.
func method(L *lua.LState, self *lua.LTable, name string) lua.LValue {
	return L.GetField(self, name)
}

// start begins a run of this version. The caller calls finish, always.
func (v *version) start(ctx context.Context, kind runKind, settings *binding) (*run, context.CancelFunc, error) {
	c := v.lean
	if kind.full {
		c = v.whole
	}
	r, cancel, err := v.rt.begin(ctx, c, v.pool, &v.meta, kind)
	if err != nil {
		return nil, nil, err
	}
	r.version = v
	if len(v.allowed) > 0 {
		r.call.env = v.getenv
	}
	r.call.secrets.Add(settings.secrets...)
	r.settings = settings
	return r, cancel, nil
}

// getenv reads an environment variable that the plugin may read.
func (v *version) getenv(name string) (string, bool) {
	if !v.allowed[name] {
		return "", false
	}
	return v.rt.opts.Env(name)
}

// boundSettings is the site-wide settings as Lua sees them. They are kept while
// the same map comes with every run, and while the environment is the same.
func (v *version) boundSettings(values form.Values) *binding {
	kept := v.settings.Load()
	if kept != nil && sameMap(kept.values, values) && (!v.readsEnv || time.Since(kept.at) < envFreshness) {
		return kept.bound
	}
	owner := v.meta.Slug
	if v.meta.SettingsFrom != "" {
		owner = v.meta.SettingsFrom
	}
	b := v.rt.bind(v.layouts[engine.SettingsForm], owner, values)
	b.keep(v.rt.shared, math.MaxInt)
	v.settings.Store(&boundSettings{values: values, bound: b, at: time.Now()})
	return b
}

// lastSettings is what the version was last run with: clean functions are called
// without settings of their own.
func (v *version) lastSettings() *binding {
	if kept := v.settings.Load(); kept != nil {
		return kept.bound
	}
	return v.boundSettings(nil)
}

// boundConfig is a check's config as Lua sees it.
func (v *version) boundConfig(check *engine.Check) *binding {
	return v.checks.check(check, func() *binding {
		b := v.rt.bind(v.layouts[engine.ConfigForm], check.ID, check.Config)
		v.rt.quicken(b, check)
		return b
	}, v.rt.forgetFast)
}

// forgetFast counts one binding less.
func (rt *Runtime) forgetFast() { rt.fast.Add(-1) }

// prepareSelf gives the fresh plugin table what the host adds to it.
func (r *run) prepareSelf(L *lua.LState, self *lua.LTable, publicURL string) {
	if r.version.needsSettings {
		self.RawSetString("settings", r.settings.table(r.rt.shared))
	}
	if r.version.needsViewURL {
		self.RawSetString("view_url", L.NewFunction(viewURL(r.version.meta.Slug, publicURL)))
	}
}

// counters are what metrics show of all plugins together and of each.
type counters struct {
	mu      sync.Mutex // guards plugins
	plugins map[string]*pluginCounts
}

// pluginCounts counts the runs of one plugin, over all its versions.
type pluginCounts struct {
	runs, errors, limits, timeouts, skipped atomic.Int64
	nanos                                   atomic.Int64
	memory                                  atomic.Uint64 // bytes, the most that a weighed run held
}

// heaviest notes what a weighed run held, in bytes.
func (c *pluginCounts) heaviest(held uint64) {
	for {
		most := c.memory.Load()
		if held <= most || c.memory.CompareAndSwap(most, held) {
			return
		}
	}
}

func (c *counters) of(slug string) *pluginCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plugins == nil {
		c.plugins = map[string]*pluginCounts{}
	}
	p := c.plugins[slug]
	if p == nil {
		p = &pluginCounts{}
		c.plugins[slug] = p
	}
	return p
}

// Stats returns the counts since the start, for metrics.
func (rt *Runtime) Stats() engine.RunStats {
	s := engine.RunStats{Ended: rt.watchdog.ended.Load(), Waiting: int(rt.turns.waiting.Load()), Plugins: map[string]engine.PluginStats{}}
	rt.turns.mu.Lock()
	s.Executing = rt.opts.MaxExecuting - rt.turns.free
	rt.turns.mu.Unlock()
	rt.counts.mu.Lock()
	defer rt.counts.mu.Unlock()
	for slug, c := range rt.counts.plugins {
		s.Plugins[slug] = engine.PluginStats{
			Runs: c.runs.Load(), Errors: c.errors.Load(), Limits: c.limits.Load(),
			Timeouts: c.timeouts.Load(), Skipped: c.skipped.Load(), Took: time.Duration(c.nanos.Load()),
			Memory: c.memory.Load(),
		}
	}
	return s
}
