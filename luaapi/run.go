package luaapi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// run is one execution of a file and of what it returned: the fresh environment,
// the bounds, the log, and how it ended. It belongs to one goroutine.
type run struct {
	call call
	vm   vmContext
	turn turn
	lib  lualib.Run

	machine *machine
	program program
	code    *code
	st      *state
	env     *lua.LTable
	extra   map[string]moduleOpener // modules besides the builtin ones
	loaded  []loadedModule
	room    [4]loadedModule // the first of loaded

	protectedDepth int // of pcall inside pcall

	started time.Time // when it got its turn
	waited  time.Duration
	log     []engine.LogLine
	held    uint64 // bytes, the most that a weighing found
	over    bool   // end was called
	trace   string // of an error that pcall did not catch
	fault   string // a panic in a host function

	forms any // of package loader: it gathers what the constructors of forms find; nil: no form is looked at
}

var errNoTurn = errors.New("got no turn before its deadline")

// turnWait is how long a call with a limit of its own waits for its turn at
// most; its limit begins with the turn.
const turnWait = 10 * time.Second

func (r *run) waitForTurn(ctx context.Context, kind runKind) error {
	asked := time.Now()
	if kind.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, turnWait)
		defer cancel()
	}
	if err := r.turn.acquire(ctx, kind.rank); err != nil {
		return errNoTurn
	}
	r.waited = time.Since(asked)
	return nil
}

// execute runs the file's top level and then enter, protected. It returns what
// went wrong; the end of the run comes before any other error.
func (r *run) execute() error {
	r.st.L.Push(r.st.tools.entry)
	err := r.protected()
	if api, ok := err.(*lua.ApiError); ok && api.Type == lua.ApiErrorPanic {
		noteFault(r.st.L, api)
	}
	if ended := r.vm.Err(); ended != nil {
		r.keepTrace(traceOf(err))
		if r.fault != "" {
			r.machine.logger.Error("a host function panicked", "panic", r.call.clean(r.fault, maxError), "traceback", r.call.clean(r.trace, maxTrace))
		}
		return ended
	}
	if err == nil {
		return nil
	}
	api, _ := err.(*lua.ApiError)
	if api == nil {
		return err
	}
	r.keepTrace(api.StackTrace)
	if runEnded(r.st.L, api.Object) {
		return r.vm.Err()
	}
	text := r.lib.Placed(r.flatten(api.Object))
	if ended := r.vm.Err(); ended != nil {
		return ended
	}
	return &pluginError{text}
}

// protected keeps a Go panic that the library did not catch inside the run.
func (r *run) protected() (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.fault = fmt.Sprint(p)
			r.vm.end(errInternal)
			err = errInternal
		}
	}()
	return r.st.L.PCall(0, 0, nil)
}

// pluginError is an error in the plugin, as its author reads it.
type pluginError struct{ text string }

func (e *pluginError) Error() string { return e.text }

// entry is the Go function that every run begins with. It is one function for
// all of them, so that a run allocates none.
func entry(L *lua.LState) int {
	L.Panic = panicShort
	defer patch.ShortenPanic(L)
	r := callOf(L).run
	main := L.NewFunctionFromProto(r.code.main)
	main.Env = r.env
	L.Push(main)
	// The top level sees the same in a run as when the file is loaded.
	always := r.call.loading
	r.call.loading = true
	L.Call(0, 1)
	r.call.loading = always
	top := L.Get(-1)
	L.Pop(1)
	r.program.enter(L, top)
	return 0
}

// contain is deferred: it keeps a panic in the host's own code to this run, for
// which report then says what happened.
func (r *run) contain(report func()) {
	if p := recover(); p != nil {
		r.machine.logger.Error("a run panicked", "panic", r.call.clean(fmt.Sprint(p), maxError), "stack", string(debug.Stack()))
		r.end(nil, false)
		report()
	}
}

// end closes what the run opened and gives its state and its turn back. clean
// says whether the state may serve again.
func (r *run) end(p *pool, clean bool) {
	if r.over {
		return
	}
	r.over = true
	r.call.close()
	if trace, ok := r.call.host.(*host.Trace); ok {
		trace.Mask(r.call.mask)
	}
	r.machine.watchdog.leave(&r.vm)
	r.turn.release()
	r.st.L.SetTop(0)
	if clean && p != nil && r.vm.ended == nil {
		p.put(r.st, r.vm.instructions)
	} else {
		r.st.close()
	}
}

func traceOf(err error) string {
	if api, ok := err.(*lua.ApiError); ok {
		return api.StackTrace
	}
	return ""
}

func (r *run) keepTrace(trace string) {
	if r.trace == "" {
		r.trace = trace
	}
}

// flatten turns an error value into text. A table may bring a __tostring, which
// is the plugin's code: it runs protected, under the same deadline.
func (r *run) flatten(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case *lua.LTable, *lua.LUserData:
		L := r.st.L
		fn := L.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LString(lualib.ToString(L, L.Get(1))))
			return 1
		})
		if L.GetMetaField(v, "__tostring") == lua.LNil {
			break
		}
		if err := r.st.protect(fn, 1, v); err == nil {
			text := L.Get(-1).String()
			L.Pop(1)
			return text
		}
	case lua.LNumber, lua.LBool, *lua.LNilType:
		return v.String()
	}
	return "error object is a " + v.Type().String()
}

// The bounds of what a run may log.
const (
	maxLogLines = 100
	maxLogLine  = 1024 // bytes
)

// addLog keeps a line of the run's log, masked and cut; lines beyond the
// hundredth are dropped.
func (r *run) addLog(level, message string) {
	if len(r.log) >= maxLogLines {
		return
	}
	message = r.call.cleanBytes(message, maxLogLine)
	r.log = append(r.log, engine.LogLine{At: r.machine.now(), Level: level, Message: message})
}

// finishLog cleans the lines of the log.
func (r *run) finishLog() []engine.LogLine {
	for i := range r.log {
		r.log[i].Message = r.call.cleanBytes(r.log[i].Message, maxLogLine) // a secret may have been opened since
	}
	return r.log
}

// limitOwn is the time that this call had, whatever the check's timeout is.
func (r *run) limitOwn() time.Duration {
	return r.call.deadline.Sub(r.started).Round(time.Millisecond)
}
