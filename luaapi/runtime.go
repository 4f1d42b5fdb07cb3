package luaapi

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// Runtime holds all plugins and runs them. It implements engine.Plugins and is
// safe for concurrent use.
type Runtime struct {
	opts     Options
	turns    *turns
	watchdog *watchdog
	builtin  map[string]moduleOpener
	shared   *sharedObjects
	tools    *toolbox
	counts   counters
	rules    *rules
	fast     atomic.Int64 // bindings that have a table for Lua

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
	pools     map[*pool]struct{} // of all versions that loaded and are not drained

	stop chan struct{} // closed by Close
	done sync.WaitGroup
}

type moduleOpener func(*lua.LState) *lua.LTable

// New builds a Runtime without any plugin; Load reads them.
func New(o Options) (*Runtime, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("plugin runtime options: %w", err)
	}
	patch.LimitIndex()
	lualib.LimitConcat()
	lualib.LimitArrays()
	rt := &Runtime{
		opts:   o,
		turns:  newTurns(o.MaxExecuting),
		shared: newSharedObjects(),
		tools:  newToolbox(),
		units:  map[string]*unit{},
		owners: map[string]*unit{},
		kept:   map[string]string{},
		stop:   make(chan struct{}),

		orphanSources: map[string]engine.PluginSource{},
		pools:         map[*pool]struct{}{},
	}
	rt.builtin = map[string]moduleOpener{"forms": openForms}
	for name, open := range builtinModules() {
		rt.builtin[name] = open
	}
	rt.entries.Store(&registry{bySlug: map[string]*engine.PluginEntry{}})
	rt.rules = newRules(rt)
	rt.watchdog = newWatchdog(o.SoftHeap, o.RunHeap, o.Memory-o.Memory/4)
	rt.done.Add(2)
	go func() { defer rt.done.Done(); rt.watchdog.loop(rt.stop) }()
	go func() { defer rt.done.Done(); rt.trimLoop() }()
	return rt, nil
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
		if p.drained() {
			delete(rt.pools, p)
			continue
		}
		p.trim()
	}
}

// idleStates is how many states a version keeps for runs to come. Runs that wait
// for an answer hold one each, so that there are many more than execute at one
// time; what is not needed is dropped by and by.
const idleStates = 512

func (rt *Runtime) newPool() *pool {
	p := &pool{tools: rt.tools, limit: max(rt.opts.MaxExecuting, idleStates)}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.pools[p] = struct{}{}
	return p
}
