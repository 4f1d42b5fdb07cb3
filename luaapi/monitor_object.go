package luaapi

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// monitorObject is request.monitor. Its functions may be called with a dot or
// with a colon.
func (r *pluginRun) monitorObject(L *lua.LState, m engine.Monitor) *lua.LTable {
	names := []string{"service", "check", "users", "acknowledge", "record"}
	object := newRecord(len(names))
	set := func(name string, fn func(L *lua.LState, a args) int) {
		object.RawSetString(name, L.NewFunction(func(L *lua.LState) int {
			if L.Get(1) == object {
				L.Remove(1)
			}
			if m == nil {
				L.RaiseError("request.monitor cannot be used here")
			}
			return fn(L, args{L, "request.monitor." + name})
		}))
	}
	set("service", func(L *lua.LState, a args) int { return r.monitorService(L, a, m) })
	set("check", func(L *lua.LState, a args) int { return r.monitorCheck(L, a, m) })
	set("users", func(L *lua.LState, a args) int { return r.monitorUsers(L, m) })
	set("acknowledge", func(L *lua.LState, a args) int { return r.acknowledgeIncident(L, a, m) })
	set("record", func(L *lua.LState, a args) int { return r.recordResult(L, a, m) })
	object.Metatable = strict("request.monitor", names)
	return object
}

// monitorFailed answers nil, message, kind.
func monitorFailed(L *lua.LState, err error) int {
	var e *engine.MonitorError
	if !errors.As(err, &e) {
		return failed(L, err)
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(e.Message))
	L.Push(lua.LString(e.Kind))
	return 3
}

func (r *pluginRun) monitorService(L *lua.LState, a args, m engine.Monitor) int {
	id := a.text(1, "id")
	var s *engine.AlertSnapshot
	err := r.call.wait(0, func(ctx context.Context) (err error) {
		s, err = m.Service(ctx, id)
		return err
	})
	if err != nil {
		return monitorFailed(L, err)
	}
	layout := r.plugin.layout(engine.ServiceConfigForm)
	settings := r.binder.bind(layout, s.Subject.ID, s.Settings)
	if settings.problem != nil {
		settings = r.binder.bind(layout, s.Subject.ID, nil)
	}
	r.call.secrets.Add(settings.secrets...)
	L.Push(r.serviceObject(L, &engine.AlertCall{Service: s}, settings))
	return 1
}

func (r *pluginRun) monitorCheck(L *lua.LState, a args, m engine.Monitor) int {
	id := a.text(1, "id")
	var in *engine.CheckRun
	err := r.call.wait(0, func(ctx context.Context) (err error) {
		in, err = m.Check(ctx, id)
		return err
	})
	if err != nil {
		return monitorFailed(L, err)
	}
	bound := r.plugin.boundConfig(in.Check)
	if bound.problem != nil {
		return failed(L, &host.Error{Kind: host.Invalid, Message: bound.problem.Error()})
	}
	r.call.secrets.Add(bound.secrets...)
	L.Push(r.checkRecord(L, in, bound))
	return 1
}

// checkRecord is a check with the fields of a run's check object. It is a table
// of its own, since a view may look at several.
func (r *pluginRun) checkRecord(L *lua.LState, in *engine.CheckRun, bound *binding) *lua.LTable {
	c := in.Check
	t := newRecord(16 + len(bound.plain))
	config := bound.table(r.binder.shared)
	for name, v := range map[string]lua.LValue{
		"id": lua.LString(c.ID), "name": lua.LString(c.Name), "importance": lua.LString(c.Importance),
		"interval": lua.LNumber(c.Interval.Std().Seconds()), "timeout": lua.LNumber(c.Timeout.Std().Seconds()),
		"active": lua.LBool(c.Active), "ping_url": lua.LString(in.PingURL), "config": config,
		"last_result": lastResult(L, r.binder.shared, in.Last), "watched_since": instant(in.WatchedSince),
		"instance_set": r.instanceList(L, in.Instances), "service_set": r.linkedServices(L, in.Services),
	} {
		t.RawSetString(name, v)
	}
	names := slices.Concat(reservedNames[:], laterNames[:])
	for _, name := range bound.layout.names {
		t.RawSetString(name, lualib.Reading(config).RawGetString(name))
		names = append(names, name)
	}
	t.Metatable = strict("check", names)
	return lualib.Freeze("check", t)
}

func (r *pluginRun) monitorUsers(L *lua.LState, m engine.Monitor) int {
	var users []engine.UserSnapshot
	err := r.call.wait(0, func(ctx context.Context) (err error) {
		users, err = m.Users(ctx)
		return err
	})
	if err != nil {
		return monitorFailed(L, err)
	}
	L.Push(r.viewUsers(L, users))
	return 1
}

// acknowledgeIncident is acknowledge(service_id, username, comment [, options]).
func (r *pluginRun) acknowledgeIncident(L *lua.LState, a args, m engine.Monitor) int {
	service, username := strings.Clone(a.text(1, "service_id")), strings.Clone(a.text(2, "username"))
	o := a.options(4, "options", []string{"incident_key", "expires_in"})
	ack := engine.AckOptions{Comment: r.call.clean(a.textOr(3, "comment", ""), maxMessage), IncidentKey: strings.Clone(o.text("incident_key"))}
	if o.get("expires_in") != lua.LNil {
		seconds := o.number("expires_in", 0, 0, maxSeconds)
		last := time.Duration(math.Round(seconds * float64(time.Second)))
		ack.ExpiresIn = &last
	}
	err := r.call.wait(0, func(ctx context.Context) error { return m.Acknowledge(ctx, service, username, ack) })
	if err != nil {
		return monitorFailed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func recordKeys() []string {
	return []string{"succeeded", "error", "message", "unknown", "severity", "raw_data", "metrics"}
}

// recordResult is record(check_id, result).
func (r *pluginRun) recordResult(L *lua.LState, a args, m engine.Monitor) int {
	check := strings.Clone(a.text(1, "check_id"))
	o := a.optionsOf(2, a.table(2, "result"), recordKeys())
	report := engine.RunReport{
		Succeeded: o.flag("succeeded", false), Unknown: o.flag("unknown", false),
		Error: r.call.clean(o.text("error"), maxError), Message: r.call.cleanLine(o.text("message"), maxMessage),
		RawData: r.call.clean(o.text("raw_data"), maxRawData), Severity: engine.Status(o.text("severity")),
	}
	if o.get("severity") != lua.LNil && !report.Severity.IsSeverity() {
		a.fail(2, `severity must be "WARNING", "ERROR" or "CRITICAL"`)
	}
	if report.Unknown {
		report.Succeeded, report.Cause = false, engine.CausePlugin
	}
	if report.Succeeded {
		report.Severity = ""
	}
	report.Metrics = r.recordMetrics(o)
	err := r.call.wait(0, func(ctx context.Context) error { return m.Record(ctx, check, report) })
	if err != nil {
		return monitorFailed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func metricKeys() []string { return append([]string{"name", "value"}, metricOptionNames[:]...) }

// recordMetrics reads metrics: an array of { name, value, unit, warn, fail, min,
// max }, or a table of numbers by name.
func (r *pluginRun) recordMetrics(o options) []engine.Metric {
	t := o.table("metrics")
	if t == nil {
		return nil
	}
	var list resultObject
	t.ForEach(func(k, v lua.LValue) {
		name, isName := k.(lua.LString)
		m := engine.Metric{Name: string(name)}
		inner, isTable := v.(*lua.LTable)
		value := v
		switch {
		case isTable:
			fields := o.optionsOf(o.n, inner, metricKeys())
			if !isName {
				m.Name = fields.text("name")
			}
			m.Unit, value = fields.text("unit"), fields.get("value")
			for key, at := range map[string]**float64{"warn": &m.Warn, "fail": &m.Fail, "min": &m.Min, "max": &m.Max} {
				if bound := fields.get(key); bound != lua.LNil {
					*at = metricNumber(o.L, key, bound)
				}
			}
		case !isName:
			o.fail(o.n, "metrics must be an array of tables with name and value, or a table of numbers by name")
		}
		if m.Name == "" {
			o.fail(o.n, "a metric has no name")
		}
		if t := value.Type(); t != lua.LTNil && t != lua.LTNumber {
			o.fail(o.n, "the value of the metric %s must be a number, got %s", keyText(lua.LString(m.Name)), typeName(value))
		}
		n, ok := finite(value)
		if !ok {
			return
		}
		m.Name, m.Unit, m.Value = r.call.clean(m.Name, maxMetricName), r.call.clean(m.Unit, maxMetricUnit), n
		list.addMetric(m)
	})
	return list.metrics
}
