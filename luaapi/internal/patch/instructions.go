package patch

import (
	"reflect"
	"sync"
	"unsafe" // also for go:linkname

	lua "github.com/yuin/gopher-lua"
)

// instruction is the machine's own type of function: it carries out one
// instruction of the frame and returns 1 when the function under way has ended.
type instruction func(L *lua.LState, code uint32, frame unsafe.Pointer) int

// instructions is the machine's table of what it does for each operation. The
// machine has no other hook for a single one.
//
//go:linkname instructions github.com/yuin/gopher-lua.jumpTable
var instructions [lua.OP_NOP + 1]instruction

// BeforeConcat has look called before each `..`, with how many bytes it is about
// to build; look may raise. It holds for all states of the process, and is to be
// called before any of them runs.
//
// Upstream: one `s .. s` copies without a break and without a bound. From some
// ten megabytes on, that holds up the whole process at the next garbage
// collection, which has to wait for the copy to end.
func BeforeConcat(look func(L *lua.LState, bytes int)) {
	plain := instructions[lua.OP_CONCAT]
	instructions[lua.OP_CONCAT] = func(L *lua.LState, code uint32, frame unsafe.Pointer) int {
		size := 0
		for i := argB(code); i <= argC(code); i++ {
			if s, ok := L.Get(i + 1).(lua.LString); ok {
				size += len(s)
			}
		}
		look(L, size)
		return plain(L, code, frame)
	}
}

// BeforeIndexed has look called before each assignment to a whole number's place
// in something, a table or not, when the number is over least and under
// lua.MaxArrayIndex; look may raise. It holds for all states of the process, and
// is to be called before any of them runs.
//
// Upstream: an assignment beyond an array's end fills what lies between with
// nils, in one instruction: up to a million of them, which takes a tenth of a
// second.
func BeforeIndexed(least int, look func(L *lua.LState, obj lua.LValue, n int)) {
	plain := instructions[lua.OP_SETTABLE]
	instructions[lua.OP_SETTABLE] = func(L *lua.LState, code uint32, frame unsafe.Pointer) int {
		var key lua.LValue
		if b := argB(code); b&isConstant != 0 {
			key = constant(L, b&^isConstant)
		} else {
			key = L.Get(b + 1)
		}
		if n, ok := key.(lua.LNumber); ok && n > lua.LNumber(least) && n < lua.LNumber(lua.MaxArrayIndex) {
			look(L, L.Get(argA(code)+1), int(n))
		}
		return plain(L, code, frame)
	}
}

// LimitIndex keeps one assignment to a large index from allocating gigabytes. It
// is to be called before any state runs; later calls do nothing.
//
// Upstream: an array grows to any index below a package variable, which is 64
// million when it is left alone.
var LimitIndex = sync.OnceFunc(func() { lua.MaxArrayIndex = 1 << 20 })

// Where the machine keeps what BeforeIndexed has to see. It has no accessor for
// them that is quick enough for every assignment.
var (
	currentFrame  = offset[lua.LState]("currentFrame")
	frameFunction = frameOffset("Fn")
	tableArray    = offset[lua.LTable]("array")
)

func offset[T any](name string) uintptr {
	field, ok := reflect.TypeFor[T]().FieldByName(name)
	if !ok {
		panic("the Lua machine has no field " + name)
	}
	return field.Offset
}

func frameOffset(name string) uintptr {
	frame, _ := reflect.TypeFor[lua.LState]().FieldByName("currentFrame")
	field, ok := frame.Type.Elem().FieldByName(name)
	if !ok {
		panic("a frame of the Lua machine has no field " + name)
	}
	return field.Offset
}

// constant is one of the function under way.
func constant(L *lua.LState, i int) lua.LValue {
	frame := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(L), currentFrame))
	fn := *(**lua.LFunction)(unsafe.Add(frame, frameFunction))
	return fn.Proto.Constants[i]
}

// ArrayLen is how long the array part of a table is, nils at its end included.
func ArrayLen(t *lua.LTable) int {
	return len(*(*[]lua.LValue)(unsafe.Add(unsafe.Pointer(t), tableArray)))
}
