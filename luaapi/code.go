package luaapi

import (
	lua "github.com/yuin/gopher-lua"
)

// code is what was compiled from one file or folder. Function prototypes are
// immutable and shared by all states; functions never are.
type code struct {
	main    *lua.FunctionProto
	modules map[string]*lua.FunctionProto
	libs    []bool // by libraryNames: whether the source speaks of it at all
}

type moduleOpener func(*lua.LState) *lua.LTable
