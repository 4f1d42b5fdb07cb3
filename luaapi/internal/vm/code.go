package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// Code is what was compiled from one file or folder. Function prototypes are
// immutable and shared by all states; functions never are.
type Code struct {
	Main    *lua.FunctionProto
	Modules map[string]*lua.FunctionProto
	Libs    []bool // by LibraryNames: whether the source speaks of it at all
}

type ModuleOpener func(*lua.LState) *lua.LTable
