package binding

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// MonitorObject is request.monitor. Its functions may be called with a dot or
// with a colon.
func (r *PluginRun) MonitorObject(L *lua.LState, m engine.Monitor) *lua.LTable {
	names := []string{"service", "check", "users", "acknowledge", "record"}
	object := luaval.NewRecord(len(names))
	set := func(name string, fn func(L *lua.LState, a vm.Args) int) {
		object.RawSetString(name, L.NewFunction(func(L *lua.LState) int {
			if L.Get(1) == object {
				L.Remove(1)
			}
			if m == nil {
				L.RaiseError("request.monitor cannot be used here")
			}
			return fn(L, vm.Args{L: L, Fn: "request.monitor." + name})
		}))
	}
	set("service", func(L *lua.LState, a vm.Args) int { return r.monitorService(L, a, m) })
	set("check", func(L *lua.LState, a vm.Args) int { return r.monitorCheck(L, a, m) })
	set("users", func(L *lua.LState, a vm.Args) int { return r.monitorUsers(L, m) })
	set("acknowledge", func(L *lua.LState, a vm.Args) int { return r.acknowledgeIncident(L, a, m) })
	set("record", func(L *lua.LState, a vm.Args) int { return r.recordResult(L, a, m) })
	object.Metatable = luaval.Strict("request.monitor", names)
	return object
}

// monitorFailed answers nil, message, kind.
func monitorFailed(L *lua.LState, err error) int {
	var e *engine.MonitorError
	if !errors.As(err, &e) {
		return vm.Failed(L, err)
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(e.Message))
	L.Push(lua.LString(e.Kind))
	return 3
}

func (r *PluginRun) monitorService(L *lua.LState, a vm.Args, m engine.Monitor) int {
	id := a.Text(1, "id")
	var s *engine.AlertSnapshot
	err := r.Call.Wait(0, func(ctx context.Context) (err error) {
		s, err = m.Service(ctx, id)
		return err
	})
	if err != nil {
		return monitorFailed(L, err)
	}
	layout := r.Plugin.Layout(engine.ServiceConfigForm)
	settings := r.Binder.Bind(layout, s.Subject.ID, s.Settings)
	if settings.Problem != nil {
		settings = r.Binder.Bind(layout, s.Subject.ID, nil)
	}
	r.Call.Secrets.Add(settings.Secrets...)
	L.Push(r.ServiceObject(L, &engine.AlertCall{Service: s}, settings))
	return 1
}

func (r *PluginRun) monitorCheck(L *lua.LState, a vm.Args, m engine.Monitor) int {
	id := a.Text(1, "id")
	var in *engine.CheckRun
	err := r.Call.Wait(0, func(ctx context.Context) (err error) {
		in, err = m.Check(ctx, id)
		return err
	})
	if err != nil {
		return monitorFailed(L, err)
	}
	bound := r.Plugin.BoundConfig(in.Check)
	if bound.Problem != nil {
		return vm.Failed(L, &host.Error{Kind: host.Invalid, Message: bound.Problem.Error()})
	}
	r.Call.Secrets.Add(bound.Secrets...)
	L.Push(r.checkRecord(L, in, bound))
	return 1
}

// checkRecord is a check with the fields of a run's check object. It is a table
// of its own, since a view may look at several.
func (r *PluginRun) checkRecord(L *lua.LState, in *engine.CheckRun, bound *Binding) *lua.LTable {
	c := in.Check
	t := luaval.NewRecord(16 + len(bound.layout.names))
	config := bound.Table(r.Binder.Shared)
	for name, v := range map[string]lua.LValue{
		"id": lua.LString(c.ID), "name": lua.LString(c.Name), "importance": lua.LString(c.Importance),
		"interval": lua.LNumber(c.Interval.Std().Seconds()), "timeout": lua.LNumber(c.Timeout.Std().Seconds()),
		"active": lua.LBool(c.Active), "ping_url": lua.LString(in.PingURL), "config": config,
		"last_result": LastResult(L, r.Binder.Shared, in.Last), "watched_since": luaval.Instant(in.WatchedSince),
		"instance_set": r.instanceList(L, in.Instances), "service_set": r.linkedServices(L, in.Services),
	} {
		t.RawSetString(name, v)
	}
	names := slices.Concat(ReservedNames[:], LaterNames[:])
	for _, name := range bound.layout.names {
		t.RawSetString(name, lualib.Reading(config).RawGetString(name))
		names = append(names, name)
	}
	t.Metatable = luaval.Strict("check", names)
	return lualib.Freeze("check", t)
}

func (r *PluginRun) monitorUsers(L *lua.LState, m engine.Monitor) int {
	var users []engine.UserSnapshot
	err := r.Call.Wait(0, func(ctx context.Context) (err error) {
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
func (r *PluginRun) acknowledgeIncident(L *lua.LState, a vm.Args, m engine.Monitor) int {
	service, username := strings.Clone(a.Text(1, "service_id")), strings.Clone(a.Text(2, "username"))
	o := a.Options(4, "options", []string{"incident_key", "expires_in"})
	ack := engine.AckOptions{
		Comment:     r.Call.Clean(a.TextOr(3, "comment", ""), vm.MaxMessage),
		IncidentKey: strings.Clone(o.Text("incident_key")),
	}
	if o.Get("expires_in") != lua.LNil {
		seconds := o.Number("expires_in", 0, 0, vm.MaxSeconds)
		last := time.Duration(math.Round(seconds * float64(time.Second)))
		ack.ExpiresIn = &last
	}
	err := r.Call.Wait(0, func(ctx context.Context) error { return m.Acknowledge(ctx, service, username, ack) })
	if err != nil {
		return monitorFailed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func RecordKeys() []string {
	return []string{"succeeded", "error", "message", "unknown", "severity", "raw_data", "metrics"}
}

// recordResult is record(check_id, result).
func (r *PluginRun) recordResult(L *lua.LState, a vm.Args, m engine.Monitor) int {
	check := strings.Clone(a.Text(1, "check_id"))
	o := a.OptionsOf(2, a.Table(2, "result"), RecordKeys())
	report := engine.RunReport{
		Succeeded: o.Flag("succeeded", false), Unknown: o.Flag("unknown", false),
		Error: r.Call.Clean(o.Text("error"), vm.MaxError), Message: r.Call.CleanLine(o.Text("message"), vm.MaxMessage),
		RawData: r.Call.Clean(o.Text("raw_data"), vm.MaxRawData), Severity: engine.Status(o.Text("severity")),
	}
	if o.Get("severity") != lua.LNil && !report.Severity.IsSeverity() {
		a.Fail(2, `severity must be "WARNING", "ERROR" or "CRITICAL"`)
	}
	if report.Unknown {
		report.Succeeded, report.Cause = false, engine.CausePlugin
	}
	if report.Succeeded {
		report.Severity = ""
	}
	report.Metrics = r.recordMetrics(o)
	err := r.Call.Wait(0, func(ctx context.Context) error { return m.Record(ctx, check, report) })
	if err != nil {
		return monitorFailed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func MetricKeys() []string { return append([]string{"name", "value"}, MetricOptionNames[:]...) }

// recordMetrics reads metrics: an array of { name, value, unit, warn, fail, min,
// max }, or a table of numbers by name.
func (r *PluginRun) recordMetrics(o vm.Options) []engine.Metric {
	t := o.Table("metrics")
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
			fields := o.OptionsOf(o.N, inner, MetricKeys())
			if !isName {
				m.Name = fields.Text("name")
			}
			m.Unit, value = fields.Text("unit"), fields.Get("value")
			for key, at := range map[string]**float64{"warn": &m.Warn, "fail": &m.Fail, "min": &m.Min, "max": &m.Max} {
				if bound := fields.Get(key); bound != lua.LNil {
					*at = MetricNumber(o.L, key, bound)
				}
			}
		case !isName:
			o.Fail(o.N, "metrics must be an array of tables with name and value, or a table of numbers by name")
		}
		if m.Name == "" {
			o.Fail(o.N, "a metric has no name")
		}
		if t := value.Type(); t != lua.LTNil && t != lua.LTNumber {
			o.Fail(o.N, "the value of the metric %s must be a number, got %s", luaval.KeyText(lua.LString(m.Name)), luaval.TypeName(value))
		}
		n, ok := Finite(value)
		if !ok {
			return
		}
		m.Name, m.Unit, m.Value = r.Call.Clean(m.Name, MaxMetricName), r.Call.Clean(m.Unit, MaxMetricUnit), n
		list.addMetric(m)
	})
	return list.Metrics
}
