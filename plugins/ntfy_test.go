package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

func TestNtfy(t *testing.T) {
	b, ntfy := newReceiver(t, reply{status: 200, body: `{"id":"x","time":1,"event":"message","topic":"shop"}`})
	a := alert{
		event: firing(), settings: map[string]any{"token": "tk_secret-1", "topic": "all"}, service: map[string]any{"topic": "shop"},
		users:    []engine.UserSnapshot{b.user("ntfy", "ada", map[string]any{"topic": "ada-1"}), b.user("ntfy", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("ntfy", "eve", map[string]any{"topic": "ada-1"})},
	}
	sent := b.mustSend("ntfy", a)
	got := ntfy.requests()
	if len(got) != 2 || !reflect.DeepEqual(sent, []string{"ada", "eve"}) {
		t.Fatalf("got %d requests, reached %v", len(got), sent)
	}
	if first := decode(t, got[0].Body); first["topic"] != "ada-1" {
		t.Errorf("got %v, want the users' topic first", first)
	}
	req, body := ntfy.last()
	if req.Method != "POST" || req.URL != "https://ntfy.sh/" && req.URL != "https://ntfy.sh" || req.Header.Get("Authorization") != "Bearer tk_secret-1" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"topic": "shop", "title": "Shop <1>: CRITICAL", "message": "front & page: Wrong code: got 500 (expected 200)", "tags": []any{"rotating_light"}, "priority": 5.0,
		"click": "https://moon.example/services/s1", "actions": []any{map[string]any{"action": "view", "label": "Runbook", "url": "https://wiki.example/shop"}},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		title    string
		priority float64
		requests int
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Shop <1>: ERROR", 4, 2},
		{of(engine.AlertUpdate, engine.StatusWarning), "Shop <1>: WARNING", 2, 1},
		{of(engine.AlertDeescalation, engine.StatusWarning), "Shop <1>: WARNING", 2, 1},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "Shop <1> was acknowledged", 2, 2},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "Shop <1> is no longer acknowledged", 2, 2},
		{of(engine.AlertTest, engine.StatusPassing), "Test: Shop <1> is back to normal", 3, 2},
		{recovery(), "Shop <1> is back to normal", 3, 2},
	} {
		ntfy.answer(reply{status: 200})
		a.event = tt.event
		b.mustSend("ntfy", a)
		_, body = ntfy.last()
		if body["title"] != tt.title || body["priority"] != tt.priority || len(ntfy.requests()) != tt.requests {
			t.Errorf("%s: got %v in %d requests, want %q at %v in %d", tt.event.Kind, body, len(ntfy.requests()), tt.title, tt.priority, tt.requests)
		}
	}
}

// TestNtfyRetry holds that a further attempt goes only where the first did not arrive.
func TestNtfyRetry(t *testing.T) {
	b, ntfy := newReceiver(t, reply{status: 200}, reply{status: 500}, reply{status: 200})
	a := alert{event: firing(), service: map[string]any{"topic": "shop"}, users: []engine.UserSnapshot{
		b.user("ntfy", "ada", map[string]any{"topic": "ada-1"}), b.user("ntfy", "bob", map[string]any{"topic": "bob-1"})}}
	report, sent := b.send("ntfy", a)
	if report.Outcome != engine.OutcomeFailed || report.Why != "ntfy answered 500" || !reflect.DeepEqual(sent, []string{"ada"}) || len(ntfy.requests()) != 3 {
		t.Fatalf("got %+v, reached %v, in %d requests", report, sent, len(ntfy.requests()))
	}
	ntfy.answer(reply{status: 200})
	a.users, a.attempt = a.users[1:], 2
	sent = b.mustSend("ntfy", a)
	if _, body := ntfy.last(); len(ntfy.requests()) != 1 || body["topic"] != "bob-1" || !reflect.DeepEqual(sent, []string{"bob"}) {
		t.Errorf("got %v in %d requests, reached %v", body, len(ntfy.requests()), sent)
	}
}

func TestNtfyFaults(t *testing.T) {
	b, ntfy := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"server": "https://push.example", "token": "tk_secret-1"}, service: map[string]any{"topic": "shop"},
		users: []engine.UserSnapshot{b.user("ntfy", "ada", map[string]any{"topic": "ada-1"})}}
	ntfy.faults(b, "ntfy", "ntfy", base,
		fault{name: "forbidden", answer: reply{status: 403, body: `{"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs/publish/#authentication"}`}, why: "ntfy answered 403: forbidden"},
		fault{name: "limit", answer: reply{status: 429, body: `{"code":42901,"http":429,"error":"limit reached: too many requests","link":"https://ntfy.sh/docs/publish/#limitations"}`},
			why: "ntfy answered 429: limit reached: too many requests"},
		fault{name: "nothing set", change: func(a *alert) { a.service, a.users = nil, nil }, why: "neither the service nor anybody whom this concerns has a topic", skipped: true},
	)
	if _, errs := b.clean("ntfy", engine.ServiceConfigForm, "s1", map[string]any{"topic": "a/b"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the topic", errs)
	}
	event := firing()
	event.Failing[0].Error = strings.Repeat("x", 900)
	ntfy.answer(reply{status: 200})
	base.event = event
	b.mustSend("ntfy", base)
	if req, body := ntfy.last(); req.URL != "https://push.example" && req.URL != "https://push.example/" || len(body["message"].(string)) > 300 {
		t.Errorf("got %v to %s", body, req.URL)
	}
}
