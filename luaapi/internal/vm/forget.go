package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// largeStack is how many registers make a stack that does not serve again: it
// never shrinks.
const largeStack = 8192

// forget drops what the last run left, so that an idle state keeps none of it
// alive. It reports false when the state is too large to be kept.
func (st *State) forget() bool {
	registers := st.stack.Len()
	for _, th := range st.threads {
		registers += th.Stack.Len()
	}
	if registers > largeStack {
		return false
	}
	st.L.SetTop(0)
	st.L.RemoveContext() // it leads to the run
	st.stack.Clear()
	for _, th := range st.threads {
		th.L.SetTop(0)
		th.L.RemoveContext()
		th.Stack.Clear()
	}
	for i, used := range st.used {
		if !used {
			continue
		}
		lib := &st.tools.Libs[i]
		st.Libs.RawSetString(lib.Name, lua.LNil)
		if lib.Name == "string" {
			st.stringMeta.RawSetString("__index", lib.Table)
		}
	}
	st.used = nil
	return true
}
