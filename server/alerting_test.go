package server

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/server/public"
)

// failing makes a service that fails, and returns its id and its incident's.
func (h *house) failing() (service, incident string) {
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	service = h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check.id()}}).id()
	until(h.t, "an incident", func() bool {
		incident, _ = h.admin(200, "GET", "/services/"+service, nil).body["incident"].(string)
		return incident != ""
	})
	return service, incident
}

func TestAcknowledgement(t *testing.T) {
	h := populated(t)
	service, _ := h.failing()
	at := "/services/" + service + "/acknowledgement"
	r := h.as(access.Operator, "PUT", at, m{"comment": "on it"})
	if r.status != 200 || r.body["username"] != "the-operator" || r.body["severity"] != "ERROR" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	begun, _ := time.Parse(time.RFC3339, r.body["at"].(string))
	if ends, _ := time.Parse(time.RFC3339, r.body["expires_at"].(string)); ends.Sub(begun) != 20*time.Minute {
		t.Errorf("it lasts %s", ends.Sub(begun))
	}
	if s := h.admin(200, "GET", "/services/"+service, nil).body["acknowledgement"].(m); s["comment"] != "on it" {
		t.Errorf("the service shows %v", s)
	}
	if r := h.as(access.Operator, "PUT", at, m{"expires_in": nil}); r.status != 200 || r.body["expires_at"] != nil {
		t.Errorf("until recovery: %d %s", r.status, r.text)
	}
	for text, want := range map[string]string{"0s": "min", "1ms": "min", "2": "invalid"} {
		h.as(access.Operator, "PUT", at, m{"expires_in": text}).wantErrors(t, "expires_in "+want)
	}
	if r := h.as(access.Operator, "DELETE", at, nil); r.status != 204 {
		t.Errorf("ended: %d %s", r.status, r.text)
	}
	wantStatus(t, "ended again", h.as(access.Operator, "DELETE", at, nil), 409)
	wantStatus(t, "as viewer", h.as(access.Viewer, "PUT", at, m{}), 403)
	calm := h.admin(201, "POST", "/instances", m{"name": "i"}).id()
	wantStatus(t, "of what does not fail", h.as(access.Operator, "PUT", "/instances/"+calm+"/acknowledgement", m{}), 409)
}

func TestNotesAndTestAlert(t *testing.T) {
	h := populated(t)
	service, incident := h.failing()
	at := "/incidents/" + incident + "/notes"
	for i := range 3 {
		if r := h.as(access.Operator, "POST", at, m{"text": fmt.Sprintf("note %d", i)}); r.status != 201 || r.body["user"] != "the-operator" {
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	h.as(access.Operator, "POST", at, m{"text": " "}).wantErrors(t, "text required")
	if items := h.as(access.Viewer, "GET", at, nil).items(); len(items) != 3 || items[0]["text"] != "note 0" {
		t.Errorf("notes are %v", items)
	}
	if notes := h.admin(200, "GET", "/incidents/"+incident, nil).body["notes"].([]any); len(notes) != 3 {
		t.Errorf("the incident has %v", notes)
	}
	r := h.as(access.Operator, "POST", "/services/"+service+"/test-alert", m{"plugin": "pager"})
	if r.status != 200 || r.body["kind"] != "test" || len(r.body["users"].([]any)) != 1 || r.body["users"].([]any)[0] != h.users[access.Operator].ID {
		t.Errorf("a test answers %d %s", r.status, r.text)
	}
	h.as(access.Operator, "POST", "/services/"+service+"/test-alert", m{"plugin": "probe"}).wantErrors(t, "plugin invalid")
	h.as(access.Operator, "POST", "/services/"+service+"/test-alert", m{}).wantErrors(t, "plugin required")
}

func TestSilences(t *testing.T) {
	h := populated(t)
	service := h.admin(201, "POST", "/services", m{"name": "s"}).id()
	body := m{"services": []string{service}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00+01:00", "comment": "hush", "author": "x"}
	made := h.as(access.Operator, "POST", "/silences", body)
	if made.status != 201 || made.body["author"] != "the-operator" || made.body["active"] != true || made.body["ends_at"] != "2098-12-31T23:00:00Z" {
		t.Fatalf("%d %s", made.status, made.text)
	}
	at := "/silences/" + made.id()
	if r := h.as(access.Operator, "PATCH", at, h.admin(200, "GET", at, nil).body); r.status != 200 || r.body["comment"] != "hush" {
		t.Errorf("sent back unchanged: %d %s", r.status, r.text)
	}
	h.as(access.Operator, "PATCH", at, m{"ends_at": "2025-01-01T00:00:00Z", "rrule": "FREQ=HOURLY"}).wantErrors(t, "ends_at min", "rrule invalid")
	h.as(access.Operator, "POST", "/silences", m{"starts_at": "soon"}).wantErrors(t, "starts_at invalid", "services required", "ends_at required")
	h.as(access.Operator, "POST", "/silences", m{}).wantErrors(t, "services required", "starts_at required", "ends_at required")
	if n := len(h.admin(200, "GET", "/silences?active=true&services="+service, nil).items()); n != 1 {
		t.Errorf("%d silences", n)
	}
	if r := h.as(access.Operator, "DELETE", at, nil); r.status != 204 {
		t.Errorf("deleted: %d", r.status)
	}
}

func TestUptime(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "interval": "1h"}).id()
	until(t, "a result", func() bool { return len(h.admin(200, "GET", "/checks/"+check+"/results", nil).items()) > 0 })
	r := h.as(access.Viewer, "GET", "/checks/"+check+"/uptime", nil)
	if r.status != 200 || r.body["total"].(float64) < 2591999 || r.body["total"].(float64) > 2592001 {
		t.Errorf("%d %s", r.status, r.text)
	}
	h.as(access.Viewer, "GET", "/checks/"+check+"/uptime?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", nil).wantErrors(t, "from max")
	h.as(access.Viewer, "GET", "/checks/"+check+"/uptime?from=x", nil).wantErrors(t, "from invalid")
	wantStatus(t, "of nothing", h.as(access.Viewer, "GET", "/services/nosuch/uptime", nil), 404)
}

func TestPings(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": true, "interval": "1h"})
	_, token, found := strings.Cut(made.body["ping_url"].(string), "/ping/")
	if !found {
		t.Fatalf("ping_url is %v", made.body["ping_url"])
	}
	until(t, "the first run", func() bool { return len(h.admin(200, "GET", "/checks/"+made.id()+"/results", nil).items()) == 1 })
	for _, query := range []string{"/checks/" + made.id(), "/checks", "/checks?ordering=ping_url&limit=1", "/checks/" + made.id() + "/revisions"} {
		if r := h.as(access.Operator, "GET", query, nil); r.status != 200 || strings.Contains(r.text, token) {
			t.Errorf("an operator learns the token: %d %s", r.status, r.text)
		}
	}
	if r := h.admin(200, "GET", "/checks/"+made.id()+"/revisions", nil); strings.Contains(r.text, token) {
		t.Errorf("the history holds the token: %s", r.text)
	}
	tests := []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"GET", "", "", 200, "success 0  0"},
		{"HEAD", "", "", 200, "success 0  0"},
		{"POST", "/start?rid=r1", "hello", 200, "start 0 r1 5"},
		{"PUT", "/log", strings.Repeat("x", 200_000), 200, fmt.Sprintf("log 0  %d", public.MaxPing)},
		{"POST", "/3", "", 200, "exit 3  0"}, {"GET", "/0", "", 200, "exit 0  0"}, {"GET", "/255", "", 200, "exit 255  0"},
		{"POST", "/fail", "broken", 200, "fail 0  6"}, {"GET", "/fail?rid=r2", "", 200, "fail 0 r2 0"},
		{"POST", "/256", "", 404, ""}, {"POST", "/+3", "", 404, ""}, {"POST", "/nosuch", "", 404, ""}, {"DELETE", "", "", 405, ""},
		{"GET", "?rid=" + strings.Repeat("x", 101), "", 400, ""},
	}
	for _, tt := range tests {
		r := h.do("", tt.method, "/ping/"+token+tt.path, tt.body, "Content-Type", "text/plain")
		if r.status != tt.status || tt.status == 200 && tt.method != "HEAD" && r.text != "OK\n" {
			t.Errorf("%s %s answers %d %q", tt.method, tt.path, r.status, r.text)
		}
		if got := h.engine.LatestResult(made.id()).Message; tt.message != "" && got != tt.message {
			t.Errorf("%s %s gives %q, want %q", tt.method, tt.path, got, tt.message)
		}
	}
	long := strings.NewReader(strings.Repeat("x", 2<<20))
	h.server.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/ping/"+token, long))
	if long.Len() != 0 {
		t.Errorf("%d bytes of a long body are left: its sender would see a reset connection", long.Len())
	}
	if r := h.do("", "GET", "/ping/wrong", nil); r.status != 404 {
		t.Errorf("a wrong token answers %d", r.status)
	}
}

// TestPingsAreLimited: a job in a loop is told that its pings are not counted,
// other checks do not feel it, and guesses at tokens are not remembered.
func TestPingsAreLimited(t *testing.T) {
	var offset atomic.Int64
	h := populated(t, func(o *Options) {
		o.Now = func() time.Time { return time.Unix(1e9, 0).Add(time.Duration(offset.Load())) }
	})
	ping := func(name string) func() reply {
		made := h.admin(201, "POST", "/checks", m{"name": name, "plugin": "probe", "config": m{"host": "a"}, "interval": "1h"})
		_, token, _ := strings.Cut(made.body["ping_url"].(string), "/ping/")
		return func() reply { return h.do("", "GET", "/ping/"+token, nil) }
	}
	first, second := ping("first"), ping("second")
	for i := range 10 {
		wantAnswer(t, fmt.Sprintf("ping %d", i), first(), 200)
	}
	for range 3 {
		if r := first(); r.status != 429 || r.header.Get("Retry-After") != "1" || !strings.Contains(r.text, "not counted") {
			t.Errorf("one ping more is answered %d %v %q", r.status, r.header, r.text)
		}
	}
	for range 50 {
		wantAnswer(t, "a wrong token", h.do("", "GET", "/ping/wrong", nil), 404)
	}
	wantAnswer(t, "another check's", second(), 200)
	offset.Store(int64(time.Second))
	wantAnswer(t, "a second later", first(), 200)
	wantAnswer(t, "and at once again", first(), 429)
	if r := h.do(h.tokens[access.Viewer], "GET", "/metrics", nil); !strings.Contains(r.text, "moonwatch_pings_refused_total 4") {
		t.Errorf("the metrics do not say that 4 were refused")
	}
}
