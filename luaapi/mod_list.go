package luaapi

import lua "github.com/yuin/gopher-lua"

// builtinModules returns the modules that every plugin may require, by name.
// Each function builds the module's table afresh: a plugin may write to it, and
// what it writes ends with the run.
func builtinModules() map[string]func(*lua.LState) *lua.LTable {
	return map[string]func(*lua.LState) *lua.LTable{}
}
