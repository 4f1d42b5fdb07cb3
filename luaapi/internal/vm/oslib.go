package vm

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/lualib"
)

// osFunctions returns what plugins find in os: clocks in UTC, and getenv for the
// variables that the plugin lists.
func osFunctions() map[string]lua.LGFunction {
	fns := lualib.OS()
	fns["getenv"] = osGetenv
	return fns
}

func osGetenv(L *lua.LState) int {
	name, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("bad argument #1 to 'getenv' (string expected, got %s)", L.Get(1).Type().String())
	}
	if c := CallOf(L); c != nil && c.Env != nil && !c.Loading {
		if value, ok := c.Env(string(name)); ok {
			L.Push(lua.LString(value))
			return 1
		}
	}
	L.Push(lua.LNil)
	return 1
}
