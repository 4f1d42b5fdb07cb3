package luaapi

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"moonwatch/luaapi/lint"
)

const lintHead = `local forms, http, json, log, tcp, time = require "forms", require "http", require "json", require "log", require "tcp", require "time"
local P = { name = "P", slug = "p", version = "1", config_form = { forms.CharField{ "host" }, forms.IntegerField{ "limit", required = false },
  forms.ListField{ "rows", fields = { forms.CharField{ "col" } } } }, settings_form = { forms.CharField{ "token" } } }
local function use(...) print(..., log, json, http, tcp, time) end
function P:run(check, result)
  use(check.host, check.limit, check.rows, "col", self.settings.token)
`

// lintRun lints a check plugin with the statements in its run, which begin at
// line 7, and returns the findings without the file's name.
func lintRun(t *testing.T, statements string) []string {
	t.Helper()
	return lintText(t, "p.lua", lintHead+statements+"\n  return result\nend\nreturn P\n")
}

func lintText(t *testing.T, name, text string) []string {
	t.Helper()
	rt := newTestRuntime(t, nil)
	var got []string
	for _, f := range rt.LintFS(t.Context(), fstest.MapFS{name: {Data: []byte(text)}}, name) {
		got = append(got, strings.TrimPrefix(f.String(), name+":")+" ["+f.Code+"]")
	}
	return got
}

func TestLintRun(t *testing.T) {
	for name, tt := range map[string]struct {
		code string
		want string // of the one finding; "" is none
	}{
		"undefined":             {`print(chekc)`, "7:7: chekc is not defined [undefined]"},
		"undefined near":        {`prnt(1)`, "7:1: prnt is not defined; did you mean print? [undefined]"},
		"not offered":           {`  io.open("x")`, "7:3: io is not there: a plugin cannot reach files, code or the process [undefined]"},
		"not required":          {`crypto.md5("x")`, `7:1: crypto is not defined: write local crypto = require "crypto" [undefined]`},
		"later local":           {"print(x) local x = 1 print(x)", "7:7: x is not defined [undefined]"},
		"global":                {"count = 1 print(count)", "7:1: count is written as a global: write local count [global]"},
		"global function":       {"function helper() end helper()", "7:10: helper is written as a global: write local helper [global]"},
		"check field":           {"print(check.hots)", "7:13: check has no field hots; did you mean host? [field]"},
		"config field":          {"print(check.config.limt)", "7:20: no form has the field limt, which check.config is asked for; did you mean limit? [field]"},
		"settings field":        {"print(self.settings.tken)", "7:21: no form has the field tken, which self.settings is asked for; did you mean token? [field]"},
		"self field":            {"print(self.nothing)", "7:12: self has no field nothing, and nothing in this file gives it one [field]"},
		"self key":              {"print(self.slug, self.version)", ""},
		"result field":          {`result.eror = "x"`, "7:8: result has no field eror; did you mean error? [field]"},
		"row field":             {"for _, row in ipairs(check.rows) do print(row.colum) end", "7:47: no form has the field colum, which check.config.rows is asked for; did you mean col? [field]"},
		"instance field":        {"for _, i in ipairs(check.instance_set) do print(i.adress) end", "7:51: instance has no field adress; did you mean address? [field]"},
		"read-only":             {"check.limit = 3", "7:7: check is read-only: limit cannot be set [field]"},
		"response field":        {`local r = http.get("x") if r then print(r.qqqqqq) end`, "7:43: response has no field qqqqqq [field]"},
		"response of a helper":  {"local function ask() return http.get(check.host) end\nlocal r = ask()\nprint(r.stauts)", "9:9: response has no field stauts; did you mean status? [field]"},
		"helper's parameter":    {"local function show(c) print(c.hots) end\nshow(check)", "7:32: check has no field hots; did you mean host? [field]"},
		"any other parameter":   {"local function show(c) print(c.hots) end\nshow(check) show({ hots = 1 })", ""},
		"headers are free":      {`local r = http.get("x") if r then print(r.headers["X-Any"], r.headers.foo) end`, ""},
		"json is free":          {`local r = http.get("x") if r then print(r:json().foo.bar) end`, ""},
		"module function":       {`http.gett("x")`, "7:6: http has no gett; did you mean get? [module]"},
		"os function":           {`os.execute("x")`, "7:4: os.execute is not there: of os there are clock, date, getenv, time [module]"},
		"too many":              {`json.decode("x", {}, 3)`, "7:6: json.decode takes 1 to 2 arguments, got 3 [arguments]"},
		"too few":               {`json.encode()`, "7:6: json.encode takes 1 argument, got 0 [arguments]"},
		"enough by a call":      {`json.decode(use())`, ""},
		"method too few":        {`result:metric()`, "7:8: result:metric takes 2 to 3 arguments, got 0 [arguments]"},
		"dot for colon":         {`result.metric("x", 1)`, "7:8: result.metric is a method: call result:metric(…) with a colon [arguments]"},
		"dot with self":         {`result.metric(result, "x", 1)`, ""},
		"colon for dot":         {`http:get("x")`, "7:6: http.get is a function: call it with a dot, not a colon [arguments]"},
		"no method":             {`check:name()`, "7:7: check.name is no method [arguments]"},
		"string method":         {`print(("x"):uper())`, "7:13: a text has no field uper; did you mean upper? [field]"},
		"option":                {`http.get("x", { timeot = 3 })`, "7:17: there is no option timeot here; did you mean timeout? [option]"},
		"inner option":          {`tcp.connect("x", 1, { tls = { servername = "y" } })`, "7:31: there is no option servername here; did you mean server_name? [option]"},
		"option of http.all":    {`http.request{ url = "x", methd = "GET" }`, "7:26: there is no option methd here; did you mean method? [option]"},
		"metric option":         {`result:metric("x", 1, { wran = 3 })`, "7:25: there is no option wran here; did you mean warn? [option]"},
		"option's type":         {`http.get("x", { verify = "no" })`, "7:26: verify must be a boolean, got a string [arguments]"},
		"severity":              {`result.severity = "FATAL"`, `7:19: result.severity must be one of WARNING ERROR CRITICAL, got "FATAL" [arguments]`},
		"result's type":         {`result.succeeded = "yes"`, "7:20: result.succeeded must be a boolean, got a string [arguments]"},
		"nil resets":            {`result.severity = nil`, ""},
		"bare return":           {`if check.limit then return end`, "7:21: run must return result [return]"},
		"return true":           {`if check.limit then return true end`, "7:28: run must return result, not true [return]"},
		"endless":               {"while true do local x = 1 print(x) end", "7:1: nothing ends this loop: it has no break, no return and no call that waits [endless]"},
		"endless repeat":        {"repeat local x = 1 until false", "7:1: nothing ends this loop: it has no break, no return and no call that waits [endless]"},
		"loop with break":       {"while true do if check.limit then break end end", ""},
		"loop with inner break": {"while true do for i = 1, 3 do if i == 2 then break end end end", "7:1: nothing ends this loop: it has no break, no return and no call that waits [endless]"},
		"loop that sleeps":      {"while true do time.sleep(1) end", ""},
		"loop with a helper":    {"local function wait() time.sleep(1) end\nwhile true do wait() end", ""},
		"loop that returns":     {"while true do return result end", ""},
		"loop that receives":    {`local c = tcp.connect("x", 1) while true do if c then c:receive() end end`, ""},
		"pattern":               {`print(check.host:match("^.-a.*b.-c"))`, "7:24: the pattern has 3 of .- and .*: on a text that does not match it may take very long; use the module re, or anchors and sets such as [^,]* [pattern]"},
		"pattern in a local":    {"local PAT = '.*a.*b.*'\nprint(string.find(check.host, PAT))", "8:31: the pattern has 3 of .- and .*: on a text that does not match it may take very long; use the module re, or anchors and sets such as [^,]* [pattern]"},
		"plain find":            {`print(check.host:find(".-.-.-", 1, true))`, ""},
		"escaped dots":          {`print(check.host:find("%.-%.-%.-[.-.-.-]"))`, ""},
		"concat":                {"local s = ''\nfor _, r in ipairs(check.rows) do s = s .. r.col end\nprint(s)", "8:41: s grows by .. in a loop, which copies it at each step: collect the parts in a table and join them with table.concat [concat]"},
		"concat in the middle":  {"local s = ''\nfor _, r in ipairs(check.rows) do s = r.col .. s .. ',' end\nprint(s)", "8:45: s grows by .. in a loop, which copies it at each step: collect the parts in a table and join them with table.concat [concat]"},
		"concat few":            {"local s = ''\nfor i = 1, 4 do s = s .. i end\nprint(s)", ""},
		"concat fresh":          {"for _, r in ipairs(check.rows) do local s = r.col s = s .. 'x' print(s) end", ""},
		"goto":                  {"for _, r in ipairs(check.rows) do if r.col then goto next end ::next:: end", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(lintRun(t, tt.code), "\n")
			if got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.code, got, tt.want)
			}
		})
	}
}

func TestLintPlugins(t *testing.T) {
	const head = `local forms = require "forms"` + "\n"
	for name, tt := range map[string]struct{ text, want string }{
		"key": {`return { name = "P", slug = "p", version = "1", verson = "2",
  run = function(self, check, result) return result end }`, "1:49: the contract knows no key verson; did you mean version? [key]"},
		"no result": {"local P = { name = 'P', slug = 'p', version = '1' }\nfunction P:run(check, result)\n  if check.active then return result end\nend\nreturn P",
			"4:1: run can end here without return result [return]"},
		"all ways out": {`local P = { name = 'P', slug = 'p', version = '1' }
function P:run(check, result) if check.active then return result elseif check.name == "x" then error("y") else return result end end return P`, ""},
		"nil with ping": {`local P = { name = 'P', slug = 'p', version = '1' }
function P:run(check, result) end function P:ping(check, ping, result) print(ping.kind) end return P`, ""},
		"unread": {head + `local P = { name = 'P', slug = 'p', version = '1', config_form = {
  forms.CharField{ "host" }, forms.CharField{ "old", deprecated = true },
  forms.CharField{ "limit" } } }
function P:run(check, result) print(check.host) return result end return P`, "4:20: the field limit of config_form is never read [unread]"},
		"read whole": {head + `local P = { name = 'P', slug = 'p', version = '1', config_form = { forms.CharField{ "host" } } }
function P:run(check, result) for k, v in pairs(check.config) do print(k, v) end return result end return P`, ""},
		"does not load": {`return {}`, "1:1: the plugin defines neither run nor send_alert; it must define exactly one [load]|" +
			"1:1: the key name is missing [load]|1:1: the key slug is missing [load]|1:1: the key version is missing [load]"},
		"no Lua":         {"local x = = 3", "1:11: syntax error near '=' [load]"},
		"unknown module": {`local x = require "htpp" return x`, `1:19: there is no module htpp; did you mean http? [module]`},
		"testing":        {`local t = require "testing" return t`, "1:19: the module testing is for tests: NAME_test.lua [module]"},
		"field's argument": {head + `return { name = 'P', slug = 'p', version = '1', config_form = { forms.CharField{ "host", requird = true } }, run = function(self, check, result) print(check.host) return result end }`,
			"2:90: there is no option requird here; did you mean required? [option]"},
		"alert": {head + `local A = { name = 'A', slug = 'a', version = '1', user_config_form = { forms.CharField{ "nick" } } }
function A:send_alert(service, users, duty_officers)
  for _, user in ipairs(users) do
    print(user.a_settings.nik, user.qqqqqq, user.b_settings, user.a_settings.nick)
  end
  print(service.qqqqqq, service:get_status_mesage())
  for _, c in ipairs(service:all_failing_checks()) do print(c.nme) end
  return false, "why", { retry_afer = 3 }
end
return A`, strings.Join([]string{
			"5:27: no form has the field nik, which user.a_settings is asked for; did you mean nick? [field]",
			"5:37: user has no field qqqqqq [field]",
			"5:50: user.b_settings: a plugin sees its own settings only, a_settings [field]",
			"7:17: service has no field qqqqqq [field]",
			"7:33: service has no field get_status_mesage; did you mean get_status_message? [field]",
			"8:63: check_record has no field nme; did you mean name? [field]",
			"9:26: there is no option retry_afer here; did you mean retry_after? [option]"}, "|")},
		"a text of users": {`local recipients = require "recipients"
local A = { name = 'A', slug = 'a', version = '1' }
function A:send_alert(service, users, duty_officers)
  local names, checks = "", ""
  for _, user in ipairs(users) do names = names .. user.username end
  for _, user in ipairs(recipients.chat(service, users, duty_officers)) do names = names .. user.username end
  for _, c in ipairs(service:all_failing_checks()) do checks = checks .. c.name end
  print(names, checks)
  return true
end
return A`, "7:71: checks grows by .. in a loop, which copies it at each step: collect the parts in a table and join them with table.concat [concat]"},
		"views": {`local A = { name = 'A', slug = 'a', version = '1', run = function(self, check, result) return result end }
A.urls = { { path = "x", view = function(self, request) print(request.bdy, request.monitor.usrs()) return { stats = 200 } end } }
return A`, "2:71: request has no field bdy; did you mean body? [field]|2:92: monitor has no field usrs; did you mean users? [field]|2:109: there is no option stats here; did you mean status? [option]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(lintText(t, "p.lua", tt.text), "|"); got != tt.want {
				t.Errorf("got  %s\nwant %s", strings.ReplaceAll(got, "|", "\n     "), strings.ReplaceAll(tt.want, "|", "\n     "))
			}
		})
	}
}

func TestLintTests(t *testing.T) {
	got := lintText(t, "p_test.lua", `local t = require "testing"
return {
  test_x = function()
    t.equl(1, 1)
    t.http("GET", "x", { stauts = 200 })
    local result = t.run{ any = 1 }
    t.equal(result.qqqqqq, true)
    t.send_alert{ service = { failing_cheks = {} } }
  end,
}`)
	want := []string{
		"4:7: testing has no equl; did you mean equal? [module]",
		"5:26: there is no option stauts here; did you mean status? [option]",
		"7:20: result has no field qqqqqq [field]",
		"8:31: there is no option failing_cheks here; did you mean failing_checks? [option]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLintShipped holds that the linter finds nothing in what we ship.
func TestLintShipped(t *testing.T) {
	rt := newTestRuntime(t, nil, func(o *Options) { o.Shipped = os.DirFS("../plugins") })
	for _, dir := range []string{"../plugins", "../examples"} {
		found, err := rt.Lint(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Error(f)
		}
	}
}

func TestLintPaths(t *testing.T) {
	rt := newTestRuntime(t, nil)
	dir := t.TempDir()
	writeFile(t, dir, "f/plugin.lua", `local lib = require "lib.x" return { name = "F", slug = "f", version = "1", run = function(self, check, result) print(lib) retrn(1) return result end }`)
	writeFile(t, dir, "f/lib/x.lua", "globl = 1\nreturn {}")
	writeFile(t, dir, "f/plugin_test.lua", "local lib = require 'lib.x'\nreturn { test_x = function() print(lib, nothing) end }")
	t.Chdir(dir)
	for _, path := range []string{"f", "f/plugin.lua", "."} {
		found, err := rt.Lint(t.Context(), path)
		var got []string
		for _, f := range found {
			got = append(got, f.String())
		}
		want := []string{
			"f/lib/x.lua:1:1: globl is written as a global: write local globl",
			"f/plugin.lua:1:124: retrn is not defined",
			"f/plugin_test.lua:2:41: nothing is not defined",
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v and %v, want %v", path, got, err, want)
		}
	}
	if _, err := rt.Lint(t.Context(), "nothing.lua"); err == nil {
		t.Error("a file that is not there: got no error")
	}
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := rt.Lint(t.Context(), "empty"); err == nil {
		t.Error("a folder without plugins: got no error")
	}
}

// TestLintGarbage holds that no source brings the linter down.
func TestLintGarbage(t *testing.T) {
	for _, text := range []string{"", "return", "(", strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000), "local x <const> = 1", "\x00", "x = [[", "-- [=[",
		"return {{{{}}}}", "local a = a a.b.c = a return a", "local f f = function() return f() end return f()", "return function(...) return ... end"} {
		lintText(t, "p.lua", text)
		lint.Check(lint.Source{Files: []lint.File{{Name: "p.lua", Source: text, Main: true}}})
	}
}
