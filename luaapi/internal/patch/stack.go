package patch

import (
	"reflect"

	lua "github.com/yuin/gopher-lua"
)

// Stack is the memory of a Lua thread's stack.
//
// Upstream: the library leaves there what was above the top and in frames that
// returned, until something is written over it, and has no way to clear it. An
// idle state would keep alive what its last run built.
type Stack struct {
	registers *[]lua.LValue
	frames    reflect.Value // the first segment of call frames; the library frees the others itself
}

// StackOf finds the memory of L's stack, which L keeps until it is closed. L was
// made with MinimizeStackMemory.
func StackOf(L *lua.LState) Stack {
	state := reflect.ValueOf(L).Elem()
	registers := state.FieldByName("reg").Elem().FieldByName("array")
	segment := state.FieldByName("stack").Elem().Elem().FieldByName("segments").Index(0)
	return Stack{
		registers: (*[]lua.LValue)(registers.Addr().UnsafePointer()),
		frames:    reflect.NewAt(segment.Type().Elem(), segment.UnsafePointer()).Elem(),
	}
}

// Len is how many registers there are. It grows with what a run needs, and never
// shrinks.
func (m Stack) Len() int { return len(*m.registers) }

// Clear forgets all values. No call may be under way on the stack.
func (m Stack) Clear() {
	clear(*m.registers)
	m.frames.SetZero()
}

// Thread is a Lua thread of its own for a protected call.
//
// Upstream: an error closes the upvalues of every function under way, also of
// those that go on after the pcall, whose closures would from then on see copies
// of their variables. On a thread of its own, an error ends with the thread.
type Thread struct {
	L     *lua.LState
	Stack Stack
}

// NewThread makes a thread that shares L's objects; the caller gives it its
// context.
//
// Upstream: for a thread of a state with a context the library derives another
// one, and a goroutine that waits for its end.
func NewThread(L *lua.LState) *Thread {
	ctx := L.RemoveContext()
	th, _ := L.NewThread()
	L.SetContext(ctx)
	return &Thread{th, StackOf(th)}
}
