package luaapi

import (
	"errors"

	"moonwatch/engine/form"

	lua "github.com/yuin/gopher-lua"
)

var errNoKey = errors.New("there is no key to open secrets with")

// sharedObjects are metatables that all states use. They are never written
// after they were made, no plugin can reach them, and their functions are Go's
// and hold no state.
type sharedObjects struct {
	anyCase    *lua.LTable
	lastResult *lua.LTable
	record     *lua.LTable
	metric     *lua.LTable
	ack        *lua.LTable
	ping       *lua.LTable
	checkRest  *lua.LTable // leads to the fields of a check that are not plain
	checkWrite *lua.LFunction
}

func newSharedObjects() *sharedObjects {
	return &sharedObjects{
		anyCase:    hiddenTable(map[string]lua.LValue{"__index": goFunction(anyCaseIndex)}),
		lastResult: strict("last_result", []string{"succeeded", "unknown", "error", "at"}),
		record:     strict("check", recordNames()),
		metric:     strict("metric", []string{"name", "value", "unit", "warn", "fail", "min", "max"}),
		ack:        strict("acknowledgement", []string{"user", "comment", "at", "expires_at"}),
		ping:       strict("ping", []string{"kind", "code", "run_id", "body", "at", "address"}),
		checkRest:  hiddenTable(map[string]lua.LValue{"__index": goFunction(checkIndex)}),
		checkWrite: goFunction(checkNewIndex),
	}
}

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
