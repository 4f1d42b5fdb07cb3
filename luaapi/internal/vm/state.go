package vm

import (
	"fmt"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/snapshot"
)

// stateOptions begin with a small stack, so that twenty thousand runs that wait
// for an answer fit in memory, and let it grow up to the limits.
func stateOptions() lua.Options {
	return lua.Options{
		CallStackSize:       200,
		RegistrySize:        256,
		RegistryMaxSize:     1 << 16,
		RegistryGrowStep:    1024,
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
	}
}

// State is a Lua state for one run after another. What it holds between them is
// out of the reach of Lua code.
type State struct {
	L     *lua.LState
	stack patch.Stack
	tools *toolbox
	// Libs holds this run's string, table, math and os; an environment finds them
	// there, and the base functions behind.
	Libs       *lua.LTable
	envMeta    *lua.LTable
	stringMeta *lua.LTable
	used       []bool          // the libraries that this run may have changed
	threads    []*patch.Thread // by how deep they nest
	kept       *kept           // of the last run; nil: nothing
	Runs       int
}

// newState builds a state. It takes a few microseconds and about 8 KB.
func newState(tools *toolbox) *State {
	L := lua.NewState(stateOptions())
	// The library makes room for a hundred globals that nobody will see.
	L.G.Registry, L.G.Global = luaval.NewTable(), luaval.NewTable()
	L.Env = L.G.Global
	st := &State{L: L, stack: patch.StackOf(L), tools: tools, Libs: luaval.NewRecord(4)}
	st.Libs.Metatable = tools.BaseMeta
	st.envMeta = LeadsTo(st.Libs)
	for _, lib := range tools.Libs {
		if lib.Name == "string" {
			st.stringMeta = LeadsTo(lib.Table)
			L.SetMetatable(lua.LString(""), st.stringMeta)
		}
	}
	return st
}

// Environment returns a fresh table of globals. Lua's own libraries are fresh
// tables too, so that what a run adds to them ends with it; used says which of
// them the source names at all.
func (st *State) Environment(used []bool) *lua.LTable {
	env := luaval.NewTable()
	env.Metatable = st.envMeta
	st.used = used
	for i := range st.tools.Libs {
		if !used[i] {
			continue
		}
		fresh := luaval.NewTable()
		fresh.Metatable = st.tools.Libs[i].meta
		st.putLibrary(i, fresh)
	}
	return env
}

// putLibrary shows the run a library of Lua's own, by the table in front of it.
func (st *State) putLibrary(i int, front *lua.LTable) {
	name := st.tools.Libs[i].Name
	st.Libs.RawSetString(name, front)
	if name == "string" {
		// ("x"):trim() finds what this run added to string, and nothing else.
		st.stringMeta.RawSetString("__index", front)
	}
}

// kept is what the top level of a file made, for the next run of its state. A run
// sees no more of the one before than if the top level had been run anew: Steady
// says that this would make the same again, and when a run has ended, whatever it
// could reach of it is looked at. It is dropped when anything has changed.
type kept struct {
	*snapshot.Snapshot
	code   *Code
	env    *lua.LTable
	libs   []*lua.LTable // in front of Lua's own, as in Code.Libs; nil where unused
	top    lua.LValue
	loaded []loadedModule
}

// maxKept is how many values are looked at after a run: of more, running the top
// level anew costs no more. maxSpoilt is how often a file's runs may change
// something until nothing of it is kept any more.
const (
	maxKept   = 512
	maxSpoilt = 8
)

// keep notes what the top level of c has made in env, if that can be kept.
func (st *State) keep(c *Code, env *lua.LTable, top lua.LValue, loaded []loadedModule) {
	if !c.Steady || c.spoilt.Load() >= maxSpoilt {
		return
	}
	k := &kept{code: c, env: env, top: top, loaded: slices.Clone(loaded)}
	roots := []lua.LValue{top}
	for _, m := range loaded {
		roots = append(roots, m.value)
	}
	for i, used := range c.Libs {
		k.libs = append(k.libs, nil)
		if used {
			k.libs[i], _ = st.Libs.RawGetString(st.tools.Libs[i].Name).(*lua.LTable)
			roots = append(roots, k.libs[i])
		}
	}
	if k.Snapshot = snapshot.Take(env, maxKept, roots...); k.Snapshot == nil {
		c.spoilt.Store(maxSpoilt)
		return
	}
	st.kept = k
}

// restore puts what is kept of c in place, and returns its environment; nil when
// there is none.
func (st *State) restore(c *Code) *lua.LTable {
	k := st.kept
	if k == nil || k.code != c {
		st.kept = nil
		return nil
	}
	st.used = c.Libs
	for i, front := range k.libs {
		if front != nil {
			st.putLibrary(i, front)
		}
	}
	return k.env
}

// Pool keeps the idle states of one version.
type Pool struct {
	mu     sync.Mutex // guards what follows
	Idle   []*State
	Tools  *toolbox
	Limit  int
	least  int // fewest idle states since the last trim
	closed bool
}

// MaxRuns is how many runs a state serves, largeRun how many instructions make
// one that it does not survive: tables of the state and its stack never shrink.
const (
	MaxRuns  = 1000
	largeRun = 2_000_000
)

// Get returns an idle state or a new one.
func (p *Pool) Get() *State {
	p.mu.Lock()
	if n := len(p.Idle); n > 0 {
		st := p.Idle[n-1]
		p.Idle[n-1] = nil
		p.Idle = p.Idle[:n-1]
		p.least = min(p.least, n-1)
		p.mu.Unlock()
		return st
	}
	p.mu.Unlock()
	return newState(p.Tools)
}

// Put takes a state back after a run that ended cleanly. What the run built is
// not kept alive by it.
func (p *Pool) Put(st *State, instructions int64) {
	st.Runs++
	if st.Runs >= MaxRuns || instructions >= largeRun || !st.forget() {
		st.close()
		return
	}
	p.mu.Lock()
	if p.closed || len(p.Idle) >= p.Limit {
		p.mu.Unlock()
		st.close()
		return
	}
	p.Idle = append(p.Idle, st)
	p.mu.Unlock()
}

// Trim drops the states that were idle all the time since the last trim.
func (p *Pool) Trim() {
	p.mu.Lock()
	surplus := p.Idle[:min(p.least, len(p.Idle))]
	dropped := append([]*State(nil), surplus...)
	p.Idle = append([]*State(nil), p.Idle[len(surplus):]...)
	p.least = len(p.Idle)
	p.mu.Unlock()
	for _, st := range dropped {
		st.close()
	}
}

// Drained reports whether the pool was closed.
func (p *Pool) Drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Close drops all idle states; those in use are dropped as they come back.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.Idle
	p.Idle, p.closed = nil, true
	p.mu.Unlock()
	for _, st := range idle {
		st.close()
	}
}

// close ends the state. The library crashes on a second Close.
func (st *State) close() {
	if !st.L.IsClosed() {
		st.dropThreads(0)
		st.L.Close()
	}
}

// protect calls fn with its arguments and returns its results, of which there
// are nret. An error is an *lua.ApiError whose traceback is filled.
func (st *State) protect(fn lua.LValue, nret int, args ...lua.LValue) error {
	if fn == nil || fn.Type() != lua.LTFunction {
		return fmt.Errorf("not a function")
	}
	st.L.Push(st.tools.trampoline)
	st.L.Push(fn)
	for _, arg := range args {
		st.L.Push(arg)
	}
	return st.L.PCall(len(args)+1, nret, nil)
}

// largeStack is how many registers make a stack that does not serve again: it
// never shrinks.
const largeStack = 8192

// forget drops what the last run left, so that an idle state keeps none of it
// alive. It reports false when the state is too large to be kept.
func (st *State) forget() bool {
	registers := st.stack.Len()
	for _, th := range st.threads {
		registers += th.Stack.Len()
	}
	if registers > largeStack {
		return false
	}
	if k := st.kept; k != nil && !k.Unchanged() {
		k.code.spoilt.Add(1)
		st.kept = nil
	}
	st.L.SetTop(0)
	st.L.RemoveContext() // it leads to the run
	st.stack.Clear()
	for _, th := range st.threads {
		th.L.SetTop(0)
		th.L.RemoveContext()
		th.Stack.Clear()
	}
	for i, used := range st.used {
		if !used {
			continue
		}
		lib := &st.tools.Libs[i]
		st.Libs.RawSetString(lib.Name, lua.LNil)
		if lib.Name == "string" {
			st.stringMeta.RawSetString("__index", lib.Table)
		}
	}
	st.used = nil
	return true
}
