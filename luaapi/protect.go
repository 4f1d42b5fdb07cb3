package luaapi

import (
	"fmt"
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxProtected is how deep protected calls nest; deeper is too deep a recursion.
const maxProtected = 100

// protectedThread is a Lua thread on which pcall runs what it is given. In the
// library, an error closes the upvalues of every function under way, also of
// those that go on after the pcall, whose closures would from then on see copies
// of their variables. On a thread of its own, an error ends with the thread.
type protectedThread struct {
	L     *lua.LState
	stack stackMemory
}

// newThread makes a thread that shares L's objects and runs under its context.
func newThread(L *lua.LState) *protectedThread {
	ctx := L.RemoveContext() // else the library derives a context, and a goroutine, for the thread
	th, _ := L.NewThread()
	L.SetContext(ctx)
	return &protectedThread{th, stackOf(th)}
}

// callProtected calls the function and arguments on L's stack from position 1
// on. On success it returns the results, else the error.
func callProtected(L *lua.LState, values []lua.LValue) ([]lua.LValue, error) {
	r := callOf(L).run
	if r.protectedDepth >= maxProtected {
		r.vm.end(errDepth)
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
func (st *state) thread(n int) *protectedThread {
	for len(st.threads) <= n {
		st.threads = append(st.threads, newThread(st.L))
	}
	return st.threads[n]
}

// dropThreads forgets the n-th thread and those behind it: after an error they
// are not used again.
func (st *state) dropThreads(n int) {
	for _, th := range st.threads[n:] {
		th.L.Close()
	}
	clear(st.threads[n:])
	st.threads = st.threads[:n]
}

// trampoline calls the function on its stack in a way that an error brings a
// short traceback: the library's own has a line for each tail call ever made,
// which can be a hundred million, and is made without a look at the deadline.
func trampoline(L *lua.LState) int {
	L.Panic = panicShort
	defer shortenPanic(L)
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}

// panicShort raises the error on top of the stack.
func panicShort(L *lua.LState) {
	object := L.Get(-1)
	if text, ok := object.(lua.LString); ok {
		object = lua.LString(callOf(L).run.culprit(L, string(text)))
	}
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: object, StackTrace: traceback(L)})
}

// shortenPanic turns a Go panic into an error of Lua; it is deferred.
func shortenPanic(L *lua.LState) {
	p := recover()
	if p == nil {
		return
	}
	if api, ok := p.(*lua.ApiError); ok {
		panic(api)
	}
	text := fmt.Sprint(p)
	if ofTheMachine() {
		text += machineOverflow
	}
	panic(&lua.ApiError{Type: lua.ApiErrorPanic, Object: lua.LString(text), StackTrace: traceback(L)})
}

// machineOverflow marks a panic of the Lua machine itself, as it marks others: its
// registers reach beyond their end where arguments pile up in a recursion.
const machineOverflow = ": registry overflow"

// ofTheMachine reports whether the panic under way began in the Lua machine, not
// in a function of ours that it had called. It is called by the deferred function.
func ofTheMachine() bool {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, "github.com/yuin/gopher-lua.")
		}
		if !more {
			return false
		}
	}
}

// traceLines is how many calls a traceback shows at its top and at its bottom.
const traceLines = 10

// traceback lists the calls under way, the innermost first. What lies behind a
// function that was entered by a tail call is not known.
func traceback(L *lua.LState) string {
	var lines []string
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sln", frame, lua.LNil); err != nil {
			break
		}
		if frame.Source == "" { // a Go function
			continue
		}
		name := "in function '" + frame.Name + "'"
		if frame.Name == "" || frame.Name == "?" || strings.HasPrefix(frame.Name, "<") {
			name = fmt.Sprintf("in function <%s:%d>", frame.Source, frame.LineDefined)
		}
		if frame.LineDefined == 0 {
			name = "in the file's top level"
		}
		lines = append(lines, fmt.Sprintf("%s:%d: %s", frame.Source, frame.CurrentLine, name))
		if frame.What == "tail" {
			lines = append(lines, "(tail calls)")
			break
		}
	}
	if len(lines) > 2*traceLines {
		middle := fmt.Sprintf("(%d more)", len(lines)-2*traceLines)
		lines = append(append(lines[:traceLines:traceLines], middle), lines[len(lines)-traceLines:]...)
	}
	return strings.Join(lines, "\n")
}
