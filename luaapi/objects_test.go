package luaapi

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// objectsPlugin is a check plugin with a field of each shape.
func objectsPlugin(body string) string {
	return `local forms = require "forms"
local P = { name = "Objects", slug = "objects", version = "1",
  settings_form = { forms.CharField{ "greeting", initial = "hello" }, forms.CharField{ "token", widget = forms.PasswordInput, required = false, env = "OBJECTS_TOKEN" } },
  config_form = {
    forms.CharField{ "host", initial = "a.example" },
    forms.IntegerField{ "count", required = false },
    forms.BooleanField{ "deep" },
    forms.DurationField{ "patience", initial = "90s" },
    forms.KeyValueField{ "headers", required = false },
    forms.MultipleChoiceField{ "kinds", required = false, choices = { {"a", "A"}, {"b", "B"} } },
    forms.JSONField{ "body", required = false },
    forms.ListField{ "rows", required = false, fields = { forms.CharField{ "h" }, forms.PortField{ "p", initial = 80 } } },
    forms.CharField{ "password", widget = forms.PasswordInput, required = false },
  } }
function P:run(check, result)
` + body + `
  return result
end
return P`
}

func objectsRun() *engine.CheckRun {
	in := checkRun("objects", form.Values{
		"host": "b.example", "headers": "Accept: x\nX-A: 1\nx-a: 2", "kinds": []any{"a", "b"},
		"body": map[string]any{"k": []any{1.0, "two"}}, "rows": []any{map[string]any{"h": "one", "p": 81.0}},
	})
	in.Instances = []engine.InstanceSnapshot{{ID: "i1", Name: "one", Address: "192.0.2.1", OverallStatus: engine.StatusPassing}, {ID: "i2", Name: "two"}}
	in.Services = []engine.ServiceSnapshot{{ID: "s1", Name: "shop", URL: "https://shop.example", OverallStatus: engine.StatusError}}
	in.Last = &engine.LastResult{Succeeded: true, Error: "", At: time.Unix(1700000000, 0)}
	in.PingURL = "https://moon.example/ping/x"
	in.PublicURL = "https://moon.example/"
	return in
}

func runObjects(t *testing.T, body string, change ...func(*Options)) engine.RunReport {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(body)}, change...)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return plugin(t, rt, "objects").Run(ctx, objectsRun())
}

func TestCheckObject(t *testing.T) {
	for _, expression := range []string{
		`check.id == "c1"`, `check.name == "left leg"`, `check.importance == "ERROR"`, `check.interval == 60`, `check.timeout == 5`,
		`check.active == true`, `check.ping_url == "https://moon.example/ping/x"`,
		`check.host == "b.example"`, `check.config.host == "b.example"`, `check.count == nil`, `check.config.count == nil`,
		`check.deep == false`, `check.patience == 90`, `check.password == ""`,
		`check.headers.Accept == "x"`, `check.headers.accept == "x"`, `check.headers["X-a"] == "2"`, `check.headers.absent == nil`,
		`#check.kinds == 2 and check.kinds[2] == "b"`, `check.body.k[2] == "two"`, `check.rows[1].h == "one" and check.rows[1].p == 81`,
		`check.headers == check.config.headers`, `check.config == check.config`,
		`check.last_result.succeeded and check.last_result.error == "" and check.last_result.at == 1700000000`,
		`#check.instance_set == 2 and check.instance_set[1].address == "192.0.2.1" and check.instance_set[2].name == "two"`,
		`check.instance_set[1].overall_status == "PASSING" and check.instance_set[2].address == ""`,
		`check.service_set[1].url == "https://shop.example" and check.service_set[1].overall_status == "ERROR"`,
		`self.settings.greeting == "hello"`, `self.slug == "objects"`, `self.name == "Objects"`, `#self.config_form == 9`,
		`self:view_url("hook", { a = "1" }) == "https://moon.example/plugins/objects/hook?a=1"`,
		`(function() local n = 0 for k, v in pairs(check.config) do n = n + 1 end return n end)() == 8`,
		`(function() local n = 0 for k, v in pairs(self.settings) do n = n + 1 end return n end)() == 2`,
		`(function() local s = "" for k, v in pairs(check.headers) do s = s .. k .. v end return s end)() == "Acceptxx-a2"`,
		`(function() local s = "" for i, one in ipairs(check.instance_set) do s = s .. one.name end return s end)() == "onetwo"`,
	} {
		if got := runObjects(t, "  result.succeeded = "+expression); !got.Succeeded {
			t.Errorf("%s does not hold: %+v", expression, short(got))
		}
	}
}

// One table of mistakes, over what is bound by hand, what gopher-luar binds and
// what is a plain table.
func TestObjectMistakes(t *testing.T) {
	tests := []struct{ body, want string }{
		{`local x = check.hots`, "check has no field 'hots'; did you mean 'host'?"},
		{`local x = check.nonsense_at_all`, "check has no field 'nonsense_at_all'; did you mean 'instance_set'?"},
		{`check.host = "x"`, "check is read-only: 'host' cannot be set"},
		{`check.fresh = "x"`, "check is read-only: 'fresh' cannot be set"},
		{`local x = check.config.hots`, "check.config has no field 'hots'; did you mean 'host'?"},
		{`check.config.fresh = 1`, "check.config is read-only: 'fresh' cannot be set"},
		{`local x = self.settings.greting`, "settings has no field 'greting'; did you mean 'greeting'?"},
		{`local x = check.instance_set[1].adress`, "instance has no field 'adress'; did you mean 'address'?"},
		{`check.instance_set[1].address = "x"`, "instance is read-only: 'address' cannot be set"},
		{`local x = check.instance_set[1].Address`, "instance has no field 'Address'; did you mean 'address'?"},
		{`local x = check.service_set[1].link`, "service has no field 'link'; did you mean 'id'?"},
		{`local x = check.last_result.ok`, "last_result has no field 'ok'; did you mean 'at'?"},
		{`result.succeded = true`, "result has no field 'succeded'; did you mean 'succeeded'?"},
		{`local x = result.eror`, "result has no field 'eror'; did you mean 'error'?"},
		{`result.succeeded = 1`, "result.succeeded must be a boolean, got number"},
		{`result.error = {}`, "result.error must be a string, got table"},
		{`result.severity = "BAD"`, `result.severity must be "WARNING", "ERROR" or "CRITICAL"`},
		{`result.severity = "PASSING"`, `result.severity must be "WARNING", "ERROR" or "CRITICAL"`},
		{`result:metric()`, "bad argument #1 to 'metric' (name must be a string that is not empty)"},
		{`result:metric("x", "y")`, "bad argument #2 to 'metric' (value must be a number, got string)"},
		{`result:metric("x", 1, { wran = 1 })`, "metric has no field 'wran'; did you mean 'warn'?"},
		{`result.metric("x", 1)`, "call metric with a colon: result:metric(name, value)"},
		{`result.metric = 1`, "result.metric is a method: call result:metric(name, value)"},
	}
	for _, tt := range tests {
		got := runObjects(t, "  "+tt.body)
		if got.Cause != engine.CauseError || !strings.HasSuffix(got.Error, ": "+tt.want) || !strings.HasPrefix(got.Error, "objects.lua:16: ") {
			t.Errorf("%s\n got %q\nwant …:16: %s", tt.body, got.Error, tt.want)
		}
	}
}

func TestResultObject(t *testing.T) {
	got := runObjects(t, `
  result.succeeded = true
  result.succeeded = nil
  result.error = "a\255b"
  result.message = "two\r\nlines " .. ("m"):rep(3000)
  result.raw_data = ("é"):rep(6000)
  result.severity = "CRITICAL"
  result:metric("a", 1)
  result:metric("a", 2, "s")
  result:metric("b", 0/0)
  result:metric("c", 1/0)
  result:metric("d", nil)
  result:metric("e", 5, { unit = "ms", warn = 1, fail = 2, min = 0, max = 9 })
  result.message = result.message:sub(1, 10):gsub("%s+$", "") .. tostring(result.succeeded) .. result.severity`)
	if got.Succeeded || got.Unknown || got.Error != "a\uFFFDb" || got.Severity != engine.StatusCritical {
		t.Errorf("got %+v", short(got))
	}
	if got.Message != "two linesfalseCRITICAL" || len([]rune(got.RawData)) != 5000 {
		t.Errorf("message %q, %d characters of raw data", got.Message, len([]rune(got.RawData)))
	}
	if len(got.Metrics) != 2 || got.Metrics[0].Value != 2 || got.Metrics[0].Unit != "s" || *got.Metrics[1].Fail != 2 || *got.Metrics[1].Max != 9 {
		t.Errorf("metrics %+v", got.Metrics)
	}
	for _, m := range got.Metrics {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			t.Errorf("metric %+v", m)
		}
	}
}

func TestUnknownResult(t *testing.T) {
	got := runObjects(t, `  result.succeeded = true result.unknown = true result.error = "no data"`)
	if got.Succeeded || !got.Unknown || got.Cause != engine.CausePlugin || got.Error != "no data" {
		t.Errorf("got %+v", short(got))
	}
}

func TestSecretsAreMasked(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(`
  result.error = "login with " .. check.password .. " and " .. self.settings.token .. " failed"
  result.raw_data = ("x"):rep(4990) .. check.password
  result.message = check.password
  result:metric("m", 1, check.password)
  print(check.password)
  local function fail() error(check.password) end
  fail()`)}, withEnv(map[string]string{"OBJECTS_TOKEN": "token-from-env"}))
	in := objectsRun()
	in.Check.Config["password"] = sealed(t, "c1", "password", "hunter2hunter2")
	got := plugin(t, rt, "objects").Run(context.Background(), in)
	all := got.Error + got.RawData + got.Message + got.Traceback + got.Metrics[0].Unit + got.Log[0].Message
	if strings.Contains(all, "hunter") || strings.Contains(all, "token-from-env") {
		t.Errorf("a secret is left in %q", all)
	}
	if !strings.Contains(got.Error, "***") || got.Log[0].Message != "***" || !strings.HasSuffix(got.RawData, "***") {
		t.Errorf("got %+v, log %v", short(got), got.Log)
	}
}

// TestTheTopLevelSeesNoEnvironment: a file's top level sees the same when it is
// loaded and in every run: no variable, and no module that reaches outside.
func TestTheTopLevelSeesNoEnvironment(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"early.lua": `
local early = tostring(os.getenv("EARLY"))
local reached, why = pcall(function() return require("http").get("http://127.0.0.1:1/") end)
local P = { name = "Early", slug = "early", version = "1", summary = early, plugin_variables = { "EARLY" } }
function P:run(check, result)
  result.message = early .. " " .. os.getenv("EARLY") .. " " .. why
  return result
end
return P`}, withEnv(map[string]string{"EARLY": "late"}))
	want := "nil late early.lua:3: http.get cannot be called while the plugin loads"
	if got := runOnce(t, rt, "early", nil); got.Message != want {
		t.Errorf("message %q, want %q", got.Message, want)
	}
	if meta := plugin(t, rt, "early").Meta(); meta.Summary != "nil" {
		t.Errorf("summary %q", meta.Summary)
	}
}

func TestSettingsFallBackToTheEnvironment(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(`
  result.message = self.settings.token .. " " .. tostring(os.getenv("OBJECTS_TOKEN")) .. " " .. tostring(os.getenv("HOME"))
  result.message = result.message:upper()`)}, withEnv(map[string]string{"OBJECTS_TOKEN": "tok", "HOME": "/root"}))
	if got := runOnce(t, rt, "objects", nil); got.Message != "TOK TOK NIL" {
		t.Errorf("message %q: %+v", got.Message, short(got))
	}
	in := objectsRun()
	in.Settings = form.Values{"token": sealed(t, "objects", "token", "own")}
	if got := plugin(t, rt, "objects").Run(context.Background(), in); got.Message != "OWN TOK NIL" {
		t.Errorf("message %q: %+v", got.Message, short(got))
	}
	if meta := plugin(t, rt, "objects").Meta(); len(meta.Variables) != 1 || meta.Variables[0] != "OBJECTS_TOKEN" {
		t.Errorf("variables %v", meta.Variables)
	}
}

func TestStoredValuesThatDoNotConvert(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(`  result.succeeded = true`)})
	got := runOnce(t, rt, "objects", form.Values{"count": "many"})
	if !got.Unknown || got.Cause != engine.CauseConfig || got.Error == "" {
		t.Errorf("got %+v", short(got))
	}
	got = runOnce(t, rt, "objects", form.Values{"password": sealed(t, "another", "password", "x")})
	if got.Cause != engine.CauseConfig {
		t.Errorf("a secret sealed for another check: %+v", short(got))
	}
}

// An edited check is a new object: the run sees its new values at once.
func TestEditedCheckIsBoundAnew(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(`  result.message = check.host`)})
	for _, host := range []string{"one", "two", "one"} {
		if got := runOnce(t, rt, "objects", form.Values{"host": host}); got.Message != host {
			t.Errorf("message %q, want %q", got.Message, host)
		}
	}
}

func TestPing(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"beat.lua": `
local P = { name = "Beat", slug = "beat", version = "1" }
function P:run(check, result) return nil end
function P:ping(check, ping, result)
  if ping.kind == "log" then return nil end
  if ping.kind == "success" then result.succeeded = true end
  result.message = ping.kind .. ping.code .. ping.run_id .. ping.body .. ping.at .. ping.address
  return result
end
return P`})
	p := plugin(t, rt, "beat")
	if got := p.Run(context.Background(), checkRun("beat", nil)); !got.None {
		t.Errorf("run: %+v", got)
	}
	got := p.Ping(context.Background(), checkRun("beat", nil), &engine.Ping{Kind: "success", Code: 3, RunID: "r", Body: "b", At: time.Unix(5, 0), Address: "a"})
	if !got.Succeeded || got.Message != "success3rb5a" {
		t.Errorf("ping: %+v", got)
	}
	if got := p.Ping(context.Background(), checkRun("beat", nil), &engine.Ping{Kind: "log"}); !got.None {
		t.Errorf("log: %+v", got)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	rt := newTestRuntime(t, map[string]string{"skeleton.lua": skeletonCheck, "bad.lua": `
local P = { name = "Bad", slug = "bad", version = "1" }
function P:run(check, result) return result end
function P:description(check) if check.name == "slow" then while true do end end return nil end
return P`})
	got, err := plugin(t, rt, "check_skeleton").Describe(context.Background(), checkRun("check_skeleton", form.Values{"bone_name": "ulna"}))
	if err != nil || got != "Check whether ulna is in the list of bones." {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := plugin(t, rt, "bad").Describe(context.Background(), checkRun("bad", nil)); err == nil || !strings.Contains(err.Error(), "did not return a string") {
		t.Errorf("nil: %v", err)
	}
	in := checkRun("bad", nil)
	in.Check.Name = "slow"
	begun := time.Now()
	if _, err := plugin(t, rt, "bad").Describe(context.Background(), in); err == nil || err.Error() != "timed out after 1s" || time.Since(begun) > 3*time.Second {
		t.Errorf("slow: %v after %v", err, time.Since(begun))
	}
}
