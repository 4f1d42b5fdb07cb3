package plugintest

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// testCheckKeys are the fields of a check that a test can set.
func testCheckKeys() []string {
	return []string{"slug", "id", "name", "instance_set", "service_set", "importance", "interval", "timeout", "active",
		"last_result", "ping_url", "watched_since"}
}

func isCheck(v *runner.Version) bool { return v.Manifest.Kind == engine.CheckPlugin }

// testCheck is what a check plugin is told: config from argument 1, the check's
// fields from argument n.
func testCheck(a vm.Args, n int) (*harness, *runner.Version, *engine.CheckRun) {
	h := harnessOf(a.L)
	if !a.Has(1) {
		a.WrongType(1, "config", "a table")
	}
	config := a.Table(1, "config")
	o := a.Options(n, "check fields", testCheckKeys())
	v := h.choose(a, o.Text("slug"), isCheck, "run")
	in := h.checkRun(o, v)
	in.Check.Config = h.mustClean(a, v, engine.ConfigForm, in.Check.ID, config)
	return h, v, in
}

// checkRun reads the fields of a check, but for its config.
func (h *harness) checkRun(o vm.Options, v *runner.Version) *engine.CheckRun {
	c := engine.NewCheck()
	c.ID, c.Name, c.Plugin = textOption(o, "id", "c1"), textOption(o, "name", "check"), v.Manifest.Slug
	c.Importance = statusOption(o, "importance", engine.StatusError)
	if !c.Importance.IsSeverity() {
		o.Fail(o.N, `importance must be "WARNING", "ERROR" or "CRITICAL"`)
	}
	c.Active = o.Flag("active", true)
	for key, at := range map[string]*engine.Duration{"interval": &c.Interval, "timeout": &c.Timeout} {
		if d := o.Seconds(key); d > 0 {
			*at = engine.Duration(d)
		}
	}
	in := &engine.CheckRun{Check: &c, Settings: h.settingsOf(v), PublicURL: testAddress}
	in.WatchedSince = instantOption(o, "watched_since", time.Time{})
	if v.Manifest.HasPing {
		in.PingURL = textOption(o, "ping_url", testAddress+"/ping/token")
	}
	for i, one := range recordOptions(o, "instance_set", []string{"id", "name", "address", "overall_status"}) {
		in.Instances = append(in.Instances, instanceOption(one, i))
	}
	for i, one := range recordOptions(o, "service_set", []string{"id", "name", "url", "overall_status"}) {
		id := textOption(one, "id", "s"+lua.LNumber(i+1).String())
		in.Services = append(in.Services, engine.ServiceSnapshot{ID: id, Name: textOption(one, "name", id), URL: one.Text("url"),
			OverallStatus: statusOption(one, "overall_status", engine.StatusPassing)})
	}
	if t := o.Table("last_result"); t != nil {
		last := o.OptionsOf(o.N, t, []string{"succeeded", "unknown", "error", "at"})
		in.Last = &engine.LastResult{Succeeded: last.Flag("succeeded", false), Unknown: last.Flag("unknown", false),
			Error: last.Text("error"), At: instantOption(last, "at", h.stub.Now().Add(-c.Interval.Std()))}
	}
	return in
}

// testRun is run(config [, check fields]): the result, as the monitor would keep it.
func testRun(L *lua.LState) int {
	h, v, in := testCheck(vm.Args{L: L, Fn: "testing.run"}, 2)
	var report engine.RunReport
	h.plugin(L, in.Check.Timeout.Std(), func(ctx context.Context) { report = v.Run(ctx, in) })
	return h.pushResult(L, &report)
}

// testPing is ping(config, ping [, check fields]): the result, or nil.
func testPing(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "testing.ping"}
	h, v, in := testCheck(a, 3)
	if !v.Manifest.HasPing {
		L.RaiseError("testing.ping: the plugin has no ping")
	}
	o := a.Options(2, "ping", []string{"kind", "code", "run_id", "body", "at", "address"})
	ping := &engine.Ping{Kind: textOption(o, "kind", "success"), Code: o.Integer("code", 0, -1<<31, 1<<31), RunID: o.Text("run_id"),
		Body: o.Text("body"), At: instantOption(o, "at", h.stub.Now()), Address: textOption(o, "address", "192.0.2.1")}
	switch ping.Kind {
	case "success", "start", "fail", "exit", "log":
	default:
		o.Fail(2, "kind must be success, start, fail, exit or log, got %s", luaval.KeyText(o.Get("kind")))
	}
	var report engine.RunReport
	h.plugin(L, in.Check.Timeout.Std(), func(ctx context.Context) { report = v.Ping(ctx, in, ping) })
	return h.pushResult(L, &report)
}

// pushResult gives a test the result of a run.
func (h *harness) pushResult(L *lua.LState, report *engine.RunReport) int {
	h.log = report.Log
	h.note(report.Traceback, report.Error)
	if report.Skipped {
		L.RaiseError("the run was not made: %s", report.Error)
	}
	if report.None {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(h.resultTable(report))
	return 1
}

// note keeps how the plugin's last call ended, for when the test fails.
func (h *harness) note(traceback, why string) {
	h.last = ""
	if traceback != "" {
		h.last = why + "\n" + traceback
	}
}

func testResultNames() []string {
	return []string{"succeeded", "unknown", "cause", "error", "message", "raw_data", "severity", "timed_out", "traceback",
		"metrics", "log"}
}

// resultTable is a result as tests see it. Its metrics are an array, in which a
// metric is also found by its name.
func (h *harness) resultTable(report *engine.RunReport) *lua.LTable {
	t := luaval.NewRecord(11)
	for name, text := range map[string]string{"error": report.Error, "message": report.Message, "raw_data": report.RawData} {
		t.RawSetString(name, lua.LString(text))
	}
	for name, text := range map[string]string{
		"cause":     string(report.Cause),
		"severity":  string(report.Severity),
		"traceback": report.Traceback,
	} {
		if text != "" {
			t.RawSetString(name, lua.LString(text))
		}
	}
	t.RawSetString("succeeded", lua.LBool(report.Succeeded))
	t.RawSetString("unknown", lua.LBool(report.Unknown))
	t.RawSetString("timed_out", lua.LBool(report.TimedOut))
	t.RawSetString("metrics", metricsTable(report.Metrics))
	t.RawSetString("log", logTable(report.Log))
	t.Metatable = luaval.Strict("result", testResultNames())
	return t
}

// metricsTable is an array of metrics in which they are found by name too.
func metricsTable(metrics []engine.Metric) *lua.LTable {
	list, named := luaval.NewTable(), luaval.NewRecord(len(metrics))
	for i := range metrics {
		m := &metrics[i]
		t := luaval.NewRecord(3)
		t.RawSetString("name", lua.LString(m.Name))
		t.RawSetString("value", lua.LNumber(m.Value))
		if m.Unit != "" {
			t.RawSetString("unit", lua.LString(m.Unit))
		}
		for name, v := range map[string]*float64{"warn": m.Warn, "fail": m.Fail, "min": m.Min, "max": m.Max} {
			if v != nil {
				t.RawSetString(name, lua.LNumber(*v))
			}
		}
		list.Append(t)
		named.RawSetString(m.Name, t)
	}
	list.Metatable = vm.LeadsTo(named)
	return list
}

// testDescription is description(config [, check fields]).
func testDescription(L *lua.LState) int {
	h, v, in := testCheck(vm.Args{L: L, Fn: "testing.description"}, 2)
	var line string
	var err error
	h.plugin(L, runner.DescribeLimit, func(ctx context.Context) { line, err = v.Describe(ctx, in) })
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	L.Push(lua.LString(line))
	return 1
}

// testClean is clean(values [, form [, slug]]): the cleaned values as the plugin
// sees them, or nil and a table of messages by field.
func testClean(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.clean"}, harnessOf(L)
	values := a.Table(1, "values")
	name := engine.ConfigForm
	asked := a.TextOr(2, "form", "")
	switch asked {
	case "config", "settings", "user", "service":
		name = (map[string]engine.FormName{"config": engine.ConfigForm, "settings": engine.SettingsForm,
			"user": engine.UserConfigForm, "service": engine.ServiceConfigForm})[asked]
	case "":
	default:
		a.Fail(2, "form must be config, settings, user or service, got %s", luaval.KeyText(L.Get(2)))
	}
	v := h.choose(a, a.TextOr(3, "slug", ""), func(v *runner.Version) bool {
		return len(v.Manifest.Forms[name].Fields) > 0 || v.Manifest.Kind == engine.CheckPlugin && name == engine.ConfigForm
	}, string(name))
	cleaned, errs := h.clean(L, v, name, "c1", values)
	if len(errs) > 0 {
		L.Push(lua.LNil)
		L.Push(complaintsTable(errs))
		return 2
	}
	bound := h.runner.Binder.Bind(v.Layouts[name], "c1", cleaned)
	if bound.Problem != nil {
		L.RaiseError("%s", bound.Problem.Error())
	}
	L.Push(bound.Table(h.runner.Binder.Shared))
	return 1
}

// complaintsTable is the messages by field; the first of a field stands.
func complaintsTable(errs form.Errors) *lua.LTable {
	t := luaval.NewRecord(len(errs))
	for _, e := range errs {
		if t.RawGetString(e.Location) == lua.LNil {
			t.RawSetString(e.Location, lua.LString(e.Message))
		}
	}
	return t
}

// textOption is an option with a text, or otherwise when it was left out.
func textOption(o vm.Options, key, otherwise string) string {
	if o.Get(key) == lua.LNil {
		return otherwise
	}
	return o.Text(key)
}

// status returns one of the statuses.
func statusOption(o vm.Options, key string, otherwise engine.Status) engine.Status {
	s := engine.Status(textOption(o, key, string(otherwise)))
	if s != engine.StatusPassing && !s.IsSeverity() {
		o.Fail(o.N, `%s must be "PASSING", "WARNING", "ERROR" or "CRITICAL", got %s`, key, luaval.KeyText(o.Get(key)))
	}
	return s
}

// instant returns seconds since the epoch as a time.
func instantOption(o vm.Options, key string, otherwise time.Time) time.Time {
	if o.Get(key) == lua.LNil {
		return otherwise
	}
	return module.FromSeconds(o.Number(key, 0, -module.MaxInstant, module.MaxInstant))
}

// records returns the tables of an array, each with the keys named alone.
func recordOptions(o vm.Options, key string, keys []string) []vm.Options {
	t := o.Table(key)
	if t == nil {
		return nil
	}
	list := make([]vm.Options, 0, t.Len())
	t.ForEach(func(k, v lua.LValue) {
		one, ok := v.(*lua.LTable)
		if !ok || k.Type() != lua.LTNumber {
			o.Fail(o.N, "%s must be an array of tables", key)
		}
		list = append(list, o.OptionsOf(o.N, one, keys))
	})
	return list
}

// instance reads the i-th instance, from 0.
func instanceOption(o vm.Options, i int) engine.InstanceSnapshot {
	id := textOption(o, "id", "i"+lua.LNumber(i+1).String())
	return engine.InstanceSnapshot{ID: id, Name: textOption(o, "name", id), Address: o.Text("address"),
		OverallStatus: statusOption(o, "overall_status", engine.StatusPassing)}
}
