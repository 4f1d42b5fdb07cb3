package luaapi

import (
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// moduleOf builds the table of a module's functions. They hold nothing of a
// state, so that all states can share them.
func moduleOf(functions map[string]lua.LGFunction) *lua.LTable {
	t := newRecord(len(functions))
	for name, fn := range functions {
		t.RawSetString(name, goFunction(fn))
	}
	return t
}

// textTable is an array of texts.
func textTable(list []string) *lua.LTable {
	t := newTable()
	for _, s := range list {
		t.Append(lua.LString(s))
	}
	return t
}

// inSeconds is a duration as Lua sees it.
func inSeconds(d time.Duration) lua.LNumber { return lua.LNumber(d.Seconds()) }

// objectOf wraps a value of ours for Lua. meta is never written and out of the
// reach of plugins.
func objectOf(value any, meta *lua.LTable) *lua.LUserData {
	return &lua.LUserData{Value: value, Metatable: meta}
}

// methodsOf is the metatable of objects that have methods alone. It is never written.
func methodsOf(what string, methods map[string]lua.LGFunction) *lua.LTable {
	functions := make(map[string]*lua.LFunction, len(methods))
	names := make([]string, 0, len(methods))
	for name, fn := range methods {
		functions[name] = goFunction(fn)
		names = append(names, name)
	}
	sort.Strings(names)
	return hiddenTable(map[string]lua.LValue{
		"__index": goFunction(func(L *lua.LState) int {
			name := keyText(L.Get(2))
			fn := functions[name]
			if fn == nil {
				raiseUnknown(L, what, name, names)
			}
			L.Push(fn)
			return 1
		}),
		"__newindex": goFunction(func(L *lua.LState) int {
			raiseReadOnly(L, what, keyText(L.Get(2)))
			return 0
		}),
	})
}
