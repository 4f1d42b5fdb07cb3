package runner

import (
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// Run makes a check.
func (v *Version) Run(ctx context.Context, in *engine.CheckRun) engine.RunReport {
	return v.check(ctx, in, "run", nil)
}

// Ping hands a ping to a plugin that has one.
func (v *Version) Ping(ctx context.Context, in *engine.CheckRun, p *engine.Ping) engine.RunReport {
	if !v.Manifest.HasPing {
		return engine.RunReport{None: true}
	}
	return v.check(ctx, in, "ping", p)
}

// check calls run or ping.
func (v *Version) check(ctx context.Context, in *engine.CheckRun, name string, ping *engine.Ping) (report engine.RunReport) {
	bound, settings := v.BoundConfig(in.Check), v.boundSettings(in.Settings)
	if problem := errors.Join(bound.Problem, settings.Problem); problem != nil {
		return engine.RunReport{Unknown: true, Cause: engine.CauseConfig, Error: luaval.CutRunes(problem.Error(), vm.MaxError)}
	}
	r, cancel, err := v.start(ctx, vm.RunKind{Subject: in.Check.ID, Rank: v.past.rank(in.Check.ID)}, settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.RunReport{Skipped: true, Error: err.Error()}
	}
	defer cancel()
	r.BindCheck(in, bound)
	defer r.Contain(func() {
		report = engine.RunReport{Unknown: true, Cause: engine.CauseError, Error: vm.ErrInternal.Error(), Took: time.Since(r.Started)}
	})
	r.Ping = ping
	r.Then = callCheck
	err = r.Execute()
	if err == nil {
		err = v.judgeReturn(r, name, &report)
	}
	report.Took = time.Since(r.Started)
	report.Waited = r.Waited
	report.Instructions = r.VM.Instructions
	report.Memory = v.measureEnd(r)
	v.past.note(in.Check.ID, report.Memory, r.VM.Work() > permit.MuchWork)
	clean := err == nil
	r.End(v.Pool, clean)
	fillReport(r, &report, err)
	v.count(&report)
	if r.Free { // what the report has of it is the report's own
		*r = binding.PluginRun{}
		v.runner.free.Put(r)
	}
	return report
}

// callCheck calls run, or ping, inside the protected call.
func callCheck(r *binding.PluginRun, L *lua.LState, self *lua.LTable) {
	r.Plugin.(*Version).prepareSelf(r, L, self, r.CheckRun.PublicURL)
	name, args := "run", 3
	if r.Ping != nil {
		name, args = "ping", 4
	}
	L.Push(method(L, self, name))
	L.Push(self)
	L.Push(r.NewCheck())
	if r.Ping != nil {
		L.Push(PingTable(L, r.Binder.Shared, r.Ping))
	}
	L.Push(r.NewResult())
	L.Call(args, 1)
	r.Returned = L.Get(-1)
	L.Pop(1)
}

// judgeReturn looks at what run or ping returned.
func (v *Version) judgeReturn(r *binding.PluginRun, name string, report *engine.RunReport) error {
	returned := r.Returned
	if ud, ok := returned.(*lua.LUserData); ok && ud == r.Result.Object {
		return nil
	}
	if returned == lua.LNil && v.Manifest.HasPing {
		report.None = true
		return nil
	}
	got := returned.Type().String()
	if returned == lua.LNil {
		got = "nil"
	}
	return &vm.PluginError{Text: "error in the plugin: " + name + " returned " + got + " in place of the result"}
}

// fillReport writes the report of a run that ended with err.
func fillReport(r *binding.PluginRun, report *engine.RunReport, err error) {
	o := &r.Result
	report.Succeeded, report.Unknown, report.Severity = o.Succeeded, o.Unknown, o.Severity
	report.Metrics = o.Metrics
	report.Log = r.FinishLog()
	report.Message = r.Call.CleanLine(o.Message, vm.MaxMessage)
	report.RawData = r.Call.Clean(o.RawData, vm.MaxRawData)
	text := o.Text
	if o.Unknown {
		report.Cause = engine.CausePlugin
	}
	if err != nil {
		text = explain(r, report, err)
	}
	if report.Succeeded || report.None {
		report.Severity = ""
	}
	if report.Unknown {
		report.Succeeded = false
	}
	if err != nil && !report.Skipped {
		report.Traceback = r.Call.Clean(r.Trace, vm.MaxTrace)
	}
	if text == "" && !report.Succeeded && !report.Unknown && !report.None {
		text = "failed"
	}
	report.Error = r.Call.Clean(text, vm.MaxError)
	for i := range report.Metrics {
		m := &report.Metrics[i]
		m.Name, m.Unit = r.Call.Clean(m.Name, binding.MaxMetricName), r.Call.Clean(m.Unit, binding.MaxMetricUnit)
	}
}

// explain sets in the report how a run was ended, and returns the result's error.
func explain(r *binding.PluginRun, report *engine.RunReport, err error) string {
	var limit vm.LimitError
	switch {
	case errors.As(err, &limit):
		report.Limit = limit != vm.ErrInternal
		markUnknown(r, report, engine.CauseError)
		return because(limit.Error(), r.Result.Text)
	case errors.Is(err, context.DeadlineExceeded):
		report.TimedOut = true
		report.Succeeded, report.Unknown, report.Cause = false, false, ""
		return because("timed out after "+form.FormatDuration(timeLimit(r)), r.Result.Text)
	case errors.Is(err, context.Canceled):
		report.Skipped = true
		return "given up"
	}
	markUnknown(r, report, engine.CauseError)
	return err.Error()
}

// markUnknown marks a result that says nothing about what was checked.
func markUnknown(r *binding.PluginRun, report *engine.RunReport, cause engine.Cause) {
	report.Succeeded, report.Unknown, report.Cause = false, true, cause
}

// because puts why a run was ended before what the plugin had said until then.
func because(why, said string) string {
	if said == "" {
		return why
	}
	return why + " (" + said + ")"
}

// timeLimit is the check's timeout, or what the context gave.
func timeLimit(r *binding.PluginRun) time.Duration {
	if r.CheckRun != nil && r.CheckRun.Check.Timeout > 0 {
		return r.CheckRun.Check.Timeout.Std()
	}
	return r.Call.Deadline.Sub(r.Started).Round(time.Millisecond)
}

func (v *Version) count(report *engine.RunReport) {
	v.counts.runs.Add(1)
	v.counts.nanos.Add(int64(report.Took))
	switch {
	case report.Limit:
		v.counts.limits.Add(1)
	case report.TimedOut:
		v.counts.timeouts.Add(1)
	case report.Skipped:
		v.counts.skipped.Add(1)
	case report.Cause == engine.CauseError:
		v.counts.errors.Add(1)
	}
}

// PingTable is a ping as Lua sees it.
func PingTable(L *lua.LState, shared *binding.Shared, p *engine.Ping) *lua.LTable {
	t := L.CreateTable(0, 6)
	t.RawSetString("kind", lua.LString(p.Kind))
	t.RawSetString("code", lua.LNumber(p.Code))
	t.RawSetString("run_id", lua.LString(p.RunID))
	t.RawSetString("body", lua.LString(p.Body))
	t.RawSetString("at", luaval.Instant(p.At))
	t.RawSetString("address", lua.LString(p.Address))
	t.Metatable = shared.Ping
	return lualib.Freeze("ping", t)
}

// DescribeLimit is the deadline of description and clean.
const DescribeLimit = time.Second

// Describe returns the line of the plugin's description function.
func (v *Version) Describe(ctx context.Context, in *engine.CheckRun) (line string, failed error) {
	if !v.Manifest.HasDescribe {
		return "", nil
	}
	bound, settings := v.BoundConfig(in.Check), v.boundSettings(in.Settings)
	if problem := errors.Join(bound.Problem, settings.Problem); problem != nil {
		return "", problem
	}
	r, cancel, err := v.start(ctx, vm.RunKind{
		Subject: in.Check.ID,
		Rank:    v.past.rank(in.Check.ID),
		Limit:   DescribeLimit,
		Offline: true,
	}, settings)
	if err != nil {
		return "", err
	}
	defer cancel()
	defer r.Contain(func() { line, failed = "", vm.ErrInternal })
	r.BindCheck(in, bound)
	r.Then = func(r *binding.PluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(method(L, self, "description"))
		L.Push(self)
		L.Push(r.NewCheck())
		L.Call(2, 1)
		r.Returned = L.Get(-1)
		L.Pop(1)
	}
	err = r.Execute()
	r.End(v.Pool, err == nil)
	if err != nil {
		return "", errors.New(r.Call.Clean(reason(r, err), vm.MaxError))
	}
	text, ok := r.Returned.(lua.LString)
	if !ok {
		return "", errors.New("description did not return a string, but a " + r.Returned.Type().String())
	}
	return r.Call.CleanLine(string(text), vm.MaxMessage), nil
}

// reason is err as people read it.
func reason(r *binding.PluginRun, err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out after " + form.FormatDuration(r.LimitOwn())
	}
	return err.Error()
}
