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

// version is one plugin of one good version of a file or folder. It is
// immutable but for its caches, and implements engine.Plugin.
type version struct {
	*loadedPlugin
	rt   *Runtime
	pool *pool // one for all plugins of the file

	checks   bindings
	settings atomic.Pointer[boundSettings]
	counts   *pluginCounts
	weights  checkWeights
	started  atomic.Uint64 // runs, for which of them are weighed
}

// Meta returns what the version says about itself.
func (v *version) Meta() *engine.PluginMeta { return &v.meta }

// method finds a function of the plugin's table, or of what its metatable leads to.
func method(L *lua.LState, self *lua.LTable, name string) lua.LValue {
	return L.GetField(self, name)
}

// start begins a run of this version. The caller calls end, always.
func (v *version) start(ctx context.Context, kind runKind, settings *binding) (*pluginRun, context.CancelFunc, error) {
	c := v.lean
	if kind.full {
		c = v.whole
	}
	r := &pluginRun{plugin: v, binder: v.rt.binder, settings: settings}
	cancel, err := v.rt.machine.begin(ctx, &r.run, r, c, v.pool, &v.meta, kind)
	if err != nil {
		return nil, nil, err
	}
	if len(v.allowed) > 0 {
		r.call.env = v.getenv
	}
	r.call.secrets.Add(settings.secrets...)
	return r, cancel, nil
}

// layout is that of one of the plugin's forms.
func (v *version) layout(name engine.FormName) *layout { return v.layouts[name] }

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
	b := v.rt.binder.bind(v.layouts[engine.SettingsForm], owner, values)
	b.keep(v.rt.binder.shared, math.MaxInt)
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
		b := v.rt.binder.bind(v.layouts[engine.ConfigForm], check.ID, check.Config)
		v.rt.binder.quicken(b, check)
		return b
	}, v.rt.binder.forgetFast)
}

// prepareSelf gives the fresh plugin table what the host adds to it.
func (v *version) prepareSelf(r *pluginRun, L *lua.LState, self *lua.LTable, publicURL string) {
	if v.needsSettings {
		self.RawSetString("settings", r.settings.table(r.binder.shared))
	}
	if v.needsViewURL {
		self.RawSetString("view_url", L.NewFunction(viewURL(v.meta.Slug, publicURL)))
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
	s := engine.RunStats{Ended: rt.machine.watchdog.ended.Load(), Waiting: int(rt.machine.turns.waiting.Load()), Plugins: map[string]engine.PluginStats{}}
	rt.machine.turns.mu.Lock()
	s.Executing = rt.opts.MaxExecuting - rt.machine.turns.free
	rt.machine.turns.mu.Unlock()
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

// weighSample is how many runs of a version go by unweighed for each that is
// weighed at its end: a weighing takes about as long as a short run.
const weighSample = 64

// weighEnd weighs a run that has come to its end, before its state goes back:
// the first of its version and one in weighSample after it, or every one where
// people look at runs. It returns the most that the run was seen to hold, in
// bytes, 0 when nobody looked.
func (v *version) weighEnd(r *pluginRun) uint64 {
	if r.vm.measured || v.started.Add(1)%weighSample == 1 {
		r.weighAll(v.rt.machine.watchdog.perRun)
	}
	v.counts.heaviest(r.held)
	return r.held
}
