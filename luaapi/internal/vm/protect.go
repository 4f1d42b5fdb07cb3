package vm

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/patch"
)

// maxProtected is how deep protected calls nest; deeper is too deep a recursion.
const maxProtected = 100

// CallProtected calls the function and arguments on L's stack from position 1
// on. On success it returns the results, else the error.
func CallProtected(L *lua.LState, values []lua.LValue) ([]lua.LValue, error) {
	r := CallOf(L).Run
	if r.protectedDepth >= maxProtected {
		r.VM.end(errDepth)
		L.RaiseError("%s", errDepth.Error())
	}
	th := r.st.thread(r.protectedDepth)
	r.protectedDepth++
	defer func() { r.protectedDepth-- }()
	th.L.SetContext(L.Context())
	th.L.Push(r.st.tools.trampoline)
	for _, v := range values {
		th.L.Push(v)
	}
	err := th.L.PCall(len(values), lua.MultRet, nil)
	if err != nil {
		r.st.dropThreads(r.protectedDepth - 1)
		return nil, err
	}
	results := make([]lua.LValue, th.L.GetTop())
	for i := range results {
		results[i] = th.L.Get(i + 1)
	}
	th.L.SetTop(0)
	return results, nil
}

// thread returns the thread for the n-th nested protected call.
func (st *State) thread(n int) *patch.Thread {
	for len(st.threads) <= n {
		st.threads = append(st.threads, patch.NewThread(st.L))
	}
	return st.threads[n]
}

// dropThreads forgets the n-th thread and those behind it: after an error they
// are not used again.
func (st *State) dropThreads(n int) {
	for _, th := range st.threads[n:] {
		th.L.Close()
	}
	clear(st.threads[n:])
	st.threads = st.threads[:n]
}

// trampoline calls the function on its stack in a way that an error brings a
// short traceback, see patch.Raise.
func trampoline(L *lua.LState) int {
	L.Panic = panicShort
	defer patch.ShortenPanic(L)
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}

// panicShort raises the error on top of the stack.
func panicShort(L *lua.LState) {
	object := L.Get(-1)
	if text, ok := object.(lua.LString); ok && len(text) <= MaxError {
		object = lua.LString(patch.InWords(L, string(text), CallOf(L).Run))
	}
	patch.Raise(L, object)
}
