package luaapi

import (
	"context"
	"errors"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"

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
	r, cancel, err := v.start(ctx, runKind{subject: in.Check.ID}, settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.RunReport{Skipped: true, Error: err.Error()}
	}
	defer cancel()
	var returned lua.LValue = lua.LNil
	r.bindCheck(in, bound)
	r.enter = func(L *lua.LState, self *lua.LTable) {
		r.prepareSelf(L, self, in.PublicURL)
		L.Push(method(L, self, name))
		L.Push(self)
		L.Push(r.newCheck())
		args := 3
		if ping != nil {
			L.Push(pingTable(L, r.rt.shared, ping))
			args = 4
		}
		L.Push(r.newResult())
		L.Call(args, 1)
		returned = L.Get(-1)
		L.Pop(1)
	}
	err = r.execute()
	if err == nil {
		err = v.judgeReturn(r, name, returned, &report)
	}
	report.Took = time.Since(r.started)
	report.Waited = r.waited
	report.Instructions = r.vm.instructions
	clean := err == nil
	r.end(v.pool, clean)
	r.fill(&report, err)
	v.count(&report)
	return report
}

// bindCheck gives the run its check.
func (r *run) bindCheck(in *engine.CheckRun, bound *binding) {
	r.checkRun, r.bound = in, bound
	r.call.secrets = append(r.call.secrets, bound.secrets...)
}

// judgeReturn looks at what run or ping returned.
func (v *version) judgeReturn(r *run, name string, returned lua.LValue, report *engine.RunReport) error {
	if ud, ok := returned.(*lua.LUserData); ok && ud == r.result.object {
		return nil
	}
	if returned == lua.LNil && v.meta.HasPing {
		report.None = true
		return nil
	}
	got := returned.Type().String()
	if returned == lua.LNil {
		got = "nothing"
	}
	return &pluginError{"the plugin's " + name + " did not return the result, but " + got}
}

// fill writes the report of a run that ended with err.
func (r *run) fill(report *engine.RunReport, err error) {
	o := &r.result
	report.Succeeded, report.Unknown, report.Severity = o.succeeded, o.unknown, o.severity
	report.Metrics = o.metrics
	report.Log = r.finishLog()
	report.Message = r.call.clean(o.message, maxMessage)
	report.RawData = r.call.clean(o.rawData, maxRawData)
	text := o.text
	if o.unknown {
		report.Cause = engine.CausePlugin
	}
	var limit limitError
	var failed *pluginError
	switch {
	case err == nil:
	case errors.As(err, &failed):
		r.unknown(report, engine.CauseError)
		text = failed.text
	case errors.As(err, &limit):
		report.Limit = limit != errInternal
		r.unknown(report, engine.CauseError)
		text = because(limit.Error(), text)
	case errors.Is(err, context.DeadlineExceeded):
		report.TimedOut = true
		report.Succeeded, report.Unknown, report.Cause = false, false, ""
		text = because("timed out after "+form.FormatDuration(r.limit()), text)
	case errors.Is(err, context.Canceled):
		report.Skipped = true
		text = "given up"
	default:
		r.unknown(report, engine.CauseError)
		text = err.Error()
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
	report.Error = r.call.clean(text, maxError)
	for i := range report.Metrics {
		m := &report.Metrics[i]
		m.Name, m.Unit = r.call.clean(m.Name, 100), r.call.clean(m.Unit, 20)
	}
}

// unknown marks a result that says nothing about what was checked.
func (r *run) unknown(report *engine.RunReport, cause engine.Cause) {
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
func (r *run) limit() time.Duration {
	if r.checkRun != nil && r.checkRun.Check.Timeout > 0 {
		return r.checkRun.Check.Timeout.Std()
	}
	return r.call.deadline.Sub(r.started).Round(time.Millisecond)
}

// finishLog cleans the lines of the log.
func (r *run) finishLog() []engine.LogLine {
	for i := range r.log {
		r.log[i].Message = cutBytes(r.call.clean(r.log[i].Message, maxLogLine), maxLogLine)
	}
	return r.log
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
	return t
}

// describeLimit is the deadline of description and clean.
const describeLimit = time.Second

// Describe returns the line of the plugin's description function.
func (v *version) Describe(ctx context.Context, in *engine.CheckRun) (string, error) {
	if !v.meta.HasDescribe {
		return "", nil
	}
	bound, settings := v.boundConfig(in.Check), v.boundSettings(in.Settings)
	if problem := errors.Join(bound.problem, settings.problem); problem != nil {
		return "", problem
	}
	r, cancel, err := v.start(ctx, runKind{subject: in.Check.ID, limit: describeLimit, offline: true}, settings)
	if err != nil {
		return "", err
	}
	defer cancel()
	r.bindCheck(in, bound)
	var returned lua.LValue = lua.LNil
	r.enter = func(L *lua.LState, self *lua.LTable) {
		r.prepareSelf(L, self, in.PublicURL)
		L.Push(method(L, self, "description"))
		L.Push(self)
		L.Push(r.newCheck())
		L.Call(2, 1)
		returned = L.Get(-1)
		L.Pop(1)
	}
	err = r.execute()
	r.end(v.pool, err == nil)
	if err != nil {
		return "", errors.New(r.call.clean(r.reason(err), maxError))
	}
	text, ok := returned.(lua.LString)
	if !ok {
		return "", errors.New("description did not return a string, but a " + returned.Type().String())
	}
	return r.call.clean(string(text), maxMessage), nil
}

// reason is err as people read it.
func (r *run) reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out after " + form.FormatDuration(r.limitOwn())
	}
	return err.Error()
}

// limitOwn is the time that this call had, whatever the check's timeout is.
func (r *run) limitOwn() time.Duration {
	return r.call.deadline.Sub(r.started).Round(time.Millisecond)
}
