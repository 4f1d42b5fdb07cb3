package luaapi

import (
	"context"
	"errors"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

// alertLimit is the deadline of send_alert.
const alertLimit = 60 * time.Second

// Alert calls send_alert, or send_alert_update when in.Update is set.
func (v *version) Alert(ctx context.Context, in *engine.AlertCall) (report engine.AlertReport) {
	name := "send_alert"
	if in.Update {
		name = "send_alert_update"
	}
	bound, err := v.bindAlert(in)
	if err != nil {
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: cutRunes(err.Error(), maxError)}
	}
	var unanswered host.Unanswered
	ctx = host.WithUnanswered(ctx, &unanswered)
	r, cancel, err := v.start(ctx, runKind{subject: in.Service.Subject.ID, limit: alertLimit, rank: light}, bound.settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: err.Error()}
	}
	defer cancel()
	defer r.contain(func() { report = engine.AlertReport{Outcome: engine.OutcomeUnknown, Why: errInternal.Error()} })
	r.call.secrets.Add(bound.secrets...)
	var returned [3]lua.LValue
	r.then = func(r *pluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(method(L, self, name))
		L.Push(self)
		L.Push(r.serviceObject(L, in, bound.service))
		L.Push(r.userList(L, in.Users, bound.users))
		L.Push(r.userList(L, in.DutyOfficers, bound.officers))
		L.Call(4, 3)
		for i := range returned {
			returned[i] = L.Get(i - 3)
		}
		L.Pop(3)
	}
	err = r.execute()
	if err == nil {
		report, err = judgeAlert(name, returned)
	}
	report.Took = time.Since(r.started)
	clean := err == nil
	report.Memory = v.weighEnd(r)
	r.end(v.pool, clean)
	r.fillAlert(&report, err)
	report.Unanswered = unanswered.Noted()
	v.countAlert(&report, err)
	return report
}

// alertBindings are the settings that come with an alert, as Lua sees them.
type alertBindings struct {
	settings, service *binding
	users, officers   []*binding
	secrets           []string
}

func (v *version) bindAlert(in *engine.AlertCall) (*alertBindings, error) {
	b := &alertBindings{settings: v.boundSettings(in.Settings)}
	b.service = v.rt.binder.bind(v.layouts[engine.ServiceConfigForm], in.Service.Subject.ID, in.Service.Settings)
	err := errors.Join(b.settings.problem, b.service.problem)
	b.secrets = append(b.secrets, b.service.secrets...)
	bindUsers := func(users []engine.UserSnapshot) []*binding {
		list := make([]*binding, len(users))
		for i := range users {
			list[i] = v.rt.binder.bind(v.layouts[engine.UserConfigForm], users[i].ID, users[i].Settings)
			if list[i].problem != nil {
				// One user's stored values do not keep the others from being told.
				list[i] = v.rt.binder.bind(v.layouts[engine.UserConfigForm], users[i].ID, nil)
			}
			b.secrets = append(b.secrets, list[i].secrets...)
		}
		return list
	}
	b.users, b.officers = bindUsers(in.Users), bindUsers(in.DutyOfficers)
	return b, err
}

// judgeAlert reads what send_alert returned: true; "skipped", why; or false,
// why, options. Anything else is an error in the plugin.
func judgeAlert(name string, returned [3]lua.LValue) (engine.AlertReport, error) {
	refuse := func(what string) (engine.AlertReport, error) {
		return engine.AlertReport{}, &pluginError{name + " returned " + what}
	}
	switch first := returned[0].(type) {
	case lua.LBool:
		if first {
			return engine.AlertReport{Outcome: engine.OutcomeSent}, nil
		}
	case lua.LString:
		if first != "skipped" {
			return refuse("a string that is not \"skipped\"")
		}
		why, ok := returned[1].(lua.LString)
		if !ok && returned[1] != lua.LNil {
			return refuse("\"skipped\" with a " + returned[1].Type().String() + " for a reason")
		}
		return engine.AlertReport{Outcome: engine.OutcomeSkipped, Why: string(why)}, nil
	case *lua.LNilType:
		return refuse("nothing; return true, \"skipped\" or false with a reason")
	default:
		return refuse("a " + first.Type().String() + "; return true, \"skipped\" or false with a reason")
	}
	why, ok := returned[1].(lua.LString)
	if !ok {
		return refuse("false without a reason; return false, \"why\"")
	}
	report := engine.AlertReport{Outcome: engine.OutcomeFailed, Why: string(why)}
	if problem := retryOptions(&report, returned[2]); problem != "" {
		return refuse(problem)
	}
	return report, nil
}

// retryOptions reads the third value of a failure; it returns what is wrong with it.
func retryOptions(report *engine.AlertReport, v lua.LValue) (problem string) {
	if v == lua.LNil {
		return ""
	}
	options, ok := v.(*lua.LTable)
	if !ok {
		return "false, why and a " + v.Type().String() + "; the third value is a table with retry or retry_after"
	}
	options.ForEach(func(k, v lua.LValue) {
		switch k.String() {
		case "retry":
			retry, ok := v.(lua.LBool)
			if !ok {
				problem = "retry that is a " + v.Type().String()
			}
			report.NoRetry = !bool(retry)
		case "retry_after":
			seconds, ok := finite(v)
			if !ok || seconds < 0 {
				problem = "retry_after that is no number of seconds"
				return
			}
			report.RetryAfter = time.Duration(min(seconds, 86400) * float64(time.Second))
		default:
			problem = "an unknown option " + keyText(k)
			if near := form.Nearest(k.String(), []string{"retry", "retry_after"}); near != "" {
				problem += "; did you mean " + near + "?"
			}
		}
	})
	return problem
}

// fillAlert writes the report of an attempt that ended with err.
func (r *pluginRun) fillAlert(report *engine.AlertReport, err error) {
	report.Log = r.finishLog()
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		report.Outcome = engine.OutcomeUnknown
		report.Why = "timed out after " + form.FormatDuration(r.limitOwn())
	case errors.Is(err, context.Canceled):
		report.Outcome, report.Why = engine.OutcomeUnknown, "given up"
	default:
		report.Outcome = engine.OutcomeFailed
		report.Why = "error in the plugin: " + err.Error()
	}
	if err != nil {
		report.Traceback = r.call.clean(r.trace, maxTrace)
	}
	report.Why = r.call.clean(report.Why, maxError)
}

func (v *version) countAlert(report *engine.AlertReport, err error) {
	v.counts.runs.Add(1)
	v.counts.nanos.Add(int64(report.Took))
	var limit limitError
	switch {
	case err == nil:
	case errors.As(err, &limit):
		v.counts.limits.Add(1)
	case report.Outcome == engine.OutcomeUnknown:
		v.counts.timeouts.Add(1)
	default:
		v.counts.errors.Add(1)
	}
}
