package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/storage/storagetest"
)

// nasty is what every text that somebody else supplies is made of.
const nasty = `<script>alert("x")</script>'"&{{.}}</textarea>`

// probe fails when its host is "down" and speaks nastily of everything.
func probe(_ context.Context, in *engine.CheckRun) engine.RunReport {
	warn := 4.0
	r := engine.RunReport{Succeeded: true, Message: "fine " + nasty, RawData: "raw " + nasty, Traceback: "trace " + nasty,
		Metrics: []engine.Metric{{Name: "metric " + nasty, Value: 3, Unit: "u" + nasty, Warn: &warn}, {Name: "dns", Value: 0.002, Unit: "s"}},
		Log:     []engine.LogLine{{At: time.Now(), Level: "warn", Message: "log " + nasty}}}
	if in.Check.Config["host"] == "down" {
		r.Succeeded, r.Error = false, "is down "+nasty
	}
	if in.Check.Config["host"] == "dark" {
		r.Succeeded, r.Unknown, r.Cause, r.Error = false, true, engine.CausePlugin, "cannot tell "+nasty
	}
	return r
}

func looks(*engine.CheckRun) string { return "looks " + nasty }

func nobodyAnswers(context.Context, *engine.AlertCall) engine.AlertReport {
	return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "nobody answers " + nasty, NoRetry: true,
		Sent: []engine.Message{{Title: "title " + nasty, Text: "the door is shut " + nasty}},
		Log:  []engine.LogLine{{At: time.Now(), Level: "error", Message: "alert log " + nasty}}}
}

// everyField is a form with a field of every type.
func everyField() form.Form {
	ten := 10.0
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "host", Required: true, HelpText: "help " + nasty, Placeholder: "place " + nasty},
		{Type: form.Char, Name: "long", Widget: "Textarea"},
		{Type: form.Char, Name: "secret", Widget: "PasswordInput"},
		{Type: form.Integer, Name: "whole", Label: "Whole " + nasty, Initial: 3.0, MinValue: ownform.Limit(1), MaxValue: &ten, Unit: "pieces"},
		{Type: form.Float, Name: "real"},
		{Type: form.Boolean, Name: "flag", Initial: true},
		{Type: form.ChoiceOne, Name: "kind", Required: true, Initial: "a", Choices: []form.Choice{{Value: "a", Label: "Kind A"}, {Value: "b", Label: "Kind " + nasty}}},
		{Type: form.ChoiceOne, Name: "radio", Required: true, Initial: "x", Widget: "RadioSelect", Choices: []form.Choice{{Value: "x", Label: "X"}, {Value: "y", Label: "Y"}}},
		{Type: form.ChoiceMany, Name: "many", Choices: []form.Choice{{Value: "1", Label: "One"}, {Value: "2", Label: "Two"}}},
		{Type: form.Char, Name: "only_b", Required: true, ShowIf: map[string][]any{"kind": {"b"}}},
		{Type: form.URL, Name: "url", Group: "Net " + nasty},
		{Type: form.Email, Name: "email", Group: "Net " + nasty},
		{Type: form.Host, Name: "other_host", Group: "Net " + nasty},
		{Type: form.Port, Name: "port", Group: "Net " + nasty},
		{Type: form.GenericIPAddress, Name: "ip"},
		{Type: form.Slug, Name: "slug"},
		{Type: form.Regex, Name: "re", Regex: "^a+$"},
		{Type: form.Pattern, Name: "pattern"},
		{Type: form.DurationType, Name: "span", Initial: "30s"},
		{Type: form.DateTime, Name: "at"},
		{Type: form.JSON, Name: "json"},
		{Type: form.KeyValue, Name: "headers"},
		{Type: form.KeyValue, Name: "hidden_headers", Widget: "PasswordInput"},
		{Type: form.Char, Name: "fixed", Initial: "stays", Disabled: true},
		{Type: form.Char, Name: "old", Deprecated: "use host"},
		{Type: form.List, Name: "rows", Fields: []form.Field{{Type: form.Char, Name: "name", Required: true}, {Type: form.Port, Name: "port", Initial: 80.0},
			{Type: form.Boolean, Name: "on", Initial: true}, {Type: form.Char, Name: "password", Widget: "PasswordInput"}}},
	}}
}

func newFakePlugins() *enginetest.Plugins {
	check := &enginetest.Plugin{OnRun: probe, OnDescribe: looks, Info: engine.PluginMeta{Slug: "probe", Name: "Probe " + nasty, Kind: engine.CheckPlugin, Version: "0.0.1", Author: "Ada " + nasty, Summary: "Probes " + nasty,
		File: "probe.lua", Hash: "a", FontIcon: "fa fa-globe", Homepage: "javascript:alert(1)", License: nasty, Variables: []string{"PROBE_SET", "PROBE_UNSET"},
		Forms: map[engine.FormName]form.Form{engine.ConfigForm: everyField(),
			engine.SettingsForm: {Fields: []form.Field{{Type: form.Char, Name: "do", Required: true}, {Type: form.Char, Name: "key", Widget: "PasswordInput"}}}}}}
	alert := &enginetest.Plugin{OnAlert: nobodyAnswers, Info: engine.PluginMeta{Slug: "pager", Name: "Pager " + nasty, Kind: engine.AlertPlugin, Version: "1.0", Channel: "chat", Hash: "b",
		Forms: map[engine.FormName]form.Form{
			engine.UserConfigForm:    {Fields: []form.Field{{Type: form.Char, Name: "number", Required: true}, {Type: form.Char, Name: "pin", Widget: "PasswordInput"}}},
			engine.ServiceConfigForm: {Fields: []form.Field{{Type: form.Char, Name: "room", Required: true}, {Type: form.Char, Name: "code", Widget: "PasswordInput"}}},
		}}}
	return enginetest.NewPlugins(
		engine.PluginEntry{Slug: "broken", File: "broken.lua", Problem: &engine.PluginProblem{Message: "unexpected end " + nasty, File: "broken.lua", Line: 3},
			Problems: []engine.PluginProblem{{Message: "unexpected end " + nasty, File: "broken.lua", Line: 3}}},
		engine.PluginEntry{Plugin: alert, Slug: "pager", File: "shipped:pager.lua", Shipped: true, LoadedAt: time.Now()},
		engine.PluginEntry{Plugin: check, Slug: "probe", File: "probe.lua", LoadedAt: time.Now(), Warnings: []engine.PluginProblem{{Message: "a warning " + nasty}}},
	)
}

// house is a monitor with its pages, over the in-memory store.
type house struct {
	t       testing.TB
	store   engine.Store
	engine  *monitor.Monitor
	plugins *enginetest.Plugins
	web     *Web
	router  *mux.Router
	users   map[access.Role]engine.User
	tries   int  // to log in that are left
	feed    feed // what every calendar's address answers
}

// feed answers every address with its text, "" with an error.
type feed struct {
	mu   sync.Mutex // guards text
	text string
}

func (f *feed) Fetch(context.Context, string, int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text == "" {
		return nil, errors.New("nobody answers")
	}
	return []byte(f.text), nil
}

func (f *feed) set(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

// newHouse builds a monitor without anything in it.
func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOver(t, storagetest.NewMemory())
}

func newHouseOver(t testing.TB, store engine.Store) *house {
	t.Helper()
	h := &house{t: t, store: store, plugins: newFakePlugins(), users: map[access.Role]engine.User{}, tries: 3}
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.StopTime = h.store, enginetest.PlainSealer{}, 2*time.Second
	o.Logger, o.Fetcher = newDiscard(), &h.feed
	var err error
	if h.engine, err = monitor.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.engine.Stop)
	if err := h.engine.Start(t.Context(), h.plugins); err != nil {
		t.Fatal(err)
	}
	h.web, err = New(frame.Options{Engine: h.engine, Version: "1.2.3", PluginDir: "/plugins",
		Sessions: fakeSessions{h},
		Source:   func(file string) ([]byte, error) { return []byte("one\ntwo\nthree " + nasty + "\nfour\n"), nil },
		Env:      func(name string) (string, bool) { return "value of the environment", name == "PROBE_SET" },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.router = mux.NewRouter()
	h.web.Register(h.router)
	h.router.NotFoundHandler, h.router.MethodNotAllowedHandler = h.web.NotFound(), h.web.MethodNotAllowed()
	return h
}

// peopled is newHouse with a user of each role. They have no passwords, to hash
// which takes long: pages know them by a header.
func peopled(t testing.TB) *house {
	t.Helper()
	h := newHouse(t)
	h.people("")
	return h
}

// people adds a user of each role with a password, or "" for none.
func (h *house) people(password string) {
	t := h.t
	t.Helper()
	for _, role := range access.Roles() {
		u := engine.NewUser()
		u.Username, u.Role, u.FirstName = "the-"+string(role), role, nasty
		saved, err := h.engine.Users.SaveUser(t.Context(), testAdmin(), u, password, "")
		if err != nil {
			t.Fatal(err)
		}
		h.users[role] = *saved
	}
}

func testAdmin() engine.Actor { return engine.Actor{Name: "test", Role: access.Admin} }

// furnished is peopled with one of everything, named nastily, and something broken.
func furnished(t testing.TB) *house {
	t.Helper()
	h := peopled(t)
	h.furnish()
	return h
}

func (h *house) furnish() {
	t := h.t
	t.Helper()
	down, dark, up := h.check("down "+nasty, "down"), h.check("dark "+nasty, "dark"), h.check("up "+nasty, "up")
	s := engine.NewService()
	s.Name, s.URL, s.RunbookLink, s.Tags = "Shop "+nasty, "https://shop.example.org/", "https://runbook.example.org/", []string{nasty}
	s.StatusChecks, s.UsersToNotify = []string{down, up}, []string{h.users[access.Admin].ID}
	s.Alerts = []engine.AlertChoice{{Plugin: "pager", Settings: form.Values{"room": "room " + nasty, "code": "hush-hush"}}}
	i := engine.NewInstance()
	i.Name, i.Address, i.StatusChecks = "box "+nasty, nasty, []string{dark}
	savedI, err := h.engine.Targets.SaveInstance(t.Context(), testAdmin(), i)
	if err != nil {
		t.Fatal(err)
	}
	s.Instances = []string{savedI.ID}
	savedS, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{down, dark, up} {
		if _, err := h.engine.RunCheck(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	h.rotaAndSilences(savedS.ID, savedI.ID, up)
	if _, _, err := h.engine.Tokens.CreateToken(t.Context(), testAdmin(), engine.Token{Name: "token " + nasty, User: h.users[access.Admin].ID}); err != nil {
		t.Fatal(err)
	}
	h.until("a delivery is given up", func() bool {
		list, err := h.engine.Incidents.Deliveries(t.Context(), alert.DeliveryQuery{State: engine.DeliveryDead})
		return err == nil && len(list) > 0
	})
	h.until("the incident is there", func() bool {
		v, err := h.engine.Targets.Service(savedS.ID)
		return err == nil && v.Incident != nil
	})
	incidents, err := h.engine.Incidents.Incidents(t.Context(), alert.IncidentQuery{})
	if err != nil || len(incidents) == 0 {
		t.Fatal("there is no incident", err)
	}
	if _, err := h.engine.Incidents.AddNote(t.Context(), testAdmin(), incidents[0].ID, "note "+nasty); err != nil {
		t.Fatal(err)
	}
}

// rotaAndSilences saves a rota with a turn and a swap, and a silence that holds,
// one that comes again and again, and one that is over.
func (h *house) rotaAndSilences(service, instance, check string) {
	t := h.t
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	r := engine.NewRota()
	r.Name, r.FallbackUser = "Nights "+nasty, h.users[access.Admin].ID
	r.Rotation = &engine.RotaRotation{Members: []string{h.users[access.Admin].ID, h.users[access.Editor].ID}, Every: "1w", Starts: now.AddDate(0, 0, -10).Format("2006-01-02") + "T09:00"}
	r.Overrides = []engine.RotaOverride{{User: h.users[access.Viewer].ID, Start: now.Add(24 * time.Hour), End: now.Add(30 * time.Hour)}}
	saved, err := h.engine.Rotas.SaveRota(t.Context(), testAdmin(), r)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.engine.Targets.StoredService(service)
	if err != nil {
		t.Fatal(err)
	}
	s.Rotas, s.IsPublic = []string{saved.ID}, true
	s.Escalation = []engine.EscalationStep{{After: engine.Duration(15 * time.Minute), Rotas: []string{saved.ID}, Users: []string{h.users[access.Editor].ID}, Plugins: []string{"pager"}}}
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), s); err != nil {
		t.Fatal(err)
	}
	for _, one := range []engine.Silence{
		{Instances: []string{instance}, StartsAt: now.Add(-time.Minute), EndsAt: now.Add(time.Hour), Comment: "holds " + nasty, Maintenance: true},
		{Checks: []string{check}, Tags: []string{"x" + nasty}, StartsAt: now.Add(time.Hour), EndsAt: now.Add(2 * time.Hour), Comment: "comes " + nasty, RRule: "FREQ=WEEKLY"},
		{Tags: []string{"y"}, StartsAt: now.Add(-3 * time.Hour), EndsAt: now.Add(-2 * time.Hour), Comment: "was " + nasty},
	} {
		if _, err := h.engine.Silences.SaveSilence(t.Context(), testAdmin(), one); err != nil {
			t.Fatal(err)
		}
	}
}

// check saves a check of the probe and returns its id.
func (h *house) check(name, host string) string {
	h.t.Helper()
	c := engine.NewCheck()
	c.Name, c.Plugin, c.Tags = name, "probe", []string{nasty}
	c.Interval = engine.Duration(365 * 24 * time.Hour) // runs when it is asked to
	c.Config = form.Values{"host": host, "secret": "hush-hush", "rows": []any{map[string]any{"name": "row " + nasty, "password": "hush-hush"}}}
	saved, err := h.engine.Checks.SaveCheck(h.t.Context(), testAdmin(), c)
	if err != nil {
		h.t.Fatal(err)
	}
	return saved.ID
}

func (h *house) until(what string, done func() bool) {
	h.t.Helper()
	for end := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(end) {
			h.t.Fatalf("%s: not in time", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// reply is an answer as tests look at it.
type reply struct {
	status int
	header http.Header
	text   string
}

func (h *house) send(role access.Role, r *http.Request) reply {
	h.t.Helper()
	r.Header.Set("X-As", string(role))
	rec := httptest.NewRecorder()
	h.router.ServeHTTP(rec, r)
	body, _ := io.ReadAll(rec.Body)
	return reply{rec.Code, rec.Header(), string(body)}
}

func (h *house) get(role access.Role, path string) reply {
	h.t.Helper()
	return h.send(role, httptest.NewRequestWithContext(h.t.Context(), "GET", path, nil))
}

// post sends a form: pairs of name and value.
func (h *house) post(role access.Role, path string, pairs ...string) reply {
	h.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(h.t.Context(), "POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(role, r)
}

// want fails unless the answer has the status and holds all texts.
func (r reply) want(t testing.TB, status int, texts ...string) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status is %d, want %d: %s", r.status, status, mainOf(r.text))
	}
	for _, text := range texts {
		if !strings.Contains(r.text, text) {
			t.Errorf("the page does not hold %q: %s", text, mainOf(r.text))
		}
	}
	return r
}

// without fails when the answer holds one of the texts.
func (r reply) without(t testing.TB, texts ...string) reply {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(r.text, text) {
			t.Errorf("the page holds %q", text)
		}
	}
	return r
}

// mainOf is a page without its frame.
func mainOf(text string) string {
	_, text, _ = strings.Cut(text, "<main")
	text, _, _ = strings.Cut(text, "</main>")
	return text
}

// fakeSessions knows callers by a header, and counts attempts in the house.
type fakeSessions struct{ h *house }

func (f fakeSessions) Login(w http.ResponseWriter, r *http.Request, u *engine.User) error {
	w.Header().Set("X-Logged-In", u.Username)
	return nil
}

func (f fakeSessions) Logout(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("X-Logged-Out", "yes")
	return nil
}

func (f fakeSessions) Caller(r *http.Request) (*engine.User, *engine.Session, bool) {
	u, ok := f.h.users[access.Role(r.Header.Get("X-As"))]
	if !ok {
		return nil, nil, false
	}
	u, err := f.h.engine.Users.StoredUser(u.ID)
	return &u, nil, err == nil
}

func (f fakeSessions) SetUp(ctx context.Context, token, username, email, password string) (*engine.User, error) {
	if token != "right" {
		return nil, &engine.Error{Kind: engine.Forbidden, Message: "this is not the secret of the set-up link"}
	}
	u := engine.NewUser()
	u.Username, u.Email = username, email
	return f.h.engine.Users.SetUp(ctx, u, password)
}

func (f fakeSessions) IsSetUpToken(token string) bool { return token == "right" }

func (f fakeSessions) AllowLogin(*http.Request, string) (bool, time.Duration) {
	f.h.tries--
	return f.h.tries >= 0, time.Minute
}

func (f fakeSessions) Guard(context.Context) (func(), error) { return func() {}, nil }
