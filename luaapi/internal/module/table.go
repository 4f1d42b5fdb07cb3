package module

import (
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/vm"
)

// ModuleOf builds the table of a module's functions. They hold nothing of a
// state, so that all states can share them.
func ModuleOf(functions map[string]lua.LGFunction) *lua.LTable {
	t := vm.NewRecord(len(functions))
	for name, fn := range functions {
		t.RawSetString(name, vm.GoFunction(fn))
	}
	return t
}

// TextTable is an array of texts.
func TextTable(list []string) *lua.LTable {
	t := vm.NewTable()
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
		functions[name] = vm.GoFunction(fn)
		names = append(names, name)
	}
	sort.Strings(names)
	return vm.HiddenTable(map[string]lua.LValue{
		"__index": vm.GoFunction(func(L *lua.LState) int {
			name := vm.KeyText(L.Get(2))
			fn := functions[name]
			if fn == nil {
				vm.RaiseUnknown(L, what, name, names)
			}
			L.Push(fn)
			return 1
		}),
		"__newindex": vm.GoFunction(func(L *lua.LState) int {
			vm.RaiseReadOnly(L, what, vm.KeyText(L.Get(2)))
			return 0
		}),
	})
}
