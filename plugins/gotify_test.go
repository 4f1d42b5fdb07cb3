package plugins_test

import (
	"reflect"
	"testing"

	"moonwatch/engine"
)

func TestGotify(t *testing.T) {
	b, gotify := newReceiver(t, reply{status: 200, body: `{"id":25,"appid":5,"priority":10}`})
	a := alert{
		event: firing(), settings: map[string]any{"server": "https://push.example/gotify/", "token": "secret-all"}, service: map[string]any{"token": "secret-shop"},
		users:    []engine.UserSnapshot{b.user("gotify", "ada", map[string]any{"token": "secret-ada"}), b.user("gotify", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("gotify", "eve", nil)},
	}
	sent := b.mustSend("gotify", a)
	got := gotify.requests()
	if len(got) != 2 || !reflect.DeepEqual(sent, []string{"ada"}) || got[0].Header.Get("X-Gotify-Key") != "secret-ada" {
		t.Fatalf("got %+v, reached %v", got, sent)
	}
	req, body := gotify.last()
	if req.Method != "POST" || req.URL != "https://push.example/gotify/message" || req.Header.Get("X-Gotify-Key") != "secret-shop" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"title": "Shop <1>: CRITICAL", "message": "front & page: Wrong code: got 500 (expected 200)", "priority": 10.0,
		"extras": map[string]any{"client::notification": map[string]any{"click": map[string]any{"url": "https://moon.example/services/s1"}}},
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
		{of(engine.AlertEscalation, engine.StatusError), "Shop <1>: ERROR", 8, 2},
		{of(engine.AlertUpdate, engine.StatusWarning), "Shop <1>: WARNING", 2, 1},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "Shop <1> was acknowledged", 2, 2},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "Shop <1> is no longer acknowledged", 2, 2},
		{of(engine.AlertTest, engine.StatusPassing), "Test: Shop <1> is back to normal", 5, 2},
		{recovery(), "Shop <1> is back to normal", 5, 2},
	} {
		gotify.answer(reply{status: 200, body: "{}"})
		a.event = tt.event
		b.mustSend("gotify", a)
		_, body = gotify.last()
		if body["title"] != tt.title || body["priority"] != tt.priority || len(gotify.requests()) != tt.requests {
			t.Errorf("%s: got %v in %d requests, want %q at %v in %d", tt.event.Kind, body, len(gotify.requests()), tt.title, tt.priority, tt.requests)
		}
	}
}

func TestGotifyRetry(t *testing.T) {
	unauthorized := reply{status: 401, body: `{"error":"Unauthorized","errorCode":401,"errorDescription":"you need to provide a valid access token or user credentials to access this api"}`}
	b, gotify := newReceiver(t, unauthorized, reply{status: 200, body: "{}"})
	a := alert{event: firing(), settings: map[string]any{"server": "https://push.example", "token": "secret-all"},
		users: []engine.UserSnapshot{b.user("gotify", "ada", map[string]any{"token": "secret-ada"})}}
	report, sent := b.send("gotify", a)
	if report.Outcome != engine.OutcomeFailed || report.Why != "ada: Gotify answered 401: the application token is wrong" || len(sent) != 0 {
		t.Fatalf("got %+v, reached %v", report, sent)
	}
	gotify.answer(reply{status: 200, body: "{}"})
	a.attempt = 2
	b.mustSend("gotify", a)
	if req, _ := gotify.last(); len(gotify.requests()) != 1 || req.Header.Get("X-Gotify-Key") != "secret-ada" {
		t.Errorf("got %+v, want the user alone", gotify.requests())
	}
}

func TestGotifyFaults(t *testing.T) {
	b, gotify := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"server": "https://push.example", "token": "secret-all"}}
	gotify.faults(b, "gotify", "Gotify", base,
		fault{name: "bad request", answer: reply{status: 400, body: `{"error":"Bad Request","errorCode":400,"errorDescription":"Field 'message' is required"}`}, why: "Gotify answered 400: Field 'message' is required"},
		fault{name: "no server", change: func(a *alert) { a.settings = nil }, why: "The Gotify server must be set"},
		fault{name: "no token", change: func(a *alert) { a.settings = with(a.settings, map[string]any{"token": nil}) }, why: "neither the service nor anybody whom this concerns has an application", skipped: true},
	)
	if _, errs := b.clean("gotify", engine.SettingsForm, "gotify", map[string]any{"server": "push"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the server", errs)
	}
}
