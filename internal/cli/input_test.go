package cli

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// badFiles are plugin files that are refused: on which line, and in which words.
// Line 0 is any, but there is one.
var badFiles = []struct {
	file, text string
	line       int
	want       string
}{
	{"syntax.lua", "local P = {\n  name = \"x\"\n  slug = \"y\"\n}\nreturn P\n", 3, `syntax|expected|near`},
	{"unclosed.lua", "local P = {\n  name = \"x\n}\n", 2, `.`},
	{"empty.lua", "-- nothing here\n", 0, `return`},
	{"number.lua", "return 42\n", 0, `table`},
	{"nameless.lua", "return {\n  slug = \"nameless\", version = \"1\",\n  run = function() end,\n}\n", 0, `name`},
	{"slugless.lua", "return {\n  name = \"x\", version = \"1\",\n  run = function() end,\n}\n", 0, `slug`},
	{"badslug.lua", "return {\n  name = \"x\",\n  slug = \"Bad Slug\", version = \"1\",\n  run = function() end,\n}\n", 3, `slug`},
	{"wrongtype.lua", "return {\n  name = \"x\", slug = \"wrongtype\",\n  version = 1.5,\n  run = function() end,\n}\n", 3, `version`},
	{"norun.lua", "return { name = \"x\", slug = \"norun\", version = \"1\" }\n", 0, `run`},
	{"both.lua", "return { name = \"x\", slug = \"both\", version = \"1\", run = function() end, send_alert = function() end }\n", 0, `send_alert`},
	{"fieldtype.lua", "local forms = require \"forms\"\nreturn { name = \"x\", slug = \"fieldtype\", version = \"1\", run = function() end, config_form = {\n  forms.CharField{ \"a\" },\n  forms.ChatField{ \"b\" },\n} }\n", 4, `CharField|ChatField`},
	{"twofields.lua", "local forms = require \"forms\"\nreturn { name = \"x\", slug = \"twofields\", version = \"1\", run = function() end, config_form = {\n  forms.CharField{ \"a\" },\n  forms.IntegerField{ \"a\" },\n} }\n", 4, `"?a"?`},
	{"ownfield.lua", "local forms = require \"forms\"\nreturn { name = \"x\", slug = \"ownfield\", version = \"1\", run = function() end, config_form = {\n  forms.DurationField{ \"interval\" },\n} }\n", 3, `interval`},
	{"argument.lua", "local forms = require \"forms\"\nreturn { name = \"x\", slug = \"argument\", version = \"1\", run = function() end, config_form = {\n  forms.CharField{ \"a\",\n    max_length = \"ten\" },\n} }\n", 0, `max_length`},
	{"regex.lua", "local forms = require \"forms\"\nreturn { name = \"x\", slug = \"regex\", version = \"1\", run = function() end, config_form = {\n  forms.RegexField{ \"a\", regex = \"(\" },\n} }\n", 3, `regex`},
	{"variable.lua", "return { name = \"x\", slug = \"variable\", version = \"1\", run = function() end,\n  plugin_variables = { \"MOONWATCH_KEY\" } }\n", 0, `MOONWATCH_`},
	{"bytecode.lua", "\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00", 0, `.`},
	{"nul.lua", "return {}\x00\n", 0, `.`},
	{"latin1.lua", "-- \xe9\nreturn {}\n", 0, `UTF-8`},
	{"large.lua", "return { -- " + strings.Repeat("x", 128<<10) + "\n}\n", 0, `128`},
	{"loops.lua", "local n = 0\nwhile true do n = n + 1 end\n", 2, `.`},
	{"recurses.lua", "local function f() return 1 + f() end\nf()\n", 1, `.`},
	{"allocates.lua", "local t, i = {}, 0\nwhile true do i = i + 1 t[i] = { i } end\n", 2, `.`},
	{"doubles.lua", "local s = \"x\"\nwhile true do s = s .. s end\n", 2, `.`},
	{"backtracks.lua", "local s = (\"x\"):rep(20000)\ns:find(\"x.-x.-y\")\nwhile true do end\n", 2, `.`},
	{"raises.lua", "local x = nil\nreturn x.y\n", 2, `nil`},
	{"network.lua", "local http = require \"http\"\nhttp.get(\"http://127.0.0.1/\")\nreturn {}\n", 2, `load`},
	{"missing.lua", "local x = require \"socket\"\nreturn {}\n", 1, `socket`},
	{"chain.lua", "return { name = " + strings.Repeat("\"x\" .. ", 1000) + "\"x\" }\n", 0, `.`},
	{"nested.lua", "return " + strings.Repeat("{", 5000) + strings.Repeat("}", 5000) + "\n", 0, `.`},
}

// TestBadFiles saves every kind of bad plugin file at once beside a good one:
// each is refused with file and line, and the good one is not disturbed.
func TestBadFiles(t *testing.T) {
	m := programtest.New(t)
	m.Save("good.lua", programtest.GoodCheck)
	m.Save("first.lua", strings.Replace(programtest.GoodCheck, `slug = "good"`, `slug = "twice"`, 1))
	m.Admin()
	m.Start()
	check := m.Check("good", "good", programtest.Object{}, nil)
	programtest.Until(t, "a result", 3*time.Second, func() bool { _, ok := m.Latest(check); return ok })
	for _, bad := range badFiles {
		m.Save(bad.file, bad.text)
	}
	m.Save("second.lua", strings.Replace(programtest.GoodCheck, `slug = "good"`, `slug = "twice"`, 1))
	var problems map[string][]programtest.PluginStatus
	programtest.Until(t, "all bad files are shown", 60*time.Second, func() bool {
		problems = map[string][]programtest.PluginStatus{}
		var page struct{ Items []programtest.PluginStatus }
		m.API("GET", "/plugins?limit=500", nil, &page)
		for _, p := range page.Items {
			if p.Error != nil {
				problems[p.Error.File] = append(problems[p.Error.File], p)
			}
		}
		missing := 0
		for _, bad := range badFiles {
			if problems[bad.file] == nil {
				missing++
			}
		}
		return missing == 0
	})
	for _, bad := range badFiles {
		p := problems[bad.file][0]
		if p.State != "failed" || p.RunningVersion != "" || p.Error.Line < 1 || bad.line > 0 && p.Error.Line != bad.line || !regexp.MustCompile(bad.want).MatchString(p.Error.Message) ||
			strings.Contains(p.Error.Message, "goroutine") || strings.Contains(p.Error.Message, m.Dir) {
			t.Errorf("%s: state %s, %+v; want line %d and %q", bad.file, p.State, *p.Error, bad.line, bad.want)
		}
	}
	programtest.Until(t, "both files of one slug are named", 5*time.Second, func() bool {
		p, _ := m.Plugin("twice")
		return p.Error != nil && strings.Contains(p.Error.File+p.Error.Message, "first.lua") && strings.Contains(p.Error.File+p.Error.Message, "second.lua")
	})
	if p, _ := m.Plugin("twice"); p.RunningVersion != "1" || p.File != "first.lua" {
		t.Errorf("of two files of one slug runs %+v", p)
	}
	since := time.Now()
	programtest.Until(t, "the good one runs on", 4*time.Second, func() bool { r, _ := m.Latest(check); return r.Started.After(since) })
	for _, r := range m.Results(check, time.Time{}) {
		if !r.Succeeded {
			t.Errorf("the good one beside bad files: %+v", r)
		}
	}
	if p, _ := m.Plugin("good"); p.State != "active" || p.Error != nil {
		t.Errorf("the good one is %+v", p)
	}
}

// TestBadBodies sends bodies that are refused: each names its field, nothing is
// written and no value is echoed.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	m.Save("every.lua", programtest.EveryField("1"))
	m.Admin()
	m.Start()
	const echo = "ZEBRA"
	long := strings.Repeat(echo, 50_000)
	every := func(more programtest.Object) programtest.Object {
		config := programtest.Object{"char": "x"}
		for k, v := range more {
			config[k] = v
		}
		return programtest.Object{"name": echo, "plugin": "every", "config": config}
	}
	with := func(field string, value any) programtest.Object {
		body := every(nil)
		body[field] = value
		return body
	}
	kept := m.Check("kept", "every", programtest.Object{"char": "x"}, programtest.Object{"active": false})
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		location     string // of the first error; "" is any
	}{
		{"POST", "/checks", []byte(`{"name":`), 400, ""},
		{"POST", "/checks", []byte(`[]`), 422, ""},
		{"POST", "/checks", []byte(`null`), 422, ""},
		{"POST", "/checks", []byte(`{"name":"` + echo + `","name":"b","plugin":"every","config":{"char":"x"}}`), 400, "name"},
		{"POST", "/checks", programtest.Object{}, 422, "name"},
		{"POST", "/checks", with("name", 5), 422, "name"},
		{"POST", "/checks", with("name", ""), 422, "name"},
		{"POST", "/checks", with("name", long[:10_000]), 422, "name"},
		{"POST", "/checks", with(echo+"x", echo), 422, echo + "x"},
		{"POST", "/checks", with("interval", "0s"), 422, "interval"},
		{"POST", "/checks", with("interval", "2y"), 422, "interval"},
		{"POST", "/checks", with("interval", "-1m"), 422, "interval"},
		{"POST", "/checks", with("interval", "9000w"), 422, "interval"},
		{"POST", "/checks", with("timeout", "0s"), 422, "timeout"},
		{"POST", "/checks", with("debounce", -1), 422, "debounce"},
		{"POST", "/checks", with("debounce", 1.5), 422, "debounce"},
		{"POST", "/checks", with("importance", echo), 422, "importance"},
		{"POST", "/checks", with("active", "yes"), 422, "active"},
		{"POST", "/checks", with("config", "x"), 422, "config"},
		{"POST", "/checks", with("plugin", "no_"+strings.ToLower(echo)), 422, "plugin"},
		{"POST", "/checks", with("plugin", "webhook"), 422, "plugin"},
		{"POST", "/checks", every(programtest.Object{"char": nil}), 422, "config.char"},
		{"POST", "/checks", every(programtest.Object{"char": echo + echo + echo + echo + echo}), 422, "config.char"},
		{"POST", "/checks", every(programtest.Object{"char": programtest.Object{echo: 1}}), 422, "config.char"},
		{"POST", "/checks", every(programtest.Object{"integer": echo}), 422, "config.integer"},
		{"POST", "/checks", every(programtest.Object{"integer": 10}), 422, "config.integer"},
		{"POST", "/checks", every(programtest.Object{"address": "ftp//" + echo}), 422, "config.address"},
		{"POST", "/checks", every(programtest.Object{"address": "http://" + long}), 422, "config.address"},
		{"POST", "/checks", every(programtest.Object{"email": echo}), 422, "config.email"},
		{"POST", "/checks", every(programtest.Object{"choice": echo}), 422, "config.choice"},
		{"POST", "/checks", every(programtest.Object{"several": []string{echo}}), 422, "config.several"},
		{"POST", "/checks", every(programtest.Object{"pattern": "(" + echo}), 422, "config.pattern"},
		{"POST", "/checks", every(programtest.Object{"ip": echo}), 422, "config.ip"},
		{"POST", "/checks", every(programtest.Object{"port": 70000}), 422, "config.port"},
		{"POST", "/checks", every(programtest.Object{"patience": echo}), 422, "config.patience"},
		{"POST", "/checks", every(programtest.Object{"since": echo}), 422, "config.since"},
		{"POST", "/checks", every(programtest.Object{"rows": []programtest.Object{{"n": 1}}}), 422, "config.rows[0].label"},
		{"POST", "/checks", every(programtest.Object{"rows": []programtest.Object{{"label": "a", "n": echo}}}), 422, "config.rows[0].n"},
		{"POST", "/checks", every(programtest.Object{"wrong": echo}), 422, "config.wrong"},
		{"POST", "/checks", []byte(strings.Repeat("[", 100_000)), 400, ""},
		{"POST", "/checks", []byte(`"` + strings.Repeat("x", 20<<20) + `"`), 413, ""},
		{"PATCH", "/checks/" + kept, programtest.Object{"interval": "0s"}, 422, "interval"},
		{"PATCH", "/checks/" + kept, programtest.Object{"config": programtest.Object{"char": ""}}, 422, "config.char"},
		{"PATCH", "/checks/nosuch", programtest.Object{"interval": "1m"}, 404, ""},
		{"DELETE", "/checks/nosuch", nil, 404, ""},
		{"POST", "/checks/nosuch/run", nil, 404, ""},
		{"POST", "/services", programtest.Object{"name": echo, "status_checks": []string{"nosuch" + echo}}, 422, "status_checks[0]"},
		{"POST", "/services", programtest.Object{"name": echo, "status_checks": kept}, 422, "status_checks"},
		{"POST", "/services", programtest.Object{"name": echo, "url": "javascript:" + echo}, 422, "url"},
		{"POST", "/services", programtest.Object{"name": echo, "users_to_notify": []string{"nosuch"}}, 422, "users_to_notify[0]"},
		{"POST", "/services", programtest.Object{"name": echo, "alerts": []programtest.Object{{"plugin": "every", "settings": programtest.Object{}}}}, 422, "alerts[0].plugin"},
		{"POST", "/services", programtest.Object{"name": echo, "alerts": []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": echo}}}}, 422, "alerts[0].settings.url"},
		{"POST", "/services", programtest.Object{"name": echo, "repeat_interval": programtest.Object{"ERROR": "500ms"}}, 422, "repeat_interval.ERROR"},
		{"POST", "/users", programtest.Object{"username": "x", "password": echo, "role": "emperor"}, 422, ""},
		{"POST", "/users", programtest.Object{"username": "admin", "password": "a long enough password", "role": "viewer"}, 422, "username"},
		{"PUT", "/plugins/email/settings", programtest.Object{"port": echo}, 422, "port"},
		{"PUT", "/plugins/email/settings", programtest.Object{"nosuch": echo}, 422, "nosuch"},
		{"PUT", "/plugins/nosuch/settings", programtest.Object{"x": echo}, 404, ""},
		{"PUT", "/checks", programtest.Object{}, 405, ""},
		{"GET", "/nosuch", nil, 404, ""},
	} {
		what := fmt.Sprintf("%s %s %s", c.method, c.path, programtest.Tail(fmt.Sprintf("%.200s", asText(c.body)), 200))
		status, data, header := m.Ask(c.method, c.path, c.body)
		var p struct {
			Title  string
			Status int
			Errors []struct{ Location, Message, Code string }
		}
		if err := json.Unmarshal(data, &p); err != nil || status != c.status || p.Status != status || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d", what, status, programtest.Tail(string(data), 300), c.status)
			continue
		}
		if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location || p.Errors[0].Message == "" || p.Errors[0].Code == "") {
			t.Errorf("%s: errors %+v, want one at %s", what, p.Errors, c.location)
		}
		if strings.Contains(strings.ReplaceAll(string(data), echo+"x", ""), echo) {
			t.Errorf("%s: the answer echoes a value: %s", what, programtest.Tail(string(data), 300))
		}
	}
	for path, want := range map[string]int{"/checks": 1, "/services": 0, "/users": 1} {
		var page struct{ Items []programtest.Object }
		m.API("GET", path, nil, &page)
		if path == "/services" { // the monitor's own may be there
			kept := page.Items[:0]
			for _, s := range page.Items {
				if s["name"] == echo {
					kept = append(kept, s)
				}
			}
			page.Items = kept
		}
		if path == "/checks" {
			kept := page.Items[:0]
			for _, s := range page.Items {
				if s["plugin"] == "every" {
					kept = append(kept, s)
				}
			}
			page.Items = kept
		}
		if len(page.Items) != want {
			t.Errorf("after refusals %s holds %v", path, page.Items)
		}
	}
}

func asText(body any) string {
	if b, ok := body.([]byte); ok {
		return string(b[:min(len(b), 200)])
	}
	data, _ := json.Marshal(body)
	return string(data)
}
