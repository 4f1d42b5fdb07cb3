package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/api"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
	"moonwatch/storage/storagetest"
)

// fakePlugins is a registry that keeps what is written to it.
type fakePlugins struct {
	*enginetest.Plugins
	mu      sync.Mutex                     // guards sources
	sources map[string]engine.PluginSource // that were written
	keep    engine.PluginSources           // where they are kept
}

// plugin is the plugin of a slug.
func (p *fakePlugins) plugin(slug string) *enginetest.Plugin {
	e, _ := p.Plugin(slug)
	return e.Plugin.(*enginetest.Plugin)
}

// probe passes unless the config says fail.
func probe(_ context.Context, in *engine.CheckRun) engine.RunReport {
	if in.Check.Config["host"] == "down" {
		return engine.RunReport{Error: "is down"}
	}
	return engine.RunReport{Succeeded: true, Message: "fine", Metrics: []engine.Metric{{Name: "count", Value: 3}}}
}

func echo(_ context.Context, _ *engine.CheckRun, in *engine.Ping) engine.RunReport {
	return engine.RunReport{Succeeded: in.Code == 0, Message: fmt.Sprintf("%s %d %s %d", in.Kind, in.Code, in.RunID, len(in.Body))}
}

func nobodyAnswers(context.Context, *engine.AlertCall) engine.AlertReport {
	return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "nobody answers", NoRetry: true}
}

func newFakePlugins() *fakePlugins {
	nine := 9.0
	asks := func(*engine.CheckRun) string { return "asks" }
	check := &enginetest.Plugin{OnRun: probe, OnPing: echo, OnDescribe: asks, Info: engine.PluginMeta{Slug: "probe", Name: "Probe", Kind: engine.CheckPlugin, Version: "0.0.1", Author: "Ada", File: "probe.lua",
		Hash: "a", HasPing: true, Variables: []string{"PROBE_SET", "PROBE_UNSET"}, Forms: map[engine.FormName]form.Form{
			engine.ConfigForm: {Fields: []form.Field{
				{Type: form.Char, Name: "host", Required: true},
				{Type: form.Integer, Name: "count", Initial: 3.0, MaxValue: &nine},
				{Type: form.Char, Name: "password", Widget: "PasswordInput"},
			}},
			engine.SettingsForm: {Fields: []form.Field{
				{Type: form.Char, Name: "greeting", Initial: "hello"},
				{Type: form.Char, Name: "key", Widget: "PasswordInput"},
			}},
		}}}
	alert := &enginetest.Plugin{OnAlert: nobodyAnswers, Info: engine.PluginMeta{Slug: "pager", Name: "Pager", Kind: engine.AlertPlugin, Version: "1.0", Channel: "chat", Hash: "b",
		Forms: map[engine.FormName]form.Form{
			engine.UserConfigForm:    {Fields: []form.Field{{Type: form.Char, Name: "number"}, {Type: form.Char, Name: "pin", Widget: "PasswordInput"}}},
			engine.ServiceConfigForm: {Fields: []form.Field{{Type: form.Char, Name: "room"}}},
		}}}
	return &fakePlugins{Plugins: enginetest.NewPlugins(
		engine.PluginEntry{Plugin: check, Slug: "probe", File: "probe.lua", LoadedAt: time.Now()},
		engine.PluginEntry{Plugin: alert, Slug: "pager", File: "shipped:pager.lua", Shipped: true},
		engine.PluginEntry{Slug: "broken", File: "broken.lua", Problem: &engine.PluginProblem{
			Message: "unexpected end", File: "broken.lua", Line: 7}},
	)}
}

// calendars fetches a calendar in which the-viewer has the duty for some days;
// below /down nothing answers.
type calendars struct{}

func (calendars) Fetch(_ context.Context, url string, _ int64) ([]byte, error) {
	if strings.HasSuffix(url, "/down") {
		return nil, errors.New("nobody answers")
	}
	day := time.Now().UTC().AddDate(0, 0, -1).Format("20060102")
	return []byte(strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:a\nDTSTART:"+day+"T000000Z\nDURATION:P3D\n"+
		"SUMMARY:the-viewer\nEND:VEVENT\nEND:VCALENDAR\n", "\n", "\r\n")), nil
}

// calendar is the address of a calendar that can be read.
func (h *house) calendar() string { return "https://calendar.example.org/duty.ics" }

// house is a monitor with its server, over the in-memory store.
type house struct {
	t       *testing.T
	store   *storagetest.Memory
	engine  *monitor.Monitor
	plugins *fakePlugins
	server  *Server
	options Options // of the server
	web     *httptest.Server
	users   map[access.Role]engine.User
	tokens  map[access.Role]string
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func init() { access.HashCheaply() }

// newHouse builds a monitor with a user and a token of each role.
func newHouse(t *testing.T, change ...func(*Options)) *house {
	t.Helper()
	h := &house{t: t, store: storagetest.NewMemory(), plugins: newFakePlugins(), users: map[access.Role]engine.User{}, tokens: map[access.Role]string{}}
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.Logger, o.StopTime = h.store, enginetest.PlainSealer{}, quiet, 2*time.Second
	o.Fetcher = calendars{}
	var err error
	if h.engine, err = monitor.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.engine.Stop)
	if err := h.engine.Start(t.Context(), h.plugins); err != nil {
		t.Fatal(err)
	}
	so := Options{Engine: h.engine, Logger: quiet, Version: "1.2.3", Open: enginetest.PlainSealer{}.Open,
		Backup:    func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "all of it"); return err },
		LookupEnv: func(name string) (string, bool) { return "", name == "PROBE_SET" },
		limits:    auth.DefaultLimits(), patience: rest.DefaultPatience(), pace: api.DefaultPace(), bodies: new(rest.Budget)}
	for _, fn := range change {
		fn(&so)
	}
	h.options = so
	if h.server, err = New(so); err != nil {
		t.Fatal(err)
	}
	h.web = httptest.NewUnstartedServer(nil)
	h.web.Config = h.server.HTTP(h.server.Handler())
	h.web.Start()
	t.Cleanup(h.web.Close)
	return h
}

// populated is newHouse with a user and a token of each role.
func populated(t *testing.T, change ...func(*Options)) *house {
	t.Helper()
	h := newHouse(t, change...)
	for _, role := range access.Roles() {
		u := engine.NewUser()
		u.Username, u.Role = "the-"+string(role), role
		saved, err := h.engine.Users.SaveUser(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, u, "", "")
		if err != nil {
			t.Fatal(err)
		}
		h.users[role] = *saved
		secret, _, err := h.engine.Tokens.CreateToken(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, engine.Token{Name: "t", User: saved.ID})
		if err != nil {
			t.Fatal(err)
		}
		h.tokens[role] = secret
	}
	return h
}

// reply is an answer as tests look at it.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any // nil unless the answer is a JSON object
}

// do sends a request; body may be nil, a string that is sent as it is, or
// anything that is sent as JSON.
func (h *house) do(token, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.web.URL+path, reader)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, text: string(data)}
	json.Unmarshal(data, &out.body)
	return out
}

// as sends a request to the API with the token of a role.
func (h *house) as(role access.Role, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	return h.do(h.tokens[role], method, rest.Root+path, body, headers...)
}

// admin sends a request to the API as an admin, and wants a status.
func (h *house) admin(want int, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	r := h.as(access.Admin, method, path, body, headers...)
	if r.status != want {
		h.t.Fatalf("%s %s = %d, want %d: %s", method, path, r.status, want, r.text)
	}
	return r
}

// items are the items of a list.
func (r reply) items() []map[string]any {
	var out []map[string]any
	list, _ := r.body["items"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		out = append(out, m)
	}
	return out
}

// errors are "location code" of each complaint.
func (r reply) errors() []string {
	var out []string
	list, _ := r.body["errors"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		out = append(out, m["location"].(string)+" "+m["code"].(string))
	}
	return out
}

func (r reply) id() string { id, _ := r.body["id"].(string); return id }

// wantErrors wants a 422 with exactly these complaints.
func (r reply) wantErrors(t *testing.T, want ...string) {
	t.Helper()
	if r.status != http.StatusUnprocessableEntity || !slices.Equal(r.errors(), want) {
		t.Errorf("answered %d %v, want 422 %v: %s", r.status, r.errors(), want, r.text)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type is %q", got)
	}
}

// until waits for something to become true.
func until(t *testing.T, what string, probe func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !probe(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

type m = map[string]any
