package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// Options are what a runner is built from. Every field may be left zero but
// Host, without which modules that reach outside answer with an error.
type Options struct {
	Host   host.Host
	Data   engine.PluginData // the store that plugins have; nil: module store raises
	Opener binding.Opener    // opens secrets; nil: every secret reads as unset
	// Shipped holds the modules that ship, in its folder shipped; nil is none.
	Shipped fs.FS
	// Env reads an environment variable; nil is os.LookupEnv.
	Env    func(string) (string, bool)
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // the clock that plugins read; nil is time.Now

	MaxExecuting int    // runs that execute Lua at one time, beside light ones, four times as many; 0 is one and a half times the cores
	Instructions int64  // that one run may use; 0 is DefaultInstructions
	SoftHeap     uint64 // bytes of heap from which runs are measured; 0 is DefaultSoftHeap
	RunHeap      uint64 // bytes that one run may hold once they are measured; 0 is half of SoftHeap, or of Memory when that is less
	Memory       uint64 // bytes that all runs together may take, of which a quarter is left to the collector; 0 is DefaultMemory
	Measure      bool   // measure every run again and again
}

// The defaults of options.
const (
	DefaultInstructions = 500_000_000 // about five seconds of one core
	DefaultSoftHeap     = 96 << 20
	DefaultMemory       = 1 << 30
)

// WithDefaults fills what was left zero, and reports every problem.
func (o Options) WithDefaults() (Options, error) {
	var problems []error
	if o.MaxExecuting < 0 {
		problems = append(problems, errors.New("option MaxExecuting is negative"))
	}
	if o.Instructions < 0 {
		problems = append(problems, errors.New("option Instructions is negative"))
	}
	if o.MaxExecuting == 0 {
		o.MaxExecuting = (3*runtime.GOMAXPROCS(0) + 1) / 2
	}
	if o.Instructions == 0 {
		o.Instructions = DefaultInstructions
	}
	if o.SoftHeap == 0 {
		o.SoftHeap = DefaultSoftHeap
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.RunHeap == 0 {
		o.RunHeap = min(o.SoftHeap, o.Memory) / 2
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(problems...)
}

// Runner reads plugins and makes their runs. It knows nothing of a folder or of
// which plugins are in force. It is safe for concurrent use.
type Runner struct {
	Options Options
	Machine *vm.Machine
	Binder  *binding.Binder
	Loader  *loader.Loader
	Rules   *rules
	counts  counters
	free    sync.Pool // of zero *binding.PluginRun

	mu    sync.Mutex            // guards pools
	pools map[*vm.Pool]struct{} // of all versions that loaded and are not drained

	closing sync.Once
	stop    chan struct{} // closed by Close
	done    sync.WaitGroup
}

// New starts a runner, which Close ends.
func New(o Options) (*Runner, error) {
	o, err := o.WithDefaults()
	if err != nil {
		return nil, err
	}
	patch.LimitIndex()
	lualib.LimitConcat()
	lualib.LimitArrays()
	shipped, err := loader.ReadShipped(o.Shipped)
	if err != nil {
		return nil, fmt.Errorf("reading the shipped modules: %w", err)
	}
	r := runnerOver(newMachine(o), o, binding.NewShared(), shipped)
	r.Rules = newRules(r)
	r.stop = make(chan struct{})
	r.done.Add(2)
	go func() { defer r.done.Done(); r.Machine.Watchdog.Loop(r.stop) }()
	go func() { defer r.done.Done(); r.trimLoop() }()
	return r, nil
}

func runnerOver(m *vm.Machine, o Options, shared *binding.Shared, shipped []loader.ShippedModule) *Runner {
	return &Runner{
		Options: o,
		Machine: m,
		Binder:  &binding.Binder{Opener: o.Opener, Env: o.Env, Shared: shared},
		Loader:  &loader.Loader{Machine: m, Shipped: shipped},
		pools:   map[*vm.Pool]struct{}{},
	}
}

// newMachine is the machine for a runner's runs.
func newMachine(o Options) *vm.Machine {
	m := &vm.Machine{
		Permits: permit.NewSemaphore(o.MaxExecuting), Watchdog: vm.NewWatchdog(o.SoftHeap, o.RunHeap, o.Memory-o.Memory/4),
		Tools: vm.NewToolbox(), Builtin: map[string]vm.ModuleOpener{"forms": loader.OpenForms},
	}
	for name, open := range module.Builtin() {
		m.Builtin[name] = open
	}
	return machineWith(m, o)
}

// machineWith is a machine of other options that shares permits, limits and functions.
func machineWith(m *vm.Machine, o Options) *vm.Machine {
	return &vm.Machine{
		Host: o.Host, Data: o.Data, Now: o.Now, Logger: o.Logger, Instructions: o.Instructions, Watched: o.Measure,
		Permits: m.Permits, Watchdog: m.Watchdog, Tools: m.Tools, Builtin: m.Builtin,
	}
}

// Aside is a runner with other options that shares r's permits, limits and
// functions, and counts apart. It has no goroutine and no rules: Drain ends it.
func (r *Runner) Aside(change func(*Options)) *Runner {
	o := r.Options
	change(&o)
	return runnerOver(machineWith(r.Machine, o), o, r.Binder.Shared, r.Loader.Shipped)
}

// Drain closes the pools of all that was loaded.
func (r *Runner) Drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pools {
		p.Close()
		delete(r.pools, p)
	}
}

// Close stops the runner's own goroutines and waits for them. Runs under way
// end on their own.
func (r *Runner) Close() {
	r.closing.Do(func() { close(r.stop) })
	r.done.Wait()
}

// trimEvery is how often idle states are looked through.
const trimEvery = 30 * time.Second

// trimLoop drops states that nobody used for a while, and forgets drained pools.
func (r *Runner) trimLoop() {
	ticker := time.NewTicker(trimEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
			r.trim()
		}
	}
}

func (r *Runner) trim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pools {
		if p.Drained() {
			delete(r.pools, p)
			continue
		}
		p.Trim()
	}
}

// idleStates is how many states a version keeps for runs to come. Runs that wait
// for an answer hold one each, so that there are many more than execute at one
// time; what is not needed is dropped by and by.
const idleStates = 512

func (r *Runner) newPool() *vm.Pool {
	p := &vm.Pool{Tools: r.Machine.Tools, Limit: max(r.Options.MaxExecuting, idleStates)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pools[p] = struct{}{}
	return p
}

// Loaded is what came of loading one source.
type Loaded struct {
	Plugins  []*Version // nil when there is a problem
	Problems loader.Problems
	Warnings loader.Problems
	Slugs    []string // what the file says it defines, also when it has problems
}

// Load compiles and validates a source, and makes versions of its plugins. It
// blocks for at most a moment more than a second, whatever the source does.
func (r *Runner) Load(ctx context.Context, s *loader.Source, shownAs string) *Loaded {
	read := r.Loader.Load(ctx, s, shownAs)
	out := &Loaded{Problems: read.Problems, Warnings: read.Warnings, Slugs: read.Slugs}
	if len(read.Plugins) == 0 {
		return out
	}
	shared := r.newPool()
	for _, p := range read.Plugins {
		out.Plugins = append(out.Plugins, &Version{Plugin: p, runner: r, Pool: shared, counts: r.counts.of(p.Manifest.Slug)})
	}
	return out
}

// Memory is how many bytes all runs under way held when they were last measured,
// 0 while the heap is small and nobody measures them, and how many they may hold.
// It does not block.
func (r *Runner) Memory() (held, most uint64) {
	return r.Machine.Watchdog.Held.Load(), r.Machine.Watchdog.Together
}

// maxWaitingLight is how many light runs may wait for a permit before there are
// more of them than the processors can execute.
const maxWaitingLight = 64

// Saturated reports whether more light runs wait than that. It does not block.
func (r *Runner) Saturated() bool {
	return r.Machine.Permits.WaitingLight() > maxWaitingLight
}
