package runner

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/vm"
)

// Version is one plugin of one good version of a file or folder. It is
// immutable but for its caches, and implements engine.Plugin.
type Version struct {
	*loader.Plugin
	runner *Runner
	Pool   *vm.Pool // one for all plugins of the file

	checks   binding.Bindings
	settings atomic.Pointer[binding.BoundSettings]
	counts   *pluginCounts
	past     pastRuns
	started  atomic.Uint64 // runs, for which of them are measured
}

// Meta returns what the version says about itself.
func (v *Version) Meta() *engine.PluginMeta { return &v.Manifest }

// method finds a function of the plugin's table, or of what its metatable leads to.
func method(L *lua.LState, self *lua.LTable, name string) lua.LValue {
	return L.GetField(self, name)
}

// start begins a run of this version. The caller calls end, always.
func (v *Version) start(ctx context.Context, kind vm.RunKind, settings *binding.Binding) (*binding.PluginRun, context.CancelFunc, error) {
	c := v.Lean
	if kind.Full {
		c = v.Whole
	}
	r, _ := v.runner.free.Get().(*binding.PluginRun)
	if r == nil {
		r = &binding.PluginRun{}
	}
	r.Plugin, r.Binder, r.Settings = v, v.runner.Binder, settings
	cancel, err := v.runner.Machine.Begin(ctx, &r.Run, r, c, v.Pool, &v.Manifest, kind)
	if err != nil {
		return nil, nil, err
	}
	if len(v.Allowed) > 0 {
		r.Call.Env = v.getenv
	}
	r.Call.Secrets.Add(settings.Secrets...)
	return r, cancel, nil
}

// Layout is that of one of the plugin's forms.
func (v *Version) Layout(name engine.FormName) *binding.Layout { return v.Layouts[name] }

// getenv reads an environment variable that the plugin may read.
func (v *Version) getenv(name string) (string, bool) {
	if !v.Allowed[name] {
		return "", false
	}
	return v.runner.Options.Env(name)
}

// boundSettings is the site-wide settings as Lua sees them. They are kept while
// the same map comes with every run, and while the environment is the same.
func (v *Version) boundSettings(values form.Values) *binding.Binding {
	kept := v.settings.Load()
	if kept != nil && binding.SameMap(kept.Values, values) && (!v.ReadsEnv || time.Since(kept.At) < binding.EnvFreshness) {
		return kept.Bound
	}
	owner := v.Manifest.Slug
	if v.Manifest.SettingsFrom != "" {
		owner = v.Manifest.SettingsFrom
	}
	b := v.runner.Binder.Bind(v.Layouts[engine.SettingsForm], owner, values)
	b.Keep(v.runner.Binder.Shared, math.MaxInt)
	v.settings.Store(&binding.BoundSettings{Values: values, Bound: b, At: time.Now()})
	return b
}

// lastSettings is what the version was last run with: clean functions are called
// without settings of their own.
func (v *Version) lastSettings() *binding.Binding {
	if kept := v.settings.Load(); kept != nil {
		return kept.Bound
	}
	return v.boundSettings(nil)
}

// BoundConfig is a check's config as Lua sees it.
func (v *Version) BoundConfig(check *engine.Check) *binding.Binding {
	return v.checks.Check(check, func() *binding.Binding {
		b := v.runner.Binder.Bind(v.Layouts[engine.ConfigForm], check.ID, check.Config)
		v.runner.Binder.Quicken(b, check)
		return b
	}, v.runner.Binder.ForgetFast)
}

// Release gives up what the version keeps for its checks, when another takes its
// place; runs under way end as they began.
func (v *Version) Release() { v.checks.Release(v.runner.Binder.ForgetFast) }

// prepareSelf gives the fresh plugin table what the host adds to it.
func (v *Version) prepareSelf(r *binding.PluginRun, L *lua.LState, self *lua.LTable, publicURL string) {
	if v.NeedsSettings {
		r.Give(self, "settings", r.Settings.Table(r.Binder.Shared))
	}
	if v.NeedsViewURL {
		r.Give(self, "view_url", L.NewFunction(viewURL(v.Manifest.Slug, publicURL)))
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
	memory                                  atomic.Uint64 // bytes, the most that a measured run held
}

// heaviest notes what a measured run held, in bytes.
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
func (r *Runner) Stats() engine.RunStats {
	s := engine.RunStats{
		Ended:   r.Machine.Watchdog.Ended.Load(),
		Waiting: r.Machine.Permits.Waiting(),
		Plugins: map[string]engine.PluginStats{},
	}
	s.Executing = r.Machine.Permits.Held()
	r.counts.mu.Lock()
	defer r.counts.mu.Unlock()
	for slug, c := range r.counts.plugins {
		s.Plugins[slug] = engine.PluginStats{
			Runs: c.runs.Load(), Errors: c.errors.Load(), Limits: c.limits.Load(),
			Timeouts: c.timeouts.Load(), Skipped: c.skipped.Load(), Took: time.Duration(c.nanos.Load()),
			Memory: c.memory.Load(),
		}
	}
	return s
}

// measureSample is how many runs of a version go by unmeasured for each that is
// measured at its end: a measurement takes about as long as a short run.
const measureSample = 64

// measureEnd measures a run that has come to its end, before its state goes back:
// the first of its version and one in measureSample after it, or every one where
// people look at runs. It returns the most that the run was seen to hold, in
// bytes, 0 when nobody looked.
func (v *Version) measureEnd(r *binding.PluginRun) uint64 {
	if r.VM.Watched || v.started.Add(1)%measureSample == 1 {
		r.MeasureAll(v.runner.Machine.Watchdog.PerRun)
	}
	v.counts.heaviest(r.Held)
	return r.Held
}
