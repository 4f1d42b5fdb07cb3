package luaapi

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// Runtime holds all plugins and runs them. It implements engine.Plugins and is
// safe for concurrent use.
type Runtime struct {
	opts    Options
	machine *vm.Machine
	binder  *binding.Binder
	loader  *loader.Loader
	counts  counters
	rules   *rules

	entries atomic.Pointer[registry] // copy on write

	scanning      sync.Mutex // guards what follows, and is held while files are read
	units         map[string]*unit
	owners        map[string]*unit  // who runs each slug
	kept          map[string]string // what Sources holds, by path
	orphanSources map[string]engine.PluginSource
	missingAt     time.Time // since when the folder is away

	mu        sync.Mutex // guards what follows
	listeners []func(slug string)
	closed    bool
	pools     map[*vm.Pool]struct{} // of all versions that loaded and are not drained

	stop chan struct{} // closed by Close
	done sync.WaitGroup
}

// New builds a Runtime without any plugin; Load reads them. The modules that ship
// can be required at once, by what LoadFile, Lint and Test read as well.
func New(o Options) (*Runtime, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("plugin runtime options: %w", err)
	}
	patch.LimitIndex()
	lualib.LimitConcat()
	lualib.LimitArrays()
	rt := &Runtime{
		opts:    o,
		machine: newMachine(o),
		binder:  &binding.Binder{Opener: o.Opener, Env: o.Env, Shared: binding.NewShared()},
		units:   map[string]*unit{},
		owners:  map[string]*unit{},
		kept:    map[string]string{},
		stop:    make(chan struct{}),

		orphanSources: map[string]engine.PluginSource{},
		pools:         map[*vm.Pool]struct{}{},
	}
	shipped, err := loader.ReadShipped(o.Shipped)
	if err != nil {
		return nil, fmt.Errorf("reading the shipped modules: %w", err)
	}
	rt.loader = &loader.Loader{Machine: rt.machine, Shipped: shipped}
	rt.entries.Store(&registry{bySlug: map[string]*engine.PluginEntry{}})
	rt.rules = newRules(rt)
	rt.done.Add(2)
	go func() { defer rt.done.Done(); rt.machine.Watchdog.Loop(rt.stop) }()
	go func() { defer rt.done.Done(); rt.trimLoop() }()
	return rt, nil
}

// newMachine is the machine for a runtime's runs.
func newMachine(o Options) *vm.Machine {
	m := &vm.Machine{
		Turns: vm.NewTurns(o.MaxExecuting), Watchdog: vm.NewWatchdog(o.SoftHeap, o.RunHeap, o.Memory-o.Memory/4),
		Tools: vm.NewToolbox(), Builtin: map[string]vm.ModuleOpener{"forms": loader.OpenForms},
	}
	for name, open := range module.Builtin() {
		m.Builtin[name] = open
	}
	return machineWith(m, o)
}

// machineWith is a machine of other options that shares turns, limits and functions.
func machineWith(m *vm.Machine, o Options) *vm.Machine {
	return &vm.Machine{
		Host: o.Host, Data: o.Data, Now: o.Now, Logger: o.Logger, Instructions: o.Instructions, Measured: o.Weigh,
		Turns: m.Turns, Watchdog: m.Watchdog, Tools: m.Tools, Builtin: m.Builtin,
	}
}

// Close stops the runtime's own goroutines and waits for them. Runs under way
// end on their own; Watch ends by its context.
func (rt *Runtime) Close() {
	rt.mu.Lock()
	if rt.closed {
		rt.mu.Unlock()
		return
	}
	rt.closed = true
	close(rt.stop)
	rt.mu.Unlock()
	rt.done.Wait()
}

// trimEvery is how often idle states are looked through.
const trimEvery = 30 * time.Second

// trimLoop drops states that nobody used for a while, and forgets drained pools.
func (rt *Runtime) trimLoop() {
	ticker := time.NewTicker(trimEvery)
	defer ticker.Stop()
	for {
		select {
		case <-rt.stop:
			return
		case <-ticker.C:
			rt.trim()
		}
	}
}

func (rt *Runtime) trim() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for p := range rt.pools {
		if p.Drained() {
			delete(rt.pools, p)
			continue
		}
		p.Trim()
	}
}

// idleStates is how many states a version keeps for runs to come. Runs that wait
// for an answer hold one each, so that there are many more than execute at one
// time; what is not needed is dropped by and by.
const idleStates = 512

func (rt *Runtime) newPool() *vm.Pool {
	p := &vm.Pool{Tools: rt.machine.Tools, Limit: max(rt.opts.MaxExecuting, idleStates)}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.pools[p] = struct{}{}
	return p
}
