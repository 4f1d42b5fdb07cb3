package luaapi

import (
	"context"
	"errors"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// Run makes a check.
func (v *version) Run(ctx context.Context, in *engine.CheckRun) engine.RunReport {
	return v.check(ctx, in, "run", nil)
}

// Ping hands a ping to a plugin that has one.
func (v *version) Ping(ctx context.Context, in *engine.CheckRun, p *engine.Ping) engine.RunReport {
	if !v.meta.HasPing {
		return engine.RunReport{None: true}
	}
	return v.check(ctx, in, "ping", p)
}

// check calls run or ping.
func (v *version) check(ctx context.Context, in *engine.CheckRun, name string, ping *engine.Ping) (report engine.RunReport) {
	bound, settings := v.boundConfig(in.Check), v.boundSettings(in.Settings)
	if problem := errors.Join(bound.problem, settings.problem); problem != nil {
		return engine.RunReport{Unknown: true, Cause: engine.CauseConfig, Error: cutRunes(problem.Error(), maxError)}
	}
	r, cancel, err := v.start(ctx, runKind{subject: in.Check.ID, rank: v.weights.rank(in.Check.ID)}, settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.RunReport{Skipped: true, Error: err.Error()}
	}
	defer cancel()
	r.bindCheck(in, bound)
	defer r.contain(func() {
		report = engine.RunReport{Unknown: true, Cause: engine.CauseError, Error: errInternal.Error(), Took: time.Since(r.started)}
	})
	r.ping = ping
	r.then = callCheck
	err = r.execute()
	if err == nil {
		err = v.judgeReturn(r, name, &report)
	}
	report.Took = time.Since(r.started)
	report.Waited = r.waited
	report.Instructions = r.vm.instructions
	report.Memory = v.weighEnd(r)
	v.weights.note(in.Check.ID, report.Memory, r.vm.work() > muchWork)
	clean := err == nil
	r.end(v.pool, clean)
	r.fill(&report, err)
	v.count(&report)
	return report
}

// callCheck calls run, or ping, inside the protected call.
func callCheck(r *pluginRun, L *lua.LState, self *lua.LTable) {
	r.plugin.(*version).prepareSelf(r, L, self, r.checkRun.PublicURL)
	name, args := "run", 3
	if r.ping != nil {
		name, args = "ping", 4
	}
	L.Push(method(L, self, name))
	L.Push(self)
	L.Push(r.newCheck())
	if r.ping != nil {
		L.Push(pingTable(L, r.binder.shared, r.ping))
	}
	L.Push(r.newResult())
	L.Call(args, 1)
	r.returned = L.Get(-1)
	L.Pop(1)
}

// judgeReturn looks at what run or ping returned.
func (v *version) judgeReturn(r *pluginRun, name string, report *engine.RunReport) error {
	returned := r.returned
	if ud, ok := returned.(*lua.LUserData); ok && ud == r.result.object {
		return nil
	}
	if returned == lua.LNil && v.meta.HasPing {
		report.None = true
		return nil
	}
	got := returned.Type().String()
	if returned == lua.LNil {
		got = "nil"
	}
	return &pluginError{"error in the plugin: " + name + " returned " + got + " in place of the result"}
}

// fill writes the report of a run that ended with err.
func (r *pluginRun) fill(report *engine.RunReport, err error) {
	o := &r.result
	report.Succeeded, report.Unknown, report.Severity = o.succeeded, o.unknown, o.severity
	report.Metrics = o.metrics
	report.Log = r.finishLog()
	report.Message = r.call.cleanLine(o.message, maxMessage)
	report.RawData = r.call.clean(o.rawData, maxRawData)
	text := o.text
	if o.unknown {
		report.Cause = engine.CausePlugin
	}
	if err != nil {
		text = r.explain(report, err)
	}
	if report.Succeeded || report.None {
		report.Severity = ""
	}
	if report.Unknown {
		report.Succeeded = false
	}
	if err != nil && !report.Skipped {
		report.Traceback = r.call.clean(r.trace, maxTrace)
	}
	if text == "" && !report.Succeeded && !report.Unknown && !report.None {
		text = "failed"
	}
	report.Error = r.call.clean(text, maxError)
	for i := range report.Metrics {
		m := &report.Metrics[i]
		m.Name, m.Unit = r.call.clean(m.Name, maxMetricName), r.call.clean(m.Unit, maxMetricUnit)
	}
}

// explain sets in the report how a run was ended, and returns the result's error.
func (r *pluginRun) explain(report *engine.RunReport, err error) string {
	var limit limitError
	switch {
	case errors.As(err, &limit):
		report.Limit = limit != errInternal
		r.unknown(report, engine.CauseError)
		return because(limit.Error(), r.result.text)
	case errors.Is(err, context.DeadlineExceeded):
		report.TimedOut = true
		report.Succeeded, report.Unknown, report.Cause = false, false, ""
		return because("timed out after "+form.FormatDuration(r.limit()), r.result.text)
	case errors.Is(err, context.Canceled):
		report.Skipped = true
		return "given up"
	}
	r.unknown(report, engine.CauseError)
	return err.Error()
}

// unknown marks a result that says nothing about what was checked.
func (r *pluginRun) unknown(report *engine.RunReport, cause engine.Cause) {
	report.Succeeded, report.Unknown, report.Cause = false, true, cause
}

// because puts why a run was ended before what the plugin had said until then.
func because(why, said string) string {
	if said == "" {
		return why
	}
	return why + " (" + said + ")"
}

// limit is the check's timeout, or what the context gave.
func (r *pluginRun) limit() time.Duration {
	if r.checkRun != nil && r.checkRun.Check.Timeout > 0 {
		return r.checkRun.Check.Timeout.Std()
	}
	return r.call.deadline.Sub(r.started).Round(time.Millisecond)
}

func (v *version) count(report *engine.RunReport) {
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

func pingTable(L *lua.LState, shared *sharedObjects, p *engine.Ping) *lua.LTable {
	t := L.CreateTable(0, 6)
	t.RawSetString("kind", lua.LString(p.Kind))
	t.RawSetString("code", lua.LNumber(p.Code))
	t.RawSetString("run_id", lua.LString(p.RunID))
	t.RawSetString("body", lua.LString(p.Body))
	t.RawSetString("at", instant(p.At))
	t.RawSetString("address", lua.LString(p.Address))
	t.Metatable = shared.ping
	return lualib.Freeze("ping", t)
}

// describeLimit is the deadline of description and clean.
const describeLimit = time.Second

// Describe returns the line of the plugin's description function.
func (v *version) Describe(ctx context.Context, in *engine.CheckRun) (line string, failed error) {
	if !v.meta.HasDescribe {
		return "", nil
	}
	bound, settings := v.boundConfig(in.Check), v.boundSettings(in.Settings)
	if problem := errors.Join(bound.problem, settings.problem); problem != nil {
		return "", problem
	}
	r, cancel, err := v.start(ctx, runKind{subject: in.Check.ID, rank: v.weights.rank(in.Check.ID), limit: describeLimit, offline: true}, settings)
	if err != nil {
		return "", err
	}
	defer cancel()
	defer r.contain(func() { line, failed = "", errInternal })
	r.bindCheck(in, bound)
	r.then = func(r *pluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(method(L, self, "description"))
		L.Push(self)
		L.Push(r.newCheck())
		L.Call(2, 1)
		r.returned = L.Get(-1)
		L.Pop(1)
	}
	err = r.execute()
	r.end(v.pool, err == nil)
	if err != nil {
		return "", errors.New(r.call.clean(r.reason(err), maxError))
	}
	text, ok := r.returned.(lua.LString)
	if !ok {
		return "", errors.New("description did not return a string, but a " + r.returned.Type().String())
	}
	return r.call.cleanLine(string(text), maxMessage), nil
}

// reason is err as people read it.
func (r *pluginRun) reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out after " + form.FormatDuration(r.limitOwn())
	}
	return err.Error()
}
