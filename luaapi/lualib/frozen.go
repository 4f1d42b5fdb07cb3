package lualib

import (
	lua "github.com/yuin/gopher-lua"
)

// Lua asks a table's metatable only about keys that are absent, so that a table
// which refuses every write has to be empty: what it shows stands behind it.
// Functions that look at a table's own entries go through Reading.

// frozen marks a metatable, in its first place, as that of a frozen table.
type frozen struct {
	what string
	data *lua.LTable
}

// The metamethods of all frozen tables. They hold nothing, and nobody changes them.
var (
	frozenNewIndex = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
		f := frozenOf(L.Get(1).(*lua.LTable))
		key := []rune(L.Get(2).String())
		L.RaiseError("%s is read-only: '%s' cannot be set", f.what, string(key[:min(len(key), 80)]))
		return 0
	}}
	frozenLen = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
		L.Push(lua.LNumber(Reading(L.Get(1).(*lua.LTable)).Len()))
		return 1
	}}
)

// Freeze returns a table that shows what data holds and refuses every write;
// the error calls it what. data belongs to it from then on: it is never written
// again, so that many states may read it at once.
func Freeze(what string, data *lua.LTable) *lua.LTable {
	meta := (*lua.LState)(nil).CreateTable(1, 3) // CreateTable does not look at its state
	meta.RawSetInt(1, &lua.LUserData{Value: &frozen{what, data}, Metatable: lua.LNil})
	meta.RawSetString("__index", data)
	meta.RawSetString("__newindex", frozenNewIndex)
	meta.RawSetString("__len", frozenLen)
	return &lua.LTable{Metatable: meta}
}

// Reading returns the table that holds what t shows: t, or what stands behind a
// frozen one. It may be shared with other states: it is to be read, and never to
// be given to Lua.
func Reading(t *lua.LTable) *lua.LTable {
	if f := frozenOf(t); f != nil {
		return f.data
	}
	return t
}

// frozenOf returns nil for a table that is not frozen. A plugin cannot make a
// metatable that looks like ours: it has no such userdata.
func frozenOf(t *lua.LTable) *frozen {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return nil
	}
	mark, ok := meta.RawGetInt(1).(*lua.LUserData)
	if !ok {
		return nil
	}
	f, _ := mark.Value.(*frozen)
	return f
}
