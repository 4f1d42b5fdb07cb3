package luaval

import (
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/lualib"
)

// GoFunction is a Go function for Lua without a state's environment.
func GoFunction(fn lua.LGFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, GFunction: fn}
}

// hiddenMark marks the tables that HiddenTable makes. No plugin can come by it.
var hiddenMark = &lua.LUserData{}

// LookUp is a table of fields, which it owns, that is read by name alone: no plugin
// may write to it, and next finds nothing in it. It is a third as large as others.
func LookUp(fields map[string]lua.LValue, meta *lua.LTable) *lua.LTable {
	return patch.LookUp(fields, meta)
}

// Hidden reports whether a metatable is one of HiddenTable's: what it leads to
// is not the run's own.
func Hidden(meta *lua.LTable) bool { return meta.RawGetString("__metatable") == lua.LValue(hiddenMark) }

// HiddenTable is a LookUp for a metatable that plugins can neither see nor replace.
// It owns fields.
func HiddenTable(fields map[string]lua.LValue) *lua.LTable {
	fields["__metatable"] = hiddenMark
	return patch.LookUp(fields, lua.LNil)
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

// KeyText is a key as errors show it.
func KeyText(v lua.LValue) string { return Shorten(v.String(), 80) }

// RaiseUnknown raises at the caller's line and names the nearest known field.
func RaiseUnknown(L *lua.LState, what, name string, names []string) {
	if near := form.Closest(name, names); near != "" {
		L.RaiseError("%s has no field '%s'; did you mean '%s'?", what, name, near)
	}
	L.RaiseError("%s has no field '%s'", what, name)
}

// RaiseReadOnly raises at the caller's line that a field cannot be set.
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

// SortedKeys are the keys of a map, in order.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// TypeName names a value's type as people say it.
func TypeName(v lua.LValue) string {
	switch v.Type() {
	case lua.LTString:
		return "text"
	case lua.LTUserData:
		return "an object"
	case lua.LTNil:
		return "nil"
	}
	return "a " + v.Type().String()
}

// TextOf returns text, or a number as text.
func TextOf(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return lualib.ToString(nil, v), true
	}
	return "", false
}
