package lualib

import (
	"sync"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/patch"
)

// An assignment beyond an array's end fills what lies between with nils, in one
// instruction: up to a million of them, which takes a tenth of a second.
const (
	largeGap = 512  // nils that are filled in without further ado
	gapPart  = 4096 // nils between two looks at the context and the budget
	nilSize  = 16   // bytes
	nilSteps = 8    // what one takes
)

// LimitArrays has an assignment far beyond an array's end be paid for, and end
// with the run. It is to be called before any state runs; later calls do nothing.
var LimitArrays = sync.OnceFunc(func() { patch.BeforeIndexed(largeGap, reach) })

// reach makes room for index n in what an assignment to obj writes to.
func reach(L *lua.LState, obj lua.LValue, n int) {
	for range lua.MaxTableGetLoop {
		t, ok := obj.(*lua.LTable)
		if !ok || n <= patch.ArrayLen(t)+largeGap {
			return
		}
		meta, ok := t.Metatable.(*lua.LTable)
		if !ok {
			fill(L, t, n)
			return
		}
		if obj = meta.RawGetString("__newindex"); obj == lua.LNil {
			fill(L, t, n)
			return
		}
	}
}

// fill fills the array with nils up to the index before n. Paid for are the
// bytes before there are any, and the steps in portions.
func fill(L *lua.LState, t *lua.LTable, n int) {
	length := patch.ArrayLen(t)
	if n <= length+largeGap {
		return
	}
	report(L, (n-length)*nilSize)
	for length < n-1 {
		part := min(n-1-length, gapPart)
		spend(L, part*nilSteps)
		length += part
		t.RawSetInt(length, lua.LNil)
	}
}
