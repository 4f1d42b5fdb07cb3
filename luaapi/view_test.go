package luaapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// fakeMonitor notes what a view asked of it.
type fakeMonitor struct {
	fail  error
	asked []string
}

func (m *fakeMonitor) Service(_ context.Context, id string) (*engine.AlertSnapshot, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	s := *alertCall().Service
	s.Subject.ID, s.Settings = id, form.Values{"room": "#ops"}
	return &s, nil
}

func (m *fakeMonitor) Check(_ context.Context, id string) (*engine.CheckRun, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	in := checkRun("viewer", form.Values{"token": "s3cret-token"})
	in.Check.ID = id
	return in, nil
}

func (m *fakeMonitor) Users(context.Context) ([]engine.UserSnapshot, error) {
	return []engine.UserSnapshot{{ID: "u1", Username: "ada", Settings: form.Values{"alias": "U1"}}, {ID: "u2", Username: "bob"}}, m.fail
}

func (m *fakeMonitor) Acknowledge(_ context.Context, service, username string, o engine.AckOptions) error {
	expires := "20m"
	if o.ExpiresIn != nil {
		expires = o.ExpiresIn.String()
	}
	m.asked = append(m.asked, fmt.Sprintf("%s %s %q %s %s", service, username, o.Comment, o.IncidentKey, expires))
	return m.fail
}

func (m *fakeMonitor) Record(_ context.Context, check string, r engine.RunReport) error {
	m.asked = append(m.asked, fmt.Sprintf("%s %v %v %s %q %q %q %v", check, r.Succeeded, r.Unknown, r.Severity, r.Error, r.Message, r.RawData, r.Metrics))
	return m.fail
}

// viewSource is a check plugin with two views, one of them with the given body.
func viewSource(body string) string {
	return viewPlugin(`config_form = { forms.CharField{ "token", required = false } } }
function P:run(check, result) return result end`, body)
}

// alertViewSource is viewSource for an alert plugin.
func alertViewSource(body string) string {
	return viewPlugin(`user_config_form = { forms.CharField{ "alias", required = false } },
  service_config_form = { forms.CharField{ "room", required = false } } }
function P:send_alert() return true end`, body)
}

func viewPlugin(rest, body string) string {
	return `local forms = require "forms"
local P = { name = "Viewer", slug = "viewer", version = "1",
  settings_form = { forms.CharField{ "secret", required = false, widget = forms.PasswordInput } },
  ` + rest + `
P.urls = {
  { path = "other", view = function() return { body = "other" } end },
  { path = "/hook", methods = { "GET", "POST" }, public = true, view = function(self, request)
` + body + `
  end },
}
return P
`
}

// callView calls the view of a plugin with the given body.
func callView(t *testing.T, body string, change ...func(*engine.ViewCall)) (engine.ViewAnswer, *fakeMonitor, error) {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"viewer.lua": viewSource(body)})
	m := &fakeMonitor{}
	in := &engine.ViewCall{Monitor: m, PublicURL: "https://moon.example", Settings: form.Values{"secret": sealed(t, "viewer", "secret", "hunter22")},
		Request: engine.ViewRequest{Method: "POST", Path: "hook", URL: "https://moon.example/plugins/viewer/hook?a=1", Address: "192.0.2.9",
			Query:   map[string][]string{"a": {"1"}, "b": {"x", "y"}},
			Headers: map[string][]string{"X-Signature": {"one", "two"}, "Content-Type": {"application/x-www-form-urlencoded"}},
			Body:    []byte("name=Ada+L&tag=1&tag=2&raw=%00%ff")}}
	for _, fn := range change {
		fn(in)
	}
	answer, err := plugin(t, rt, "viewer").View(context.Background(), in)
	return answer, m, err
}

func TestViewAnswers(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`return { body = "hi" }`, `200 map[Content-Type:[text/plain; charset=utf-8]] hi`},
		{`return { status = 201, json = { a = 1 } }`, `201 map[Content-Type:[application/json]] {"a":1}`},
		{`return { html = "<b>" }`, `200 map[Content-Type:[text/html; charset=utf-8]] <b>`},
		{`return { status = 204 }`, `204 map[] `},
		{`return { status = 302, headers = { location = "/x" } }`, `302 map[Location:[/x]] `},
		{`return { body = "x", headers = { ["content-type"] = "text/csv", ["X-A"] = { "1", 2 } } }`, `200 map[Content-Type:[text/csv] X-A:[1 2]] x`},
		{`return { json = false }`, `200 map[Content-Type:[application/json]] false`},
		{`return { json = request.query }`, `200 map[Content-Type:[application/json]] {"a":"1","b":["x","y"]}`},
		{`return { body = request.method .. request.url .. request.path .. request.address .. #request.body }`,
			`200 map[Content-Type:[text/plain; charset=utf-8]] POSThttps://moon.example/plugins/viewer/hook?a=1hook192.0.2.933`},
		{`return { body = request.headers["x-signature"] .. tostring(request.headers.absent) .. tostring(request.query.absent) .. tostring(request.user) }`,
			`200 map[Content-Type:[text/plain; charset=utf-8]] one, twonilnilnil`},
		{`local f = request:form() return { body = f.name .. f.tag[2] .. #f.raw .. tostring(f.absent) }`, `200 map[Content-Type:[text/plain; charset=utf-8]] Ada L22nil`},
		{`local v, message, kind = request:json() return { body = tostring(v) .. kind .. type(message) }`, `200 map[Content-Type:[text/plain; charset=utf-8]] nilinvalidstring`},
		{`return { body = self:view_url("hook", { k = "a b" }) .. self.settings.secret }`,
			`200 map[Content-Type:[text/plain; charset=utf-8]] https://moon.example/plugins/viewer/hook?k=a+bhunter22`},
	} {
		answer, _, err := callView(t, tt.body)
		if got := fmt.Sprint(answer.Status, " ", answer.Headers, " ", string(answer.Body)); err != nil || got != tt.want {
			t.Errorf("%s\n got %s, %v\nwant %s", tt.body, got, err, tt.want)
		}
	}
}

func TestViewErrors(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`return`, "the view POST hook returned nil in place of a table { status, headers, body | json | html }"},
		{`return "x"`, "the view POST hook returned text in place of a table { status, headers, body | json | html }"},
		{`return { stauts = 200 }`, "the view POST hook returned a table with an unknown key stauts; did you mean status?"},
		{`return { status = 99 }`, "the view POST hook returned a status that is no whole number from 200 to 599"},
		{`return { status = "200" }`, "the view POST hook returned a status that is no whole number from 200 to 599"},
		{`return { body = "x", html = "y" }`, "the view POST hook returned both body and html"},
		{`return { body = {} }`, "the view POST hook returned body that is a table, not text"},
		{`return { status = 204, body = "x" }`, "the view POST hook returned a body with the status 204, which has none"},
		{`return { json = function() end }`, "the view POST hook returned json that cannot be written: "},
		{`return { headers = { ["set-cookie"] = "a=b" } }`, "the view POST hook returned the header Set-Cookie, which is not a view's to set"},
		{`return { headers = { ["content-security-policy"] = "" } }`, "the view POST hook returned the header Content-Security-Policy, which is not a view's to set"},
		{`return { headers = { A = "x\r\nB: y" } }`, "the view POST hook returned the header A with a value that is none"},
		{`return { headers = { ["A B"] = "x" } }`, "the view POST hook returned headers with a name that is none: A B"},
		{`return { headers = "x" }`, "the view POST hook returned headers that are text, not a table"},
		{`error("broken by " .. self.settings.secret)`, "viewer.lua:9: broken by ***"},
		{`local x = request.bdoy`, "viewer.lua:9: request has no field 'bdoy'; did you mean 'body'?"},
		{`request.body = "x"`, "viewer.lua:9: request is read-only: 'body' cannot be set"},
		{`local x = request.monitor.servce`, "viewer.lua:9: request.monitor has no field 'servce'; did you mean 'service'?"},
		{`request.monitor.record("c1", { succeded = true })`, "viewer.lua:9: bad argument #2 to request.monitor.record: unknown option 'succeded'; did you mean 'succeeded'?"},
		{`request.monitor.record("c1", { severity = "BAD" })`, `viewer.lua:9: bad argument #2 to request.monitor.record: severity must be "WARNING", "ERROR" or "CRITICAL"`},
		{`request.monitor.record("c1", { metrics = { 1 } })`, "viewer.lua:9: bad argument #2 to request.monitor.record: metrics must be an array"},
		{`request.monitor.acknowledge("s1")`, "viewer.lua:9: bad argument #2 to request.monitor.acknowledge: username must be text, got nil"},
		{`request.monitor.acknowledge("s1", "ada", "x", { expires_in = -1 })`, "viewer.lua:9: bad argument #4 to request.monitor.acknowledge: expires_in must be from 0"},
	} {
		_, _, err := callView(t, tt.body)
		var failed *engine.ViewError
		if !errors.As(err, &failed) || !strings.HasPrefix(failed.Message, tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.body, err, tt.want)
		}
	}
}

func TestViewMultipart(t *testing.T) {
	answer, _, err := callView(t, `local f = request:form() return { body = f.a .. "|" .. f.b }`, func(in *engine.ViewCall) {
		in.Request.Headers["Content-Type"] = []string{"multipart/form-data; boundary=xx"}
		in.Request.Body = []byte("--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xx\r\n" +
			"Content-Disposition: form-data; name=\"b\"; filename=\"f\"\r\n\r\ntwo\r\n--xx--\r\n")
	})
	if err != nil || string(answer.Body) != "one|two" {
		t.Errorf("got %s, %v", answer.Body, err)
	}
	answer, _, err = callView(t, `local f, message, kind = request:form() return { body = kind }`, func(in *engine.ViewCall) {
		in.Request.Headers["Content-Type"] = []string{"multipart/form-data"}
	})
	if err != nil || string(answer.Body) != "invalid" {
		t.Errorf("without a boundary: got %s, %v", answer.Body, err)
	}
}

func TestViewWithoutPublicURL(t *testing.T) {
	answer, _, err := callView(t, `local url, message = self:view_url("hook") return { body = tostring(url) .. ": " .. message }`,
		func(in *engine.ViewCall) { in.PublicURL = "" })
	if want := "nil: the site has no public address"; err != nil || string(answer.Body) != want {
		t.Errorf("got %s, %v, want %s", answer.Body, err, want)
	}
}

func TestViewMonitor(t *testing.T) {
	answer, m, err := callView(t, `
	local m, out = request.monitor, {}
	local s = m.service("s9")
	out[#out + 1] = s.id .. s.name .. s.incident_key .. s:all_failing_checks()[1].name
	local c = m:check("c7")
	out[#out + 1] = c.id .. c.name .. c.token .. c.config.token .. tostring(c.last_result)
	local users = m.users()
	out[#out + 1] = users[1].username .. #users
	out[#out + 1] = tostring(m.acknowledge("s9", "ada", "on it", { incident_key = "K-1", expires_in = 0 }))
	out[#out + 1] = tostring(m:acknowledge("s9", "bob"))
	out[#out + 1] = tostring(m.record("c7", { error = "is down", severity = "CRITICAL", raw_data = "r", metrics = { { name = "n", value = 3, unit = "s" }, bad = 0 / 0 } }))
	m.record("c7", { succeeded = true, unknown = true, message = "m", metrics = { depth = 2 } })
	return { body = table.concat(out, " ") }`)
	if want := "s9ShopK-1left leg c7left legs3cret-tokens3cret-tokennil ada2 true true true"; err != nil || string(answer.Body) != want {
		t.Errorf("got %s, %v\nwant %s", answer.Body, err, want)
	}
	want := []string{`s9 ada "on it" K-1 0s`, `s9 bob ""  20m`, `c7 false false CRITICAL "is down" "" "r" [{n 3 s <nil> <nil> <nil> <nil>}]`,
		`c7 false true  "" "m" "" [{depth 2  <nil> <nil> <nil> <nil>}]`}
	if strings.Join(m.asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(m.asked, "\n"), strings.Join(want, "\n"))
	}
}

func TestViewMonitorRefuses(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"viewer.lua": viewSource(`
	local out = {}
	for _, answer in ipairs{ { request.monitor.service("s") }, { request.monitor.check("c") }, { request.monitor.users() },
		{ request.monitor.acknowledge("s", "u", "c") }, { request.monitor.record("c", {}) } } do
		out[#out + 1] = tostring(answer[1]) .. " " .. answer[2] .. " " .. answer[3]
	end
	return { body = table.concat(out, "|") }`)})
	in := &engine.ViewCall{Request: engine.ViewRequest{Method: "GET", Path: "hook"},
		Monitor: &fakeMonitor{fail: &engine.MonitorError{Kind: engine.MonitorDenied, Message: "no"}}}
	answer, err := plugin(t, rt, "viewer").View(context.Background(), in)
	if want := strings.TrimSuffix(strings.Repeat("nil no denied|", 5), "|"); err != nil || string(answer.Body) != want {
		t.Errorf("got %s, %v", answer.Body, err)
	}
	in.Monitor = nil
	if _, err := plugin(t, rt, "viewer").View(context.Background(), in); err == nil || !strings.Contains(err.Error(), "request.monitor cannot be used here") {
		t.Errorf("without a monitor: %v", err)
	}
}

func TestViewUsersSettings(t *testing.T) {
	source := alertViewSource(`
	return { body = request.user.username .. request.user.viewer_settings.alias .. request.monitor.users()[1].viewer_settings.alias ..
		request.monitor.service("s1").viewer_settings.room }`)
	rt := newTestRuntime(t, map[string]string{"viewer.lua": source})
	answer, err := plugin(t, rt, "viewer").View(context.Background(), &engine.ViewCall{Monitor: &fakeMonitor{}, Request: engine.ViewRequest{Method: "GET", Path: "hook",
		User: &engine.UserSnapshot{ID: "u9", Username: "eve", Settings: form.Values{"alias": "U9"}}}})
	if want := "eveU9U1#ops"; err != nil || string(answer.Body) != want {
		t.Errorf("got %s, %v, want %s", answer.Body, err, want)
	}
}

func TestViewTimesOut(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"viewer.lua": viewSource(`pcall(function() while true do end end) return { body = "x" }`)})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := plugin(t, rt, "viewer").View(ctx, &engine.ViewCall{Request: engine.ViewRequest{Method: "GET", Path: "hook"}})
	var failed *engine.ViewError
	if !errors.As(err, &failed) || failed.Message != "timed out after 100ms" {
		t.Errorf("got %v", err)
	}
}

func TestViewRoutes(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"viewer.lua": viewSource(`return {}`)})
	want := "[{other [GET] false viewer} {hook [GET POST] true viewer}]"
	if got := fmt.Sprint(plugin(t, rt, "viewer").Views()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := plugin(t, rt, "viewer").View(context.Background(), &engine.ViewCall{Request: engine.ViewRequest{Method: "PUT", Path: "hook"}}); err == nil {
		t.Error("a method without a view was answered")
	}
}
