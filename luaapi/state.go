package luaapi

import (
	"fmt"
	"sync"

	"moonwatch/luaapi/internal/patch"

	lua "github.com/yuin/gopher-lua"
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

// state is a Lua state for one run after another. What it holds between them is
// out of the reach of Lua code.
type state struct {
	L     *lua.LState
	stack patch.Stack
	tools *toolbox
	// libs holds this run's string, table, math and os; an environment finds them
	// there, and the base functions behind.
	libs       *lua.LTable
	envMeta    *lua.LTable
	stringMeta *lua.LTable
	used       []bool          // the libraries that this run may have changed
	threads    []*patch.Thread // by how deep they nest
	runs       int
}

// newState builds a state. It takes a few microseconds and about 8 KB.
func newState(tools *toolbox) *state {
	L := lua.NewState(stateOptions())
	// The library makes room for a hundred globals that nobody will see.
	L.G.Registry, L.G.Global = newTable(), newTable()
	L.Env = L.G.Global
	st := &state{L: L, stack: patch.StackOf(L), tools: tools, libs: newRecord(4)}
	st.libs.Metatable = tools.baseMeta
	st.envMeta = leadsTo(st.libs)
	for _, lib := range tools.libs {
		if lib.name == "string" {
			st.stringMeta = leadsTo(lib.table)
			L.SetMetatable(lua.LString(""), st.stringMeta)
		}
	}
	return st
}

// environment returns a fresh table of globals. Lua's own libraries are fresh
// tables too, so that what a run adds to them ends with it; used says which of
// them the source names at all.
func (st *state) environment(used []bool) *lua.LTable {
	env := newTable()
	env.Metatable = st.envMeta
	st.used = used
	for i := range st.tools.libs {
		if !used[i] {
			continue
		}
		lib := &st.tools.libs[i]
		fresh := newTable()
		fresh.Metatable = lib.meta
		st.libs.RawSetString(lib.name, fresh)
		if lib.name == "string" {
			// ("x"):trim() finds what this run added to string, and nothing else.
			st.stringMeta.RawSetString("__index", fresh)
		}
	}
	return env
}

// pool keeps the idle states of one version.
type pool struct {
	mu     sync.Mutex // guards what follows
	idle   []*state
	tools  *toolbox
	limit  int
	least  int // fewest idle states since the last trim
	closed bool
}

// maxRuns is how many runs a state serves, largeRun how many instructions make
// one that it does not survive: tables of the state and its stack never shrink.
const (
	maxRuns  = 1000
	largeRun = 2_000_000
)

// get returns an idle state or a new one.
func (p *pool) get() *state {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		st := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.least = min(p.least, n-1)
		p.mu.Unlock()
		return st
	}
	p.mu.Unlock()
	return newState(p.tools)
}

// put takes a state back after a run that ended cleanly. What the run built is
// not kept alive by it.
func (p *pool) put(st *state, instructions int64) {
	st.runs++
	if st.runs >= maxRuns || instructions >= largeRun || !st.forget() {
		st.close()
		return
	}
	p.mu.Lock()
	if p.closed || len(p.idle) >= p.limit {
		p.mu.Unlock()
		st.close()
		return
	}
	p.idle = append(p.idle, st)
	p.mu.Unlock()
}

// trim drops the states that were idle all the time since the last trim.
func (p *pool) trim() {
	p.mu.Lock()
	surplus := p.idle[:min(p.least, len(p.idle))]
	dropped := append([]*state(nil), surplus...)
	p.idle = append([]*state(nil), p.idle[len(surplus):]...)
	p.least = len(p.idle)
	p.mu.Unlock()
	for _, st := range dropped {
		st.close()
	}
}

// drained reports whether the pool was closed.
func (p *pool) drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// close drops all idle states; those in use are dropped as they come back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, st := range idle {
		st.close()
	}
}

// close ends the state. The library crashes on a second Close.
func (st *state) close() {
	if !st.L.IsClosed() {
		st.dropThreads(0)
		st.L.Close()
	}
}

// protect calls fn with its arguments and returns its results, of which there
// are nret. An error is an *lua.ApiError whose traceback is filled.
func (st *state) protect(fn lua.LValue, nret int, args ...lua.LValue) error {
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
