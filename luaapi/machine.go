package luaapi

import (
	"context"
	"log/slog"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// machine is what the runs of a process share. Its fields are set before the
// first run and not written again.
type machine struct {
	host         host.Host         // nil: nothing outside can be reached
	data         engine.PluginData // nil: there is no store
	now          func() time.Time
	logger       *slog.Logger
	instructions int64 // that one run may use; 0 is no bound
	measured     bool  // every run of a plugin is weighed again and again

	turns    *turns
	watchdog *watchdog
	tools    *toolbox
	builtin  map[string]moduleOpener
}

// program is what a run is made for. Its methods belong to the run's goroutine,
// but that weigh is also called while the run is parked.
type program interface {
	// enter goes on with what the file's top level returned, inside the protected call.
	enter(L *lua.LState, top lua.LValue)
	// weigh adds to s what the program holds besides the run itself.
	weigh(s *scale)
}

// entered is a program of one function, which holds nothing.
type entered func(L *lua.LState, top lua.LValue)

func (fn entered) enter(L *lua.LState, top lua.LValue) { fn(L, top) }

func (entered) weigh(*scale) {}

// runKind says what a run is given.
type runKind struct {
	limit   time.Duration // when ctx has no earlier deadline; 0 is none of its own
	offline bool
	full    bool // needs the forms: run the whole chunk
	rank    rank // how it waits for its turn
	subject string
}

// begin prepares a run of code for a program and waits for its turn; on an error
// there is no run. r is zero and may be a part of the program. The caller calls
// end, always, when begin succeeded.
func (m *machine) begin(ctx context.Context, r *run, of program, c *code, p *pool, meta *engine.PluginMeta, kind runKind) (context.CancelFunc, error) {
	r.machine, r.code, r.program = m, c, of
	if ctx.Err() != nil {
		return nil, errNoTurn
	}
	r.turn = turn{of: m.turns}
	if !r.turn.try(kind.rank) {
		if err := r.waitForTurn(ctx, kind); err != nil {
			return nil, err
		}
	}
	cancel := context.CancelFunc(func() {})
	if kind.limit > 0 {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > kind.limit {
			ctx, cancel = context.WithTimeout(ctx, kind.limit)
		}
	}
	r.started = time.Now()
	deadline, _ := ctx.Deadline()
	slug := ""
	if meta != nil {
		slug = meta.Slug
	}
	r.call = call{
		ctx: ctx, deadline: deadline, host: m.host, data: m.data,
		scope: engine.Scope{Plugin: slug, Subject: kind.subject}, plugin: meta,
		offline: kind.offline, now: m.now, log: r.addLog, gate: &r.turn, run: r,
	}
	r.vm = vmContext{
		Context: ctx, done: ctx.Done(), call: &r.call, budget: m.instructions,
		sliceStart: r.started, turn: &r.turn, run: r, light: kind.rank == light,
	}
	r.lib = lualib.Run{Budget: &r.vm, Now: m.now, Started: r.started}
	r.loaded = r.room[:0]
	if p != nil {
		r.st = p.get()
	} else {
		r.st = newState(m.tools)
	}
	r.st.L.SetContext(&r.vm)
	r.env = r.st.environment(c.libs)
	if m.measured && meta != nil {
		r.vm.measured = true
		r.vm.weigh.Store(true)
	}
	m.watchdog.watch(&r.vm)
	return cancel, nil
}

// beginBare prepares a run that waits for no turn, in a state of the pool, with
// bounds of its own: instructions, and the bytes of the longest text that it may
// build. environment makes its globals. ctx has a deadline. The caller calls end.
func (m *machine) beginBare(ctx context.Context, r *run, of program, c *code, p *pool, instructions int64, longest int, environment func(*state, []bool) *lua.LTable) {
	r.machine, r.code, r.program, r.st, r.started = m, c, of, p.get(), time.Now()
	deadline, _ := ctx.Deadline()
	r.call = call{ctx: ctx, deadline: deadline, offline: true, loading: true, now: m.now, log: r.addLog, run: r}
	r.vm = vmContext{Context: ctx, done: ctx.Done(), call: &r.call, budget: instructions, sliceStart: r.started, closely: true, run: r}
	r.lib = lualib.Run{Budget: &r.vm, Now: m.now, Started: r.started, MaxString: longest}
	r.st.L.SetContext(&r.vm)
	r.env = environment(r.st, c.libs)
	m.watchdog.watch(&r.vm)
}
