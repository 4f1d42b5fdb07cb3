package vm

import (
	"sort"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/lualib"
)

// toolbox holds the functions that plugins may use, once for all states: Lua's
// own and those of the modules. Its tables are never written after they were
// built and plugins cannot reach them: what they see are fresh tables in front.
// The functions are Go's, hold no state, and find their run in the context.
type toolbox struct {
	BaseMeta   *lua.LTable // leads to the base functions
	Libs       []library
	entry      *lua.LFunction
	trampoline *lua.LFunction

	mu      sync.Mutex  // guards what follows
	builder *lua.LState // modules are built in it; it never runs Lua
	modules map[string]*moduleTable
}

// LibraryNames are Lua's own tables of functions.
func LibraryNames() []string { return []string{"string", "table", "math", "os"} }

// library is one of Lua's own tables of functions.
type library struct {
	Name  string
	Table *lua.LTable
	meta  *lua.LTable // of the fresh tables in front of it
}

// moduleTable is a module as it was built.
type moduleTable struct {
	Meta   *lua.LTable
	Nested map[string]*moduleTable // tables inside it, such as store.shared
}

func NewToolbox() *toolbox {
	b := &toolbox{
		entry:      luaval.GoFunction(entry),
		trampoline: luaval.GoFunction(trampoline),
		builder:    lua.NewState(stateOptions()),
		modules:    map[string]*moduleTable{},
	}
	base := luaval.NewRecord(24)
	for name, fn := range lualib.Base() {
		base.RawSetString(name, luaval.GoFunction(fn))
	}
	for name, fn := range coreBase() {
		base.RawSetString(name, luaval.GoFunction(fn))
	}
	b.BaseMeta = LeadsTo(base)
	for i, fns := range []map[string]lua.LGFunction{lualib.String(), lualib.Table(), lualib.Math(), osFunctions()} {
		b.Libs = append(b.Libs, newLibrary(LibraryNames()[i], fns))
	}
	return b
}

func newLibrary(name string, fns map[string]lua.LGFunction) library {
	table := luaval.NewRecord(len(fns) + 2)
	for key, fn := range fns {
		table.RawSetString(key, luaval.GoFunction(fn))
	}
	if name == "math" {
		table.RawSetString("pi", lualib.Pi)
		table.RawSetString("huge", lualib.Huge())
	}
	return library{name, table, LeadsTo(table)}
}

// LeadsTo returns a metatable by which reads fall through to table. Plugins
// cannot reach it: there is no getmetatable, and setmetatable refuses to replace it.
func LeadsTo(table *lua.LTable) *lua.LTable {
	return luaval.HiddenTable(map[string]lua.LValue{"__index": table})
}

// ObjectMeta is the metatable of an object that is bound by hand.
func ObjectMeta(index, newindex lua.LGFunction) *lua.LTable {
	return luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.GoFunction(index), "__newindex": luaval.GoFunction(newindex)})
}

// module returns a fresh table in front of a builtin module.
func (b *toolbox) module(name string, open ModuleOpener) *lua.LTable {
	return b.Built(name, open).fresh()
}

// Built is a builtin module, which the first to ask for it builds.
func (b *toolbox) Built(name string, open ModuleOpener) *moduleTable {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.modules[name]
	if m == nil {
		m = newModule(open(b.builder))
		b.modules[name] = m
	}
	return m
}

// names lists what a builtin module has, in order.
func (b *toolbox) names(name string, open ModuleOpener) []string {
	m := b.Built(name, open)
	names := luaval.SortedKeys(m.Nested)
	if table, ok := m.Meta.RawGetString("__index").(*lua.LTable); ok {
		table.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	}
	sort.Strings(names)
	return names
}

func newModule(table *lua.LTable) *moduleTable {
	m := &moduleTable{Meta: LeadsTo(table)}
	table.ForEach(func(k, v lua.LValue) {
		if inner, ok := v.(*lua.LTable); ok {
			if m.Nested == nil {
				m.Nested = map[string]*moduleTable{}
			}
			m.Nested[k.String()] = newModule(inner)
		}
	})
	for name := range m.Nested {
		table.RawSetString(name, lua.LNil) // else a plugin that removes the fresh one finds it
	}
	return m
}

func (m *moduleTable) fresh() *lua.LTable {
	t := luaval.NewRecord(len(m.Nested))
	t.Metatable = m.Meta
	for name, inner := range m.Nested {
		t.RawSetString(name, inner.fresh())
	}
	return t
}
