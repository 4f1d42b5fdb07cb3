package vm

import (
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
)

// GoFunction is a Go function for Lua without a state's environment.
func GoFunction(fn lua.LGFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, GFunction: fn}
}

// hiddenMark marks the tables that HiddenTable makes. No plugin can come by it.
var hiddenMark = &lua.LUserData{}

// hidden reports whether a metatable is one of HiddenTable's: what it leads to
// is not the run's own.
func hidden(meta *lua.LTable) bool { return meta.RawGetString("__metatable") == lua.LValue(hiddenMark) }

// HiddenTable is a metatable that plugins can neither see nor replace.
func HiddenTable(fields map[string]lua.LValue) *lua.LTable {
	t := NewRecord(len(fields) + 1)
	t.RawSetString("__metatable", hiddenMark)
	for key, v := range fields {
		t.RawSetString(key, v)
	}
	return t
}

// Strict is the metatable of a table with known keys: reading another raises
// and names the nearest one, and so does writing one.
func Strict(what string, names []string) *lua.LTable {
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	index := func(L *lua.LState) int {
		name := KeyText(L.Get(2))
		if !known[name] {
			RaiseUnknown(L, what, name, names)
		}
		L.Push(lua.LNil)
		return 1
	}
	newindex := func(L *lua.LState) int {
		RaiseReadOnly(L, what, KeyText(L.Get(2)))
		return 0
	}
	return HiddenTable(map[string]lua.LValue{"__index": GoFunction(index), "__newindex": GoFunction(newindex)})
}

func KeyText(v lua.LValue) string { return Shorten(v.String(), 80) }

// RaiseUnknown raises at the caller's line and names the nearest known field.
func RaiseUnknown(L *lua.LState, what, name string, names []string) {
	if near := form.Closest(name, names); near != "" {
		L.RaiseError("%s has no field '%s'; did you mean '%s'?", what, name, near)
	}
	L.RaiseError("%s has no field '%s'", what, name)
}

func RaiseReadOnly(L *lua.LState, what, name string) {
	L.RaiseError("%s is read-only: '%s' cannot be set", what, name)
}

// NewTable returns an empty table. It needs no state.
func NewTable() *lua.LTable { return &lua.LTable{Metatable: lua.LNil} }

// NewRecord returns a table for n named entries. Left to itself the library
// makes room for 32 at the first: several kilobytes a table. CreateTable does
// not look at its state, so that none is needed here.
func NewRecord(n int) *lua.LTable { return (*lua.LState)(nil).CreateTable(0, n) }

// Instant is seconds since the epoch, nil for the zero time.
func Instant(t time.Time) lua.LValue {
	if t.IsZero() {
		return lua.LNil
	}
	return lua.LNumber(float64(t.UnixMicro()) / 1e6)
}

func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
