package patch

import (
	"fmt"
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Raise ends the call under way on L with an error and a short traceback.
//
// Upstream: the library's own traceback is made of a line for each tail call ever
// made, which can be a hundred million, before most of them are left out, and
// without a look at the deadline.
func Raise(L *lua.LState, object lua.LValue) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: object, StackTrace: traceback(L)})
}

// ShortenPanic turns a Go panic into an error of Lua with a short traceback. It
// is to be deferred itself.
//
// Upstream: registers reach beyond their end where arguments pile up in a
// recursion, which arrives as a Go panic of the library; it is marked as the
// full stack that it is, see Overflow.
func ShortenPanic(L *lua.LState) {
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

// Overflow reports whether an error's text is that of a stack that is full.
func Overflow(text string) bool {
	return strings.HasSuffix(text, "stack overflow") || strings.HasSuffix(text, "registry overflow") ||
		strings.HasSuffix(text, "callstack overflow")
}
