package module

import (
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
)

// ModuleOf builds the table of a module's functions. They hold nothing of a
// state, so that all states can share them.
func ModuleOf(functions map[string]lua.LGFunction) *lua.LTable {
	t := luaval.NewRecord(len(functions))
	for name, fn := range functions {
		t.RawSetString(name, luaval.GoFunction(fn))
	}
	return t
}

// TextTable is an array of texts.
func TextTable(list []string) *lua.LTable {
	t := luaval.NewTable()
	for _, s := range list {
		t.Append(lua.LString(s))
	}
	return t
}

// InSeconds is a duration as Lua sees it.
func InSeconds(d time.Duration) lua.LNumber { return lua.LNumber(d.Seconds()) }

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
		functions[name] = luaval.GoFunction(fn)
		names = append(names, name)
	}
	sort.Strings(names)
	return luaval.HiddenTable(map[string]lua.LValue{
		"__index": luaval.GoFunction(func(L *lua.LState) int {
			name := luaval.KeyText(L.Get(2))
			fn := functions[name]
			if fn == nil {
				luaval.RaiseUnknown(L, what, name, names)
			}
			L.Push(fn)
			return 1
		}),
		"__newindex": luaval.GoFunction(func(L *lua.LState) int {
			luaval.RaiseReadOnly(L, what, luaval.KeyText(L.Get(2)))
			return 0
		}),
	})
}
