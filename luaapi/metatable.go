package luaapi

import (
	"sort"
	"time"

	"moonwatch/engine/form"

	lua "github.com/yuin/gopher-lua"
)

// goFunction is a Go function for Lua without a state's environment.
func goFunction(fn lua.LGFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, GFunction: fn}
}

// hiddenMark marks the tables that hiddenTable makes. No plugin can come by it.
var hiddenMark = &lua.LUserData{}

// hidden reports whether a metatable is one of hiddenTable's: what it leads to
// is not the run's own.
func hidden(meta *lua.LTable) bool { return meta.RawGetString("__metatable") == lua.LValue(hiddenMark) }

// hiddenTable is a metatable that plugins can neither see nor replace.
func hiddenTable(fields map[string]lua.LValue) *lua.LTable {
	t := newRecord(len(fields) + 1)
	t.RawSetString("__metatable", hiddenMark)
	for key, v := range fields {
		t.RawSetString(key, v)
	}
	return t
}

// strict is the metatable of a table with known keys: reading another raises
// and names the nearest one, and so does writing one.
func strict(what string, names []string) *lua.LTable {
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	index := func(L *lua.LState) int {
		name := keyText(L.Get(2))
		if !known[name] {
			raiseUnknown(L, what, name, names)
		}
		L.Push(lua.LNil)
		return 1
	}
	newindex := func(L *lua.LState) int {
		raiseReadOnly(L, what, keyText(L.Get(2)))
		return 0
	}
	return hiddenTable(map[string]lua.LValue{"__index": goFunction(index), "__newindex": goFunction(newindex)})
}

func keyText(v lua.LValue) string { return shorten(v.String(), 80) }

// raiseUnknown raises at the caller's line and names the nearest known field.
func raiseUnknown(L *lua.LState, what, name string, names []string) {
	if near := form.Closest(name, names); near != "" {
		L.RaiseError("%s has no field '%s'; did you mean '%s'?", what, name, near)
	}
	L.RaiseError("%s has no field '%s'", what, name)
}

func raiseReadOnly(L *lua.LState, what, name string) {
	L.RaiseError("%s is read-only: '%s' cannot be set", what, name)
}

// newTable returns an empty table. It needs no state.
func newTable() *lua.LTable { return &lua.LTable{Metatable: lua.LNil} }

// newRecord returns a table for n named entries. Left to itself the library
// makes room for 32 at the first: several kilobytes a table. CreateTable does
// not look at its state, so that none is needed here.
func newRecord(n int) *lua.LTable { return (*lua.LState)(nil).CreateTable(0, n) }

// instant is seconds since the epoch, nil for the zero time.
func instant(t time.Time) lua.LValue {
	if t.IsZero() {
		return lua.LNil
	}
	return lua.LNumber(float64(t.UnixMicro()) / 1e6)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
