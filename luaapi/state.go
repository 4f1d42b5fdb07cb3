package luaapi

import (
	"fmt"
	"sync"

	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// Options of the Lua states. The stack begins small, so that twenty thousand
// runs that wait for an answer fit in memory, and grows up to the limits.
var stateOptions = lua.Options{
	CallStackSize:       200,
	RegistrySize:        256,
	RegistryMaxSize:     1 << 16,
	RegistryGrowStep:    2048,
	SkipOpenLibs:        true,
	MinimizeStackMemory: true,
}

// state is a Lua state with the functions that plugins may use. What it holds
// between runs (base, modules and their metatables) is out of the reach of Lua
// code: plugins see fresh tables in front of them.
type state struct {
	L *lua.LState
	// base is where an environment looks for what it does not hold itself.
	base *lua.LTable
	// libs are string, table, math and os: their functions, which fresh tables lead to.
	libs []library
	// envMeta and moduleMetas are the metatables of what is made fresh for each run.
	envMeta    *lua.LTable
	stringMeta *lua.LTable
	entry      *lua.LFunction
	checkMeta  *lua.LTable
	resultMeta *lua.LTable
	metric     *lua.LFunction
	trampoline *lua.LFunction
	threads    []*protectedThread // by how deep they nest
	modules    map[string]*moduleTable
	runs       int
}

// libraryNames are Lua's own tables of functions.
func libraryNames() []string { return []string{"string", "table", "math", "os"} }

// library is one of Lua's own tables of functions.
type library struct {
	name string
	meta *lua.LTable
}

// moduleTable is a module as it was built in one state.
type moduleTable struct {
	table  *lua.LTable
	meta   *lua.LTable
	nested map[string]*moduleTable // tables inside it, such as store.shared
}

// newState builds a state. It takes about 50 µs.
func newState() *state {
	L := lua.NewState(stateOptions)
	st := &state{L: L, modules: map[string]*moduleTable{}}
	st.base = L.CreateTable(0, 32)
	for name, fn := range lualib.Base() {
		st.base.RawSetString(name, L.NewFunction(fn))
	}
	for name, fn := range coreBase(L) {
		st.base.RawSetString(name, fn)
	}
	for i, fns := range []map[string]lua.LGFunction{lualib.String(), lualib.Table(), lualib.Math(), osFunctions()} {
		st.addLibrary(libraryNames()[i], fns)
	}
	st.envMeta = st.hidden(st.base)
	st.entry = L.NewFunction(entry)
	st.trampoline = L.NewFunction(trampoline)
	st.metric = L.NewFunction(resultMetric)
	st.checkMeta = st.object(checkIndex, checkNewIndex)
	st.resultMeta = st.object(resultIndex, resultNewIndex)
	return st
}

func (st *state) addLibrary(name string, fns map[string]lua.LGFunction) {
	table := st.L.CreateTable(0, len(fns)+2)
	for key, fn := range fns {
		table.RawSetString(key, st.L.NewFunction(fn))
	}
	if name == "math" {
		table.RawSetString("pi", lualib.Pi)
		table.RawSetString("huge", lualib.Huge())
	}
	if name == "string" {
		st.stringMeta = st.hidden(table)
		st.L.SetMetatable(lua.LString(""), st.stringMeta)
	}
	st.libs = append(st.libs, library{name, st.hidden(table)})
}

// object returns the metatable of an object that is bound by hand.
func (st *state) object(index, newindex lua.LGFunction) *lua.LTable {
	return hiddenTable(map[string]lua.LValue{
		"__index": st.L.NewFunction(index), "__newindex": st.L.NewFunction(newindex),
	})
}

// hidden returns a metatable that leads to table. Plugins cannot reach it:
// there is no getmetatable, and setmetatable refuses to replace it.
func (st *state) hidden(table *lua.LTable) *lua.LTable {
	meta := st.L.CreateTable(0, 2)
	meta.RawSetString("__index", table)
	meta.RawSetString("__metatable", lua.LFalse)
	return meta
}

// environment returns a fresh table of globals. Lua's own libraries are fresh
// tables too, so that what a run adds to them ends with it; used says which of
// them the source names at all.
func (st *state) environment(used []bool) *lua.LTable {
	env := st.L.CreateTable(0, 0)
	env.Metatable = st.envMeta
	for i := range st.libs {
		if !used[i] {
			continue
		}
		lib := &st.libs[i]
		fresh := st.L.CreateTable(0, 0)
		fresh.Metatable = lib.meta
		st.base.RawSetString(lib.name, fresh)
		if lib.name == "string" {
			// ("x"):trim() finds what this run added to string, and nothing else.
			st.stringMeta.RawSetString("__index", fresh)
		}
	}
	return env
}

// module returns a fresh table in front of a builtin module.
func (st *state) module(name string, open moduleOpener) *lua.LTable {
	m := st.modules[name]
	if m == nil {
		m = st.newModule(open(st.L))
		st.modules[name] = m
	}
	return st.fresh(m)
}

func (st *state) newModule(table *lua.LTable) *moduleTable {
	m := &moduleTable{table: table, meta: st.hidden(table)}
	table.ForEach(func(k, v lua.LValue) {
		inner, ok := v.(*lua.LTable)
		if ok {
			if m.nested == nil {
				m.nested = map[string]*moduleTable{}
			}
			m.nested[k.String()] = st.newModule(inner)
		}
	})
	for name := range m.nested {
		table.RawSetString(name, lua.LNil) // else a plugin that removes the fresh one finds it
	}
	return m
}

func (st *state) fresh(m *moduleTable) *lua.LTable {
	t := st.L.CreateTable(0, len(m.nested))
	t.Metatable = m.meta
	for name, inner := range m.nested {
		t.RawSetString(name, st.fresh(inner))
	}
	return t
}

// pool keeps the idle states of one version.
type pool struct {
	mu     sync.Mutex // guards what follows
	idle   []*state
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
	return newState()
}

// put takes a state back after a run that ended cleanly.
func (p *pool) put(st *state, instructions int64) {
	st.runs++
	if st.runs >= maxRuns || instructions >= largeRun {
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
	st.L.Push(st.trampoline)
	st.L.Push(fn)
	for _, arg := range args {
		st.L.Push(arg)
	}
	return st.L.PCall(len(args)+1, nret, nil)
}
