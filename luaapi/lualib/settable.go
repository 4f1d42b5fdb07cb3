package lualib

import (
	"reflect"
	"sync"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// An assignment beyond an array's end fills what lies between with nils, in one
// instruction: up to a million of them, which takes a tenth of a second.
const (
	largeGap  = 512  // nils that are filled in without further ado
	gapPart   = 4096 // nils between two looks at the context and the budget
	nilWeight = 16   // bytes
	nilSteps  = 8    // what one takes
)

// Where the machine keeps what LimitArrays has to see. It has no accessor for them
// that is quick enough for every assignment.
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

// arrayLen is how long the array part of a table is, nils at its end included.
func arrayLen(t *lua.LTable) int {
	return len(*(*[]lua.LValue)(unsafe.Add(unsafe.Pointer(t), tableArray)))
}

// LimitArrays has an assignment far beyond an array's end be paid for, and end
// with the run. It is to be called before any state runs; later calls do nothing.
var LimitArrays = sync.OnceFunc(func() {
	plain := instructions[lua.OP_SETTABLE]
	instructions[lua.OP_SETTABLE] = func(L *lua.LState, code uint32, frame unsafe.Pointer) int {
		var key lua.LValue
		const isConstant = 0x100
		if b := int(code & 0x1ff); b&isConstant != 0 {
			key = constant(L, b&^isConstant)
		} else {
			key = L.Get(b + 1)
		}
		if n, ok := key.(lua.LNumber); ok && n > largeGap && n < lua.LNumber(lua.MaxArrayIndex) {
			reach(L, L.Get(int(code>>18&0xff)+1), int(n))
		}
		return plain(L, code, frame)
	}
})

// reach makes room for index n in what an assignment to obj writes to.
func reach(L *lua.LState, obj lua.LValue, n int) {
	for range lua.MaxTableGetLoop {
		t, ok := obj.(*lua.LTable)
		if !ok || n <= arrayLen(t)+largeGap {
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
	length := arrayLen(t)
	if n <= length+largeGap {
		return
	}
	report(L, (n-length)*nilWeight)
	for length < n-1 {
		part := min(n-1-length, gapPart)
		spend(L, part*nilSteps)
		length += part
		t.RawSetInt(length, lua.LNil)
	}
}
