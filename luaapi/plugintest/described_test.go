package plugintest

import (
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// sameNames fails unless the described names are just the real ones.
func sameNames(t *testing.T, what string, described, real []string) {
	t.Helper()
	got, want := slices.Clone(described), slices.Clone(real)
	sort.Strings(got)
	sort.Strings(want)
	if !slices.Equal(slices.Compact(got), want) || len(got) != len(described) {
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s is not described", what, name)
			}
		}
		for i, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("%s: %s is described, and is not there", what, name)
			}
			if i > 0 && got[i-1] == name {
				t.Errorf("%s: %s is described twice", what, name)
			}
		}
	}
}

func tableNames(t *lua.LTable) (names []string, nested map[string]*lua.LTable) {
	nested = map[string]*lua.LTable{}
	t.ForEach(func(k, v lua.LValue) {
		if inner, ok := v.(*lua.LTable); ok {
			nested[k.String()] = inner
		} else {
			names = append(names, k.String())
		}
	})
	return names, nested
}

func TestModulesAreDescribed(t *testing.T) {
	t.Parallel()
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	c := describe.Load()
	modules := module.Builtin()
	modules["forms"], modules["testing"] = loader.OpenForms, openTesting
	seen := []string{}
	var walk func(name string, table *lua.LTable)
	walk = func(name string, table *lua.LTable) {
		seen = append(seen, name)
		m := c.Modules[name]
		if m == nil {
			t.Errorf("the module %s is not described", name)
			return
		}
		names, nested := tableNames(table)
		sameNames(t, name, m.Names(), names)
		for _, f := range m.Functions {
			if table.RawGetString(f.Name).Type() != lua.LTFunction {
				t.Errorf("%s.%s is described as a function", name, f.Name)
			}
		}
		for inner, t := range nested {
			walk(name+"."+inner, t)
		}
	}
	for name, open := range modules {
		walk(name, open(L))
	}
	sameNames(t, "modules", luaval.SortedKeys(c.Modules), seen)
}

func TestLibraryIsDescribed(t *testing.T) {
	t.Parallel()
	tools := vm.NewToolbox()
	c := describe.Load()
	base, ok := tools.BaseMeta.RawGetString("__index").(*lua.LTable)
	if !ok {
		t.Fatal("there is no table of base functions")
	}
	real, _ := tableNames(base)
	var described []string
	for _, f := range c.Globals {
		described = append(described, f.Name)
	}
	sameNames(t, "globals", described, real)
	for i, lib := range tools.Libs {
		names, _ := tableNames(lib.Table)
		if c.Library[i].Name != lib.Name {
			t.Fatalf("library %d is described as %s, is %s", i, c.Library[i].Name, lib.Name)
		}
		sameNames(t, lib.Name, c.Library[i].Names(), names)
	}
	for name := range describe.Absent() {
		if slices.Contains(real, name) || slices.Contains(vm.LibraryNames(), name) {
			t.Errorf("%s is described as absent, and is there", name)
		}
	}
}

func realTable(t *testing.T, v lua.LValue) []string {
	t.Helper()
	table, ok := v.(*lua.LTable)
	if !ok {
		t.Fatalf("got %s, want a table", v.Type())
	}
	var names []string
	lualib.Reading(table).ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	return names
}

// methodNames are the methods behind a metatable of methodsOf: each that is
// described is asked for, and an unknown name must list no other.
func methodNames(t *testing.T, meta *lua.LTable, candidates []string) []string {
	t.Helper()
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	var names []string
	for _, name := range candidates {
		L.Push(meta.RawGetString("__index"))
		L.Push(lua.LNil)
		L.Push(lua.LString(name))
		if L.PCall(2, 1, nil) == nil {
			names = append(names, name)
			L.Pop(1)
		}
	}
	return names
}

func TestObjectsAreDescribed(t *testing.T) {
	t.Parallel()
	c := describe.Load()
	now := time.Unix(1, 0)
	later, number := now.Add(time.Second), 1.0
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	shared := binding.NewShared()
	r := &binding.PluginRun{Binder: &binding.Binder{Shared: shared}}
	r.Call.Now = func() time.Time { return now }
	metric := engine.Metric{Warn: &number, Fail: &number, Min: &number, Max: &number}
	parse := func(text string) []string {
		L.Push(L.NewFunction(module.URLParse))
		L.Push(lua.LString(text))
		L.Call(1, 1)
		return realTable(t, L.Get(-1))
	}
	element, err := module.ParseXML("<a/>", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var response *lua.LTable
	if m, ok := module.NewHTTPResponse(&host.HTTPResponse{}).Metatable.(*lua.LTable); ok {
		response = m
	}
	if response == nil {
		t.Fatal("a response has no metatable")
	}
	all := func(names ...[]string) []string { return slices.Concat(names...) }
	methods := []string{"get", "post", "request", "all", "session", "send", "receive", "starttls", "close", "json", "put", "delete", "cookies"}
	record := realTable(t, r.Record(L, &engine.CheckRecord{Since: now}))
	recorded := append(testCheckKeys(), "config")
	real := map[string][]string{
		"check":             all(binding.ReservedNames[:], binding.LaterNames[:]),
		"result":            binding.ResultNames[:],
		"check.last_result": realTable(t, binding.LastResult(L, shared, &engine.LastResult{At: now})),
		"check.service":     binding.FieldNames(reflect.TypeOf(binding.LinkedServiceView{})),
		"instance":          binding.FieldNames(reflect.TypeOf(binding.InstanceView{})),
		"ping":              realTable(t, runner.PingTable(L, shared, &engine.Ping{At: now})),
		"service":           binding.FieldNames(reflect.TypeOf(binding.ServiceView{})),
		"user":              binding.FieldNames(reflect.TypeOf(binding.UserView{})),
		"request":           binding.FieldNames(reflect.TypeOf(binding.RequestView{})),
		"monitor":           realTable(t, r.MonitorObject(L, nil)),
		"check_record":      record,
		"metric":            realTable(t, r.MetricTable(L, &metric)),
		"acknowledgement":   realTable(t, r.Acknowledgement(L, &engine.AcknowledgementSnapshot{At: now, ExpiresAt: &later})),
		"plugin":            {"settings", "view_url"},
		"http.response":     append(slices.Clone(module.HTTPResponseNames), "error", "kind"), /* as in errorTable */
		"http.timings":      realTable(t, module.TimingsTable(&host.Timings{})),
		"http.tls":          realTable(t, module.TLSTable(&host.TLSState{NotAfter: now})),
		"expiry":            realTable(t, module.ExpiryTable(&host.Expiry{At: now, Host: "h"})),
		"http.session":      methodNames(t, module.HTTPSessionMeta, methods),
		"connection":        methodNames(t, module.TCPMeta, methods),
		"certificate":       realTable(t, module.CertificateTable(&host.Certificate{NotBefore: now, NotAfter: now, VerifyError: "x", Expiry: host.Expiry{At: now}})),
		"dns.record":        {"type", "value", "ttl", "preference"},
		"icmp.answer":       all(realTable(t, module.EchoTable(&host.PingAnswer{Received: 1})), realTable(t, module.ErrorTable(vm.Invalid("x")))),
		"exec.answer":       {"code", "signal", "stdout", "stderr"},
		"url.parts":         parse("https://a:b@host:1/p?q#f"),
		"xml.element":       all(realTable(t, element)),
		"free":              nil,

		"http.options": module.HTTPOptionKeys, "http.request": module.HTTPRequestKeys, "http.auth": {"user", "password"},
		"exec.command": {"stdin", "timeout", "env"}, "tcp.options": {"timeout", "tls"}, "tcp.tls": module.TCPTLSKeys,
		"tls.options": {"server_name", "starttls", "timeout"}, "dns.options": {"server", "timeout"},
		"icmp.options": {"count", "interval", "size", "timeout"}, "smtp.message": module.MailKeys, "json.options": {"null"}, "utf8.fit": {"unit", "separator"},
		"url.build": module.URLParts, "metric.options": binding.MetricOptionNames[:], "forms.arguments": luaval.SortedKeys(loader.FieldArguments()),
		"alert.retry": {"retry", "retry_after"}, "plugin.route": loader.ViewKeys(), "view.answer": runner.AnswerKeys(),
		"monitor.acknowledge": {"incident_key", "expires_in"}, "monitor.result": binding.RecordKeys(),

		"testing.check": testCheckKeys(), "testing.service": testServiceKeys(), "testing.user": testUserKeys(), "testing.monitor_check": recorded,
		"testing.http_request": testRequestNames, "testing.result": testResultNames(),
		"testing.line": realTable(t, logTable([]engine.LogLine{{}}).RawGetInt(1)),
	}
	for _, name := range luaval.SortedKeys(c.Objects) {
		if names, ok := real[name]; ok {
			sameNames(t, name, c.Objects[name].Names(), names)
		} else if !strings.HasPrefix(name, "testing.") { // those of tests: TestOptionsAreDescribed
			t.Errorf("%s is described, and nothing says what it is", name)
		}
	}
	for name := range real {
		if c.Objects[name] == nil {
			t.Errorf("%s is not described", name)
		}
	}
}

func TestFormsAndKeysAreDescribed(t *testing.T) {
	t.Parallel()
	c := describe.Load()
	var types, real []string
	for _, one := range c.Types {
		types = append(types, one.Name)
	}
	for _, one := range form.Types() {
		real = append(real, string(one))
	}
	sameNames(t, "field types", types, real)
	var args []string
	for _, one := range c.Args {
		args = append(args, one.Name)
	}
	sameNames(t, "field arguments", args, luaval.SortedKeys(loader.FieldArguments()))
	known := loader.PluginKeys()
	var keys []string
	for _, key := range c.Keys {
		keys = append(keys, key.Name)
		kind := known[key.Name]
		in := string(kind.Only)
		if in == "" {
			in = "both"
		}
		if (key.Function != nil) != (kind.Type == lua.LTFunction) || key.In != in {
			t.Errorf("key %s: described as %s in %s, is %s in %s", key.Name, key.Type, key.In, kind.Type, in)
		}
		if must := kind.Required || key.Name == "run" || key.Name == "send_alert"; key.Required != must {
			t.Errorf("key %s: described as required %v, is %v", key.Name, key.Required, must)
		}
	}
	sameNames(t, "plugin keys", keys, luaval.SortedKeys(known))
	for _, a := range describe.Aliases() {
		want := map[string][]string{"role": loader.ViewRoles(), "error_kind": texted(errorKinds())}[a.Name]
		if want != nil && !slices.Equal(a.Values, want) {
			t.Errorf("alias %s: got %v, want %v", a.Name, a.Values, want)
		}
	}
}
