package vm

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/lualib"
)

// Run is one execution of a file and of what it returned: the fresh environment,
// the bounds, the log, and how it ended. It belongs to one goroutine.
type Run struct {
	Call   Call
	VM     Context
	Permit permit.Permit
	lib    lualib.Run

	machine *Machine
	Program Program
	code    *Code
	st      *State
	env     *lua.LTable
	Extra   map[string]ModuleOpener // modules besides the builtin ones
	loaded  []loadedModule
	room    [4]loadedModule // the first of loaded

	protectedDepth int // of pcall inside pcall

	Started time.Time // when it got its permit
	Waited  time.Duration
	log     []engine.LogLine
	Held    uint64 // bytes, the most that a measurement found
	over    bool   // end was called
	Free    bool   // it has ended cleanly, and nobody holds it: its memory may serve another run
	Trace   string // of an error that pcall did not catch
	fault   string // a panic in a host function

	Forms any // of package loader: it gathers what the constructors of forms find; nil: no form is looked at
}

var errNoPermit = errors.New("got no turn before its deadline")

// permitWait is how long a call with a limit of its own waits for its permit at
// most; its limit begins with the permit.
const permitWait = 10 * time.Second

func (r *Run) waitForPermit(ctx context.Context, kind RunKind) error {
	asked := time.Now()
	if kind.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, permitWait)
		defer cancel()
	}
	if err := r.Permit.Acquire(ctx, kind.Rank); err != nil {
		return errNoPermit
	}
	r.Waited = time.Since(asked)
	return nil
}

// Execute runs the file's top level and then enter, protected. It returns what
// went wrong; the end of the run comes before any other error.
func (r *Run) Execute() error {
	r.st.L.Push(r.st.tools.entry)
	err := r.protected()
	if api, ok := err.(*lua.ApiError); ok && api.Type == lua.ApiErrorPanic {
		noteFault(r.st.L, api)
	}
	if ended := r.VM.Err(); ended != nil {
		r.keepTrace(traceOf(err))
		if r.fault != "" {
			r.machine.Logger.Error("a host function panicked", "panic", r.Call.Clean(r.fault, MaxError), "traceback", r.Call.Clean(r.Trace, MaxTrace))
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
		return r.VM.Err()
	}
	text := r.lib.Placed(r.flatten(api.Object))
	if ended := r.VM.Err(); ended != nil {
		return ended
	}
	return &PluginError{text}
}

// protected keeps a Go panic that the library did not catch inside the run.
func (r *Run) protected() (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.fault = fmt.Sprint(p)
			r.VM.end(ErrInternal)
			err = ErrInternal
		}
	}()
	return r.st.L.PCall(0, 0, nil)
}

// PluginError is an error in the plugin, as its author reads it.
type PluginError struct{ Text string }

func (e *PluginError) Error() string { return e.Text }

// entry is the Go function that every run begins with. It is one function for
// all of them, so that a run allocates none.
func entry(L *lua.LState) int {
	L.Panic = panicShort
	defer patch.ShortenPanic(L)
	r := CallOf(L).Run
	if k := r.st.kept; k != nil {
		r.loaded = append(r.loaded, k.loaded...)
		r.Program.Enter(L, k.top)
		return 0
	}
	main := L.NewFunctionFromProto(r.code.Main)
	main.Env = r.env
	L.Push(main)
	// The top level sees the same in a run as when the file is loaded.
	always := r.Call.Loading
	r.Call.Loading = true
	L.Call(0, 1)
	r.Call.Loading = always
	top := L.Get(-1)
	L.Pop(1)
	r.st.keep(r.code, r.env, top, r.loaded)
	r.Program.Enter(L, top)
	return 0
}

// Give sets an entry of a table for this run alone.
func (r *Run) Give(t *lua.LTable, key string, v lua.LValue) {
	if r.st.kept != nil {
		r.st.kept.Give(t, key)
	}
	t.RawSetString(key, v)
}

// Contain is deferred: it keeps a panic in the host's own code to this run, for
// which report then says what happened.
func (r *Run) Contain(report func()) {
	if p := recover(); p != nil {
		r.machine.Logger.Error("a run panicked", "panic", r.Call.Clean(fmt.Sprint(p), MaxError), "stack", string(debug.Stack()))
		r.End(nil, false)
		report()
	}
}

// End closes what the run opened and gives its state and its permit back. clean
// says whether the state may serve again.
func (r *Run) End(p *Pool, clean bool) {
	if r.over {
		return
	}
	r.over = true
	r.Call.Close()
	if trace, ok := r.Call.Host.(*host.Trace); ok {
		trace.Mask(r.Call.mask)
	}
	held := r.machine.Watchdog.leave(&r.VM)
	r.Permit.Release()
	r.st.L.SetTop(0)
	if clean && p != nil && r.VM.ended == nil {
		r.Free = !held
		p.Put(r.st, r.VM.Instructions)
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

func (r *Run) keepTrace(trace string) {
	if r.Trace == "" {
		r.Trace = trace
	}
}

// flatten turns an error value into text. A table may bring a __tostring, which
// is the plugin's code: it runs protected, under the same deadline.
func (r *Run) flatten(v lua.LValue) string {
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
	MaxLogLines = 100
	MaxLogLine  = 1024 // bytes
)

// addLog keeps a line of the run's log, masked and cut; lines beyond the
// hundredth are dropped.
func (r *Run) addLog(level, message string) {
	if len(r.log) >= MaxLogLines {
		return
	}
	message = r.Call.CleanBytes(message, MaxLogLine)
	r.log = append(r.log, engine.LogLine{At: r.machine.Now(), Level: level, Message: message})
}

// FinishLog cleans the lines of the log.
func (r *Run) FinishLog() []engine.LogLine {
	for i := range r.log {
		r.log[i].Message = r.Call.CleanBytes(r.log[i].Message, MaxLogLine) // a secret may have been opened since
	}
	return r.log
}

// LimitOwn is the time that this call had, whatever the check's timeout is.
func (r *Run) LimitOwn() time.Duration {
	return r.Call.Deadline.Sub(r.Started).Round(time.Millisecond)
}
