package lualib

import (
	"sync"
	"unsafe" // also for go:linkname

	lua "github.com/yuin/gopher-lua"
)

// instruction is the machine's own type of function: it carries out one
// instruction of the frame and returns 1 when the function under way has ended.
type instruction func(L *lua.LState, code uint32, frame unsafe.Pointer) int

// instructions is the machine's table of what it does for each operation. The
// machine has no other hook for `..`, and one `s .. s` copies without a break:
// from some ten megabytes on, that holds up the whole process at the next
// garbage collection, which has to wait for the copy to end.
//
//go:linkname instructions github.com/yuin/gopher-lua.jumpTable
var instructions [lua.OP_NOP + 1]instruction

// LimitConcat has `..` report to the budget what it is about to build, and
// refuse more than MaxString where there is no budget to refuse it. It is to be
// called before any state runs; later calls do nothing.
var LimitConcat = sync.OnceFunc(func() {
	plain := instructions[lua.OP_CONCAT]
	instructions[lua.OP_CONCAT] = func(L *lua.LState, code uint32, frame unsafe.Pointer) int {
		first, last := int(code&0x1ff), int(code>>9&0x1ff) // the registers B and C
		size := 0
		for i := first; i <= last; i++ {
			if s, ok := L.Get(i + 1).(lua.LString); ok {
				size += len(s)
			}
		}
		if size >= reportFrom && !report(L, size) && size > MaxString {
			L.RaiseError("%s", errTooLarge.Error())
		}
		return plain(L, code, frame)
	}
})
