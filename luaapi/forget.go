package luaapi

import (
	"reflect"

	lua "github.com/yuin/gopher-lua"
)

// stackMemory is the memory of a Lua thread's stack. The library leaves there
// what was above the top and in frames that returned, until something is written
// over it, and has no way to clear it.
type stackMemory struct {
	registers *[]lua.LValue
	frames    reflect.Value // the first segment of call frames; the library frees the others itself
}

// stackOf finds the memory of L's stack, which L keeps until it is closed.
func stackOf(L *lua.LState) stackMemory {
	state := reflect.ValueOf(L).Elem()
	registers := state.FieldByName("reg").Elem().FieldByName("array")
	segment := state.FieldByName("stack").Elem().Elem().FieldByName("segments").Index(0)
	return stackMemory{
		registers: (*[]lua.LValue)(registers.Addr().UnsafePointer()),
		frames:    reflect.NewAt(segment.Type().Elem(), segment.UnsafePointer()).Elem(),
	}
}

// clear forgets all values. No call may be under way on the stack.
func (m stackMemory) clear() {
	clear(*m.registers)
	m.frames.SetZero()
}

// largeStack is how many registers make a stack that does not serve again: it
// never shrinks.
const largeStack = 8192

// forget drops what the last run left, so that an idle state keeps none of it
// alive. It reports false when the state is too large to be kept.
func (st *state) forget() bool {
	registers := len(*st.stack.registers)
	for _, th := range st.threads {
		registers += len(*th.stack.registers)
	}
	if registers > largeStack {
		return false
	}
	st.L.SetTop(0)
	st.L.RemoveContext() // it leads to the run
	st.stack.clear()
	for _, th := range st.threads {
		th.L.SetTop(0)
		th.L.RemoveContext()
		th.stack.clear()
	}
	for i, used := range st.used {
		if !used {
			continue
		}
		lib := &st.tools.libs[i]
		st.libs.RawSetString(lib.name, lua.LNil)
		if lib.name == "string" {
			st.stringMeta.RawSetString("__index", lib.table)
		}
	}
	st.used = nil
	return true
}
