package luaapi

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/runner"
)

// Runtime holds all plugins and runs them. It implements engine.Plugins and is
// safe for concurrent use.
type Runtime struct {
	opts   Options
	runner *runner.Runner

	entries atomic.Pointer[registry] // copy on write

	scanning      sync.Mutex // guards what follows, and is held while files are read
	units         map[string]*unit
	owners        map[string]*unit  // who runs each slug
	kept          map[string]string // what Sources holds, by path
	orphanSources map[string]engine.PluginSource
	missingAt     time.Time // since when the folder is away

	mu        sync.Mutex // guards what follows
	listeners []func(slug string)
}

// New builds a Runtime without any plugin; Load reads them. The modules that ship
// can be required at once, by what LoadFile, Lint and Test read as well.
func New(o Options) (*Runtime, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("plugin runtime options: %w", err)
	}
	runs, err := runner.New(o.runs())
	if err != nil {
		return nil, fmt.Errorf("plugin runtime options: %w", err)
	}
	rt := &Runtime{
		opts:   o,
		runner: runs,
		units:  map[string]*unit{},
		owners: map[string]*unit{},
		kept:   map[string]string{},

		orphanSources: map[string]engine.PluginSource{},
	}
	rt.entries.Store(&registry{bySlug: map[string]*engine.PluginEntry{}})
	return rt, nil
}

// Close stops the runtime's own goroutines and waits for them. Runs under way
// end on their own; Watch ends by its context.
func (rt *Runtime) Close() { rt.runner.Close() }

// Stats returns the counts since the start, for metrics.
func (rt *Runtime) Stats() engine.RunStats { return rt.runner.Stats() }

// CheckRule reports why a source is no status rule: it does not compile, or
// returns no function.
func (rt *Runtime) CheckRule(source string) error { return rt.runner.Rules.Check(source) }

// ApplyRule returns the status that a rule gives for checks.
func (rt *Runtime) ApplyRule(ctx context.Context, source string, checks []engine.RuleCheck) (engine.Status, error) {
	return rt.runner.Rules.Apply(ctx, source, checks)
}

// Expected is how many bytes a run of a check is likely to hold: what the last one
// did that was measured; light is whether that did little work. It does not block.
func (rt *Runtime) Expected(c *engine.Check) (memory uint64, light bool) {
	return rt.running(c.Plugin).Expected(c.ID)
}

// Saturated reports whether runs that take little wait for others like them: there
// are more of them than the processors can execute. It does not block.
func (rt *Runtime) Saturated() bool { return rt.runner.Saturated() }

// running is the version of a plugin that runs, nil when there is none.
func (rt *Runtime) running(slug string) *runner.Version {
	if e, ok := rt.entries.Load().bySlug[slug]; ok {
		v, _ := e.Plugin.(*runner.Version)
		return v
	}
	return nil
}

// RunMemory is how many bytes all runs under way held when they were last
// measured, 0 while the heap is small and nobody measures them, and how many they
// may hold. It does not block.
func (rt *Runtime) RunMemory() (held, most uint64) { return rt.runner.Memory() }
