package runner

import (
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

// Alert calls send_alert, or send_alert_update when in.Update is set.
func (v *Version) Alert(ctx context.Context, in *engine.AlertCall) (report engine.AlertReport) {
	name := "send_alert"
	if in.Update {
		name = "send_alert_update"
	}
	bound, err := v.bindAlert(in)
	if err != nil {
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: luaval.CutRunes(err.Error(), vm.MaxError)}
	}
	var unanswered host.Unanswered
	var outgoing host.Outgoing
	ctx = host.WithOutgoing(host.WithUnanswered(ctx, &unanswered), &outgoing)
	r, cancel, err := v.start(ctx, vm.RunKind{Subject: in.Service.Subject.ID, Limit: engine.AttemptTime, Rank: permit.Light}, bound.settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: err.Error()}
	}
	defer cancel()
	defer r.Contain(func() { report = engine.AlertReport{Outcome: engine.OutcomeUnknown, Why: vm.ErrInternal.Error()} })
	r.Call.Secrets.Add(bound.secrets...)
	var returned [3]lua.LValue
	r.Then = func(r *binding.PluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(method(L, self, name))
		L.Push(self)
		L.Push(r.ServiceObject(L, in, bound.service))
		L.Push(r.UserList(L, in.Users, bound.users))
		L.Push(r.UserList(L, in.DutyOfficers, bound.officers))
		L.Call(4, 3)
		for i := range returned {
			returned[i] = L.Get(i - 3)
		}
		L.Pop(3)
	}
	err = r.Execute()
	if err == nil {
		report, err = judgeAlert(name, returned)
	}
	report.Took = time.Since(r.Started)
	clean := err == nil
	report.Memory = v.measureEnd(r)
	r.End(v.Pool, clean)
	fillAlert(r, &report, err)
	report.Sent = messagesOf(outgoing.Noted(), r.Call.Clean)
	report.Unanswered = unanswered.Noted()
	v.countAlert(&report, err)
	return report
}

// alertBindings are the settings that come with an alert, as Lua sees them.
type alertBindings struct {
	settings, service *binding.Binding
	users, officers   []*binding.Binding
	secrets           []string
}

func (v *Version) bindAlert(in *engine.AlertCall) (*alertBindings, error) {
	b := &alertBindings{settings: v.boundSettings(in.Settings)}
	b.service = v.runner.Binder.Bind(v.Layouts[engine.ServiceConfigForm], in.Service.Subject.ID, in.Service.Settings)
	err := errors.Join(b.settings.Problem, b.service.Problem)
	b.secrets = append(b.secrets, b.service.Secrets...)
	bindUsers := func(users []engine.UserSnapshot) []*binding.Binding {
		list := make([]*binding.Binding, len(users))
		for i := range users {
			list[i] = v.runner.Binder.Bind(v.Layouts[engine.UserConfigForm], users[i].ID, users[i].Settings)
			if list[i].Problem != nil {
				// One user's stored values do not keep the others from being told.
				list[i] = v.runner.Binder.Bind(v.Layouts[engine.UserConfigForm], users[i].ID, nil)
			}
			b.secrets = append(b.secrets, list[i].Secrets...)
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
		return engine.AlertReport{}, &vm.PluginError{Text: name + " returned " + what}
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
			seconds, ok := binding.Finite(v)
			if !ok || seconds < 0 {
				problem = "retry_after that is no number of seconds"
				return
			}
			report.RetryAfter = time.Duration(min(seconds, 86400) * float64(time.Second))
		default:
			problem = "an unknown option " + luaval.KeyText(k)
			if near := form.Nearest(k.String(), []string{"retry", "retry_after"}); near != "" {
				problem += "; did you mean " + near + "?"
			}
		}
	})
	return problem
}

// fillAlert writes the report of an attempt that ended with err.
func fillAlert(r *binding.PluginRun, report *engine.AlertReport, err error) {
	report.Log = r.FinishLog()
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		report.Outcome = engine.OutcomeUnknown
		report.Why = "timed out after " + form.FormatDuration(r.LimitOwn())
	case errors.Is(err, context.Canceled):
		report.Outcome, report.Why = engine.OutcomeUnknown, "given up"
	default:
		report.Outcome = engine.OutcomeFailed
		report.Why = "error in the plugin: " + err.Error()
	}
	if err != nil {
		report.Traceback = r.Call.Clean(r.Trace, vm.MaxTrace)
	}
	report.Why = r.Call.Clean(report.Why, vm.MaxError)
}

func (v *Version) countAlert(report *engine.AlertReport, err error) {
	v.counts.runs.Add(1)
	v.counts.nanos.Add(int64(report.Took))
	var limit vm.LimitError
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
