package vm

import (
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"
)

// Code is what was compiled from one file or folder. Function prototypes are
// immutable and shared by all states; functions never are.
type Code struct {
	Main    *lua.FunctionProto
	Modules map[string]*lua.FunctionProto
	Libs    []bool // by LibraryNames: whether the source speaks of it at all
	// Steady says that the top level makes the same with every run: it calls nothing
	// but require, of modules of which that is true, too.
	Steady bool
	spoilt atomic.Int32 // runs that changed what the top level had made
}

type ModuleOpener func(*lua.LState) *lua.LTable
