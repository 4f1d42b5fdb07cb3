package vm

import (
	"context"
	"log/slog"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/lualib"
)

// Machine is what the runs of a process share. Its fields are set before the
// first run and not written again.
type Machine struct {
	Host         host.Host         // nil: nothing outside can be reached
	Data         engine.PluginData // nil: there is no store
	Now          func() time.Time
	Logger       *slog.Logger
	Instructions int64 // that one run may use; 0 is no bound
	Watched      bool  // every run of a plugin is measured again and again

	Permits  *permit.Semaphore
	Watchdog *watchdog
	Tools    *toolbox
	Builtin  map[string]ModuleOpener
}

// Program is what a run is made for. Its methods belong to the run's goroutine,
// but that Measure is also called while the run is parked.
type Program interface {
	// Enter goes on with what the file's top level returned, inside the protected call.
	Enter(L *lua.LState, top lua.LValue)
	// Measure adds to s what the program holds besides the run itself.
	Measure(s *memory.Meter)
}

// Entered is a program of one function, which holds nothing.
type Entered func(L *lua.LState, top lua.LValue)

func (fn Entered) Enter(L *lua.LState, top lua.LValue) { fn(L, top) }

func (Entered) Measure(*memory.Meter) {}

// RunKind says what a run is given.
type RunKind struct {
	Limit   time.Duration // when ctx has no earlier deadline; 0 is none of its own
	Offline bool
	Full    bool        // needs the forms: run the whole chunk
	Rank    permit.Rank // how it waits for its permit
	Subject string
}

// Begin prepares a run of code for a program and waits for its permit; on an error
// there is no run. r is zero and may be a part of the program. The caller calls
// end, always, when begin succeeded.
func (m *Machine) Begin(ctx context.Context, r *Run, of Program, c *Code, p *Pool, meta *engine.PluginMeta, kind RunKind) (context.CancelFunc, error) {
	r.machine, r.code, r.Program = m, c, of
	if ctx.Err() != nil {
		return nil, errNoPermit
	}
	r.Permit = permit.Permit{Of: m.Permits}
	if !r.Permit.Try(kind.Rank) {
		if err := r.waitForPermit(ctx, kind); err != nil {
			return nil, err
		}
	}
	cancel := context.CancelFunc(func() {})
	if kind.Limit > 0 {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > kind.Limit {
			ctx, cancel = context.WithTimeout(ctx, kind.Limit)
		}
	}
	r.Started = time.Now()
	deadline, _ := ctx.Deadline()
	slug := ""
	if meta != nil {
		slug = meta.Slug
	}
	r.Call = Call{
		Ctx: ctx, Deadline: deadline, Host: m.Host, Data: m.Data,
		Scope: engine.Scope{Plugin: slug, Subject: kind.Subject}, Plugin: meta,
		Offline: kind.Offline, Now: m.Now, Log: r.addLog, permit: &r.Permit, Run: r,
	}
	r.VM = Context{
		Context: ctx, done: ctx.Done(), call: &r.Call, Budget: m.Instructions,
		SliceStart: r.Started, Permit: &r.Permit, run: r, Light: kind.Rank == permit.Light,
	}
	r.lib = lualib.Run{Budget: &r.VM, Now: m.Now, Started: r.Started}
	r.loaded = r.room[:0]
	if p != nil {
		r.st = p.Get()
	} else {
		r.st = newState(m.Tools)
	}
	r.st.L.SetContext(&r.VM)
	if r.env = r.st.restore(c); r.env == nil {
		r.env = r.st.Environment(c.Libs)
	}
	if m.Watched && meta != nil {
		r.VM.Watched = true
		r.VM.measure.Store(true)
	}
	m.Watchdog.watch(&r.VM)
	return cancel, nil
}

// BeginBare prepares a run that waits for no permit, in a state of the pool, with
// bounds of its own: instructions, and the bytes of the longest text that it may
// build. environment makes its globals. ctx has a deadline. The caller calls end.
func (m *Machine) BeginBare(ctx context.Context, r *Run, of Program, c *Code, p *Pool, instructions int64, longest int, environment func(*State, []bool) *lua.LTable) {
	r.machine, r.code, r.Program, r.st, r.Started = m, c, of, p.Get(), time.Now()
	deadline, _ := ctx.Deadline()
	r.Call = Call{Ctx: ctx, Deadline: deadline, Offline: true, Loading: true, Now: m.Now, Log: r.addLog, Run: r}
	r.VM = Context{Context: ctx, done: ctx.Done(), call: &r.Call, Budget: instructions, SliceStart: r.Started, closely: true, run: r}
	r.lib = lualib.Run{Budget: &r.VM, Now: m.Now, Started: r.Started, MaxString: longest}
	r.st.L.SetContext(&r.VM)
	r.env = environment(r.st, c.Libs)
	m.Watchdog.watch(&r.VM)
}
