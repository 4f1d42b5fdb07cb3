package luaapi

import (
	"sort"
	"sync"

	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// toolbox holds the functions that plugins may use, once for all states: Lua's
// own and those of the modules. Its tables are never written after they were
// built and plugins cannot reach them: what they see are fresh tables in front.
// The functions are Go's, hold no state, and find their run in the context.
type toolbox struct {
	baseMeta   *lua.LTable // leads to the base functions
	libs       []library
	entry      *lua.LFunction
	trampoline *lua.LFunction

	mu      sync.Mutex  // guards what follows
	builder *lua.LState // modules are built in it; it never runs Lua
	modules map[string]*moduleTable
}

// libraryNames are Lua's own tables of functions.
func libraryNames() []string { return []string{"string", "table", "math", "os"} }

// library is one of Lua's own tables of functions.
type library struct {
	name  string
	table *lua.LTable
	meta  *lua.LTable // of the fresh tables in front of it
}

// moduleTable is a module as it was built.
type moduleTable struct {
	meta   *lua.LTable
	nested map[string]*moduleTable // tables inside it, such as store.shared
}

func newToolbox() *toolbox {
	b := &toolbox{
		entry:      goFunction(entry),
		trampoline: goFunction(trampoline),
		builder:    lua.NewState(stateOptions()),
		modules:    map[string]*moduleTable{},
	}
	base := newRecord(24)
	for name, fn := range lualib.Base() {
		base.RawSetString(name, goFunction(fn))
	}
	for name, fn := range coreBase() {
		base.RawSetString(name, goFunction(fn))
	}
	b.baseMeta = leadsTo(base)
	for i, fns := range []map[string]lua.LGFunction{lualib.String(), lualib.Table(), lualib.Math(), osFunctions()} {
		b.libs = append(b.libs, newLibrary(libraryNames()[i], fns))
	}
	return b
}

func newLibrary(name string, fns map[string]lua.LGFunction) library {
	table := newRecord(len(fns) + 2)
	for key, fn := range fns {
		table.RawSetString(key, goFunction(fn))
	}
	if name == "math" {
		table.RawSetString("pi", lualib.Pi)
		table.RawSetString("huge", lualib.Huge())
	}
	return library{name, table, leadsTo(table)}
}

// leadsTo returns a metatable by which reads fall through to table. Plugins
// cannot reach it: there is no getmetatable, and setmetatable refuses to replace it.
func leadsTo(table *lua.LTable) *lua.LTable {
	return hiddenTable(map[string]lua.LValue{"__index": table})
}

// objectMeta is the metatable of an object that is bound by hand.
func objectMeta(index, newindex lua.LGFunction) *lua.LTable {
	return hiddenTable(map[string]lua.LValue{"__index": goFunction(index), "__newindex": goFunction(newindex)})
}

// module returns a fresh table in front of a builtin module.
func (b *toolbox) module(name string, open moduleOpener) *lua.LTable {
	return b.built(name, open).fresh()
}

// built is a builtin module, which the first to ask for it builds.
func (b *toolbox) built(name string, open moduleOpener) *moduleTable {
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
func (b *toolbox) names(name string, open moduleOpener) []string {
	m := b.built(name, open)
	names := sortedKeys(m.nested)
	if table, ok := m.meta.RawGetString("__index").(*lua.LTable); ok {
		table.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	}
	sort.Strings(names)
	return names
}

func newModule(table *lua.LTable) *moduleTable {
	m := &moduleTable{meta: leadsTo(table)}
	table.ForEach(func(k, v lua.LValue) {
		if inner, ok := v.(*lua.LTable); ok {
			if m.nested == nil {
				m.nested = map[string]*moduleTable{}
			}
			m.nested[k.String()] = newModule(inner)
		}
	})
	for name := range m.nested {
		table.RawSetString(name, lua.LNil) // else a plugin that removes the fresh one finds it
	}
	return m
}

func (m *moduleTable) fresh() *lua.LTable {
	t := newRecord(len(m.nested))
	t.Metatable = m.meta
	for name, inner := range m.nested {
		t.RawSetString(name, inner.fresh())
	}
	return t
}
