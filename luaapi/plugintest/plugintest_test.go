package plugintest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"moonwatch/engine"
)

// skeletonSource is the contract's check plugin.
const skeletonSource = `local forms, http, store, time, log = require "forms", require "http", require "store", require "time", require "log"
local Skeleton = {
  name = "Skeleton", slug = "skeleton", version = "1", plugin_variables = { "BONES" },
  settings_form = { forms.CharField{ "token", required = false, env = "TOKEN" } },
  config_form = {
    forms.CharField{ "bone", required = false, clean = function(v) if v == "wing" then return nil, "birds only" end return v:lower() end },
    forms.DurationField{ "wait", initial = "2s" }, forms.URLField{ "url", required = false },
    forms.CharField{ "password", required = false, widget = forms.PasswordInput },
    forms.CharField{ "lua", required = false },
  },
}
local ACTIONS = {
  loop = function() while true do end end,
  crash = function() error("boom") end,
  count = function(check, result) result.message = tostring(store.increment("n")) end,
  sleep = function(check, result) local _, _, kind = time.sleep(check.wait) result.message = tostring(kind) .. " " .. time.now() .. " " .. time.left() end,
  token = function(check, result, self) result.message = self.settings.token end,
  bones = function(check, result) result.message = tostring(os.getenv("BONES")) end,
  get = function(check, result) local r, problem, kind = http.get(check.url) result.message = r and r.body or problem .. "/" .. kind end,
  fields = function(check, result)
    result.message = table.concat({ check.id, check.name, check.importance, check.timeout, check.interval, tostring(check.active),
      #check.instance_set, #check.service_set, tostring(check.last_result and check.last_result.error), check.ping_url }, " ")
  end,
  all = function(check, result)
    for _, r in ipairs(http.all{ "https://a.test/", "https://b.test/" }) do log.info(r.error or r.body) end
  end,
  secret = function(check, result) result.raw_data = "it is " .. check.password end,
}
function Skeleton:run(check, result)
  if check.lua ~= "" then ACTIONS[check.lua](check, result, self) end
  result:metric("wait", check.wait, { unit = "s", warn = 3 })
  result.succeeded = true
  return result
end
function Skeleton:ping(check, ping, result)
  if ping.kind == "start" then return nil end
  result.succeeded, result.message = ping.kind == "success", ping.body
  if ping.kind ~= "success" then result.message = ping.kind .. " " .. tostring(ping.code) end
  return result
end
function Skeleton:description(check) return "bone " .. check.bone end
function Skeleton:clean(values, form)
  if form == "config" and values.wait > 60 then return nil, { wait = "too long" } end
  return values
end
return Skeleton
`

// testRuns writes files, runs the tests of path among them and returns a line
// for each that did not pass.
func testRuns(t *testing.T, files map[string]string, path string) (report Report, failures []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	report, err := newTester(t).Test(t.Context(), filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	short := func(p *engine.PluginProblem) string {
		file, err := filepath.Rel(dir, p.File)
		if err != nil {
			t.Fatal(err)
		}
		return file + ":" + strconv.Itoa(p.Line) + ": " + p.Message
	}
	for _, f := range report.Files {
		for i := range f.Problems {
			failures = append(failures, short(&f.Problems[i]))
		}
		for _, one := range f.Tests {
			if one.Failure != nil {
				failures = append(failures, one.Name+" "+short(one.Failure))
			}
		}
	}
	return report, failures
}

func newTester(t *testing.T) *Tester {
	t.Helper()
	tester, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tester.Close)
	return tester
}

// one runs one test with the given body against the skeleton; its first line is 2.
func one(t *testing.T, body string) []string {
	t.Helper()
	_, failures := testRuns(t, map[string]string{
		"skeleton.lua":      skeletonSource,
		"skeleton_test.lua": "local t = require 'testing' return { test_it = function()\n" + body + "\nend }",
	}, "skeleton.lua")
	return failures
}

func TestTestingPasses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"equal":                    `t.equal(1, 1) t.equal("a", "a") t.equal({ a = { 1, { b = true } } }, { a = { 1, { b = true } } }) t.equal(nil, nil)`,
		"matches, is_true, is_nil": `t.matches("abc", "^a.c$") t.matches(12, "1") t.is_true(true) t.is_nil(nil)`,
		"raises":                   `t.matches(t.raises(function() error("boom") end), "boom") t.raises(function() error({}) end) t.raises(function() local x = nil + 1 end, "arithmetic")`,
		"result": `local r = t.run{}
			t.is_true(r.succeeded) t.equal({ r.unknown, r.error, r.message, r.raw_data, r.timed_out }, { false, "", "", "", false })
			t.is_nil(r.severity) t.is_nil(r.cause) t.equal(r.log, {})
			t.equal(r.metrics, { { name = "wait", value = 2, unit = "s", warn = 3 } }) t.equal(r.metrics.wait.value, 2) t.is_nil(r.metrics.none)
			t.raises(function() return r.succeded end, "did you mean")`,
		"crash is unknown": `local r = t.run{ lua = "crash" } t.is_true(r.unknown) t.equal(r.succeeded, false) t.equal(r.cause, "error") t.matches(r.error, "skeleton.lua:14: boom") t.matches(r.traceback, "skeleton.lua:14")`,
		"clean is the form's": `t.equal(t.clean{ bone = "FEMUR" }, { bone = "femur", wait = 2, url = "", password = "", lua = "" })
			local v, e = t.clean{ bone = "wing", wait = "soon" } t.is_nil(v) t.equal(e.bone, "birds only") t.matches(e.wait, "duration")
			v, e = t.clean{ wait = 61 } t.equal(e, { wait = "too long" })
			v, e = t.clean{ bonne = "x" } t.matches(e.bonne, "bone")
			t.equal(t.clean({ token = "x" }, "settings"), { token = "x" })
			t.raises(function() t.run{ bone = "wing" } end, "bone: birds only")
			t.raises(function() t.clean({}, "confg") end, "form must be")
			t.raises(function() t.clean({}, "user") end, "no user_config_form")`,
		"description": `t.equal(t.description{ bone = "Tibia" }, "bone tibia")`,
		"ping": `t.is_nil(t.ping({}, { kind = "start" })) local r = t.ping({}, { body = "done" }) t.is_true(r.succeeded) t.equal(r.message, "done")
			t.equal(t.ping({}, { kind = "fail" }).succeeded, false) t.raises(function() t.ping({}, { kind = "no" }) end, "kind must be")
			t.equal(t.ping({}, { kind = "exit" }).message, "exit 0") t.equal(t.ping({}, { kind = "exit", code = 3 }).message, "exit 3")
			t.equal(t.ping({}, { kind = "fail" }).message, "fail 0")`,
		"check fields": `t.equal(t.run{ lua = "fields" }.message, "c1 check ERROR 30 60 true 0 0 nil https://moonwatch.example/ping/token")
			t.equal(t.run({ lua = "fields" }, { id = "x", name = "leg", importance = "CRITICAL", timeout = 1.5, interval = 10, active = false,
				instance_set = { { name = "a" }, {} }, service_set = { { name = "s" } }, last_result = { error = "old" }, ping_url = "u" }).message,
				"x leg CRITICAL 1.5 10 false 2 1 old u")
			t.raises(function() t.run({}, { nmae = "x" }) end, "did you mean 'name'") t.raises(function() t.run({}, { importance = "BAD" }) end, "importance must be")`,
		"environment":  `t.equal(t.run{ lua = "bones" }.message, "nil") t.setenv("BONES", "a") t.equal(t.run{ lua = "bones" }.message, "a") t.setenv("BONES") t.equal(t.run{ lua = "bones" }.message, "nil")`,
		"settings":     `t.equal(t.run{ lua = "token" }.message, "") t.setenv("TOKEN", "from-env") t.equal(t.run{ lua = "token" }.message, "from-env") t.settings{ token = "abc" } t.equal(t.run{ lua = "token" }.message, "abc")`,
		"secrets":      `t.equal(t.run{ lua = "secret", password = "lovelace" }.raw_data, "it is ***")`,
		"store":        `local store = require "store" store.set("n", 5) t.equal(t.run{ lua = "count" }.message, "6") t.equal(t.run{ lua = "count" }.message, "7") t.equal(t.run({ lua = "count" }, { id = "c2" }).message, "1")`,
		"store is new": `t.equal(t.run{ lua = "count" }.message, "1")`,
		"clock":        `t.at(1000) t.equal(t.run{ lua = "sleep", wait = "5s" }.message, "nil 1005 25") t.equal(t.run{ lua = "sleep", wait = "59s" }.message, "timeout 1034.5 0.5")`,
		"ttl":          `local store, time = require "store", require "time" t.at(1000) store.set("k", 1, 10) time.sleep(9) t.equal(store.get("k"), 1) t.at(1010) t.is_nil(store.get("k"))`,
		"http": `t.http("GET", "https://a.test/", { body = "one" }) t.http("GET", "https://a.test/", nil, "gone", "closed")
			local function get() return t.run{ lua = "get", url = "https://a.test/" }.message end
			t.equal(get(), "one") t.equal(get(), "gone/closed") t.equal(get(), "gone/closed") t.equal(#t.http_requests(), 3)
			t.equal(t.http_requests()[1].method, "GET") t.raises(function() return t.http_requests()[1].metod end, "method")`,
		"http.all in order": `t.http("GET", "https://a.test/", { body = "one" }) t.http("GET", "https://b.test/", nil, "no")
			t.equal(t.run{ lua = "all" }.log, { { level = "info", message = "one" }, { level = "info", message = "no" } }) t.equal(t.log()[2].message, "no")
			t.equal(t.http_requests()[2].url, "https://b.test/")`,
		"bad stubs": `t.raises(function() t.http("GET", "u", { statsu = 1 }) end, "did you mean 'status'") t.raises(function() t.http("GET", "u", nil, "x", "bad") end, "kind must be one of")
			t.raises(function() t.tcp("h", 0) end, "port") t.raises(function() t.tcp("h", 1, { "x" }) end, "step 1") t.raises(function() t.dns("h", "A", { {}, true }) end, "record 2")
			t.raises(function() t.exec({}, {}) end, "empty") t.raises(function() t.smtp(1, "x") end, "kind") t.raises(function() t.at("now") end, "number") t.raises(function() t.settings{ tokn = "" } end, "tokn")
			t.raises(function() t.equal(1) end, "want is missing") t.raises(function() t.matches("a", "(") end, "regular expression")`,
		"json.null": `local json = require "json" t.equal(json.decode("[null]", { null = "keep" }), { json.null })`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if failures := one(t, body); len(failures) > 0 {
				t.Error(strings.Join(failures, "\n"))
			}
		})
	}
}

func TestTestingFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"equal", `t.equal(1, "1")`, `2: got 1, want "1"`},
		{"equal, deep", `t.equal({ a = { 1, 2 } }, { a = { 1 } })`, `2: got {a = {1, 2}}, want {a = {1}} (they differ at a[2])`},
		{"a message", `t.is_true(false, "why")`, `2: why: got false, want true`},
		{"truth is true", `t.is_true(1)`, `2: got 1, want true`},
		{"is_nil", `t.is_nil(false)`, `2: got false, want nil`},
		{"matches", `t.matches(nil, "a")`, `2: got nil, want a match of /a/`},
		{"raises not", `t.raises(function() end)`, `2: no error was raised`},
		{"raises another", "\n\nt.raises(function() error('x', 0) end, 'y')", `4: got the error "x", want a match of /y/`},
		{"an error", "local x = nil\nx()", `3: attempt to call local 'x' (a nil value)`},
		{"a line of its own", "local function check()\n t.equal(1, 2)\nend\ncheck()", `3: got 1, want 2`},
		{"caught", `pcall(t.equal, 1, 2)`, `1: got 1, want 2`},
		{"caught by raises", `t.raises(function() t.equal(1, 2) end)`, `2: got 1, want 2`},
		{"no stub", `t.run{ lua = "get", url = "https://a.test/x" }`, `2: no stub for GET https://a.test/x`},
		{"no stub, caught", "pcall(function()\nt.run{ lua = 'get', url = 'https://a.test/x' }\nend)", `3: no stub for GET https://a.test/x`},
		{"no stub for the test's own", `require("http").get("https://a.test/")`, `1: no stub for GET https://a.test/`},
		{"bad configuration", `t.run{ bone = "wing" }`, `2: testing.run: config_form: bone: birds only`},
		{"another's slug", `t.run({}, { slug = "skeletn" })`, `2: testing.run: there is no plugin skeletn; did you mean skeleton?`},
		{"no alert", `t.send_alert{}`, `2: testing.send_alert: the plugin has no send_alert`},
		{"no view", `t.view("GET", "x")`, `2: testing.view: the plugin has no urls`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := one(t, tt.body)
			if want := "test_it skeleton_test.lua:" + tt.want; len(got) != 1 || got[0] != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestTestingDeadlines(t *testing.T) {
	t.Parallel()
	if failures := one(t, `t.is_true(t.run({ lua = "loop" }, { timeout = 0.1 }).timed_out)`); len(failures) > 0 {
		t.Error(failures)
	}
	dir := t.TempDir()
	writeFile(t, dir, "skeleton.lua", skeletonSource)
	writeFile(t, dir, "skeleton_test.lua", "return { test_a = function()\n while true do end\nend, test_b = function() end }")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	begun := time.Now()
	report, err := newTester(t).Test(ctx, filepath.Join(dir, "skeleton.lua"))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > testLimit/2 {
		t.Errorf("took %v", took)
	}
	if _, failed, _ := report.Counts(); failed != 2 || report.Files[0].Tests[0].Failure.Message != "given up" {
		t.Errorf("got %+v", report)
	}
}

// Tests see nothing of the environment, and each begins with an empty store.
func TestTestingStandsAside(t *testing.T) {
	t.Setenv("BONES", "real")
	dir := t.TempDir()
	writeFile(t, dir, "skeleton.lua", skeletonSource)
	writeFile(t, dir, "skeleton_test.lua", `local t = require "testing"
return {
  test_env = function() t.equal(t.run{ lua = "bones" }.message, "nil") end,
  test_store = function() t.equal(t.run{ lua = "count" }.message, "1") end,
  test_store_again = function() t.equal(t.run{ lua = "count" }.message, "1") end,
}`)
	report, err := newTester(t).Test(t.Context(), filepath.Join(dir, "skeleton_test.lua"))
	if passed, failed, problems := report.Counts(); err != nil || passed != 3 || failed+problems != 0 {
		t.Fatalf("got %+v, %v", report, err)
	}
}

func TestTestingFiles(t *testing.T) {
	t.Parallel()
	pass := `return { test_ok = function() end }`
	plugin := func(slug string) string { return checkSource(slug, "return result") }
	for _, tt := range []struct {
		name   string
		files  map[string]string
		path   string
		passed int
		want   []string
	}{
		{"the plugin", map[string]string{"a.lua": plugin("a"), "a_test.lua": pass}, "a.lua", 1, nil},
		{"the test", map[string]string{"a.lua": plugin("a"), "a_test.lua": pass}, "a_test.lua", 1, nil},
		{"a folder of plugins", map[string]string{"a.lua": plugin("a"), "a_test.lua": pass, "b.lua": plugin("b"), "f/plugin.lua": plugin("f"), "f/plugin_test.lua": pass}, ".", 2, nil},
		{"a folder that is one", map[string]string{"f/plugin.lua": plugin("f"), "f/plugin_test.lua": pass}, "f", 1, nil},
		{"its main file", map[string]string{"f/plugin.lua": plugin("f"), "f/plugin_test.lua": pass}, "f/plugin.lua", 1, nil},
		{"its test", map[string]string{"f/plugin.lua": plugin("f"), "f/plugin_test.lua": pass}, "f/plugin_test.lua", 1, nil},
		{"its modules", map[string]string{"f/plugin.lua": plugin("f"), "f/lib/x.lua": "return 7",
			"f/plugin_test.lua": `local t = require "testing" return { test_x = function() t.equal(require "lib.x", 7) end }`}, "f", 1, nil},
		{"without tests", map[string]string{"a.lua": plugin("a")}, "a.lua", 0, []string{"a_test.lua:0: there is no such file: a.lua has no tests"}},
		{"without a plugin", map[string]string{"a_test.lua": pass}, "a_test.lua", 0, []string{"a_test.lua:0: there is no plugin a.lua to test"}},
		{"a plugin that does not load", map[string]string{"a.lua": "return {", "a_test.lua": pass}, "a.lua", 0, []string{"a.lua:1: syntax error"}},
		{"a test that does not compile", map[string]string{"a.lua": plugin("a"), "a_test.lua": "return {\n}}"}, "a.lua", 0, []string{"a_test.lua:2: syntax error"}},
		{"a test that fails to begin", map[string]string{"a.lua": plugin("a"), "a_test.lua": "\nerror('no')"}, "a.lua", 0, []string{"a_test.lua:2: no"}},
		{"nothing returned", map[string]string{"a.lua": plugin("a"), "a_test.lua": "local x = 1"}, "a.lua", 0, []string{"a_test.lua:1: the file must return a table of tests, but returned nil"}},
		{"no test", map[string]string{"a.lua": plugin("a"), "a_test.lua": "return { tset_x = function() end }"}, "a.lua", 0,
			[]string{"a_test.lua:0: there is no test: the file returns no function whose name begins with test_"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report, failures := testRuns(t, tt.files, tt.path)
			if passed, _, _ := report.Counts(); passed != tt.passed {
				t.Errorf("%d passed, want %d", passed, tt.passed)
			}
			if len(failures) != len(tt.want) {
				t.Fatalf("got %q, want %q", failures, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(failures[i], want) {
					t.Errorf("got %q, want %q", failures[i], want)
				}
			}
		})
	}
	dir := t.TempDir()
	writeFile(t, dir, "notes.txt", "x")
	for path, want := range map[string]string{"nowhere.lua": "no such file", ".": "there are no tests", "notes.txt": "neither a Lua file nor a folder"} {
		if _, err := newTester(t).Test(t.Context(), filepath.Join(dir, path)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error(err)
	}
}

// What is random is the same in every test, and not the same twice in one.
func TestRandomIsTheSameInEveryTest(t *testing.T) {
	t.Parallel()
	source := "local crypto = require \"crypto\"\n" + checkSource("p", `result.message = crypto.random(4) result.raw_data = crypto.random(4) return result`)
	tests := `local t = require "testing"
local function same()
  local r = t.run({})
  t.is_true(r.message ~= r.raw_data)
  t.equal(r.message, "FIRST")
end
return { test_a = same, test_b = same }`
	run := func(first string) File {
		return newTester(t).TestFS(t.Context(), fstest.MapFS{"p.lua": {Data: []byte(source)}, "p_test.lua": {Data: []byte(strings.ReplaceAll(tests, "FIRST", first))}}, "p.lua")
	}
	out := run("x")
	found := regexp.MustCompile(`[0-9a-f]{8}`).FindString(out.Tests[0].Failure.Message)
	for _, one := range run(found).Tests {
		if one.Failure != nil {
			t.Errorf("%s: %s (the first was %q)", one.Name, one.Failure.Message, found)
		}
	}
}

// An expression of an assertion ends with the run, as one of a plugin does.
func TestPatternsOfTestsHoldTheBounds(t *testing.T) {
	t.Parallel()
	for _, call := range []string{`t.matches(s, p)`, `t.raises(function() error(s, 0) end, p)`} {
		dir := t.TempDir()
		writeFile(t, dir, "test.lua", checkSource("test", `return result`))
		writeFile(t, dir, "test_test.lua", `local t = require "testing"
return { test_it = function() local p, s = "(?:a?){500}b$", ("a"):rep(1024 * 1024) `+call+` end }`)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begun := time.Now()
		report, err := newTester(t).Test(ctx, filepath.Join(dir, "test.lua"))
		took := time.Since(begun)
		cancel()
		if err != nil || len(report.Files) != 1 || len(report.Files[0].Tests) != 1 || report.Files[0].Tests[0].Failure == nil {
			t.Errorf("%s: %+v, %v", call, report, err)
		}
		if took > 1200*time.Millisecond && !raceEnabled {
			t.Errorf("%s took %v", call, took)
		}
	}
}
