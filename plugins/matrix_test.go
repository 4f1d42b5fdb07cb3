package plugins_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func matrixSettings() map[string]any {
	return map[string]any{"homeserver": "https://matrix.example/", "token": "secret-token", "room": "!all:example.org"}
}

func TestMatrix(t *testing.T) {
	b, matrix := newReceiver(t, reply{status: 200, body: `{"event_id":"$first"}`})
	a := alert{
		event: firing(), settings: matrixSettings(), service: map[string]any{"room": "!shop/1:example.org"},
		users:    []engine.UserSnapshot{b.user("matrix", "ada", map[string]any{"user_id": "@ada:example.org"}), b.user("matrix", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("matrix", "eve", nil)},
	}
	b.mustSend("matrix", a)
	req, body := matrix.last()
	if want := "https://matrix.example/_matrix/client/v3/rooms/%21shop%2F1%3Aexample.org/send/m.room.message/d-1"; req.Method != "PUT" || req.URL != want || req.Header.Get("Authorization") != "Bearer secret-token" {
		t.Errorf("got %s %s with %v, want PUT %s", req.Method, req.URL, req.Header, want)
	}
	want := map[string]any{
		"msgtype": "m.text", "format": "org.matrix.custom.html", "m.mentions": map[string]any{"user_ids": []any{"@ada:example.org"}},
		"body": "Service Shop <1> reporting CRITICAL status\n• front & page (CRITICAL): Wrong code: got 500 (expected 200) https://wiki.example/front\n" +
			"@ada:example.org\nRunbook: https://wiki.example/shop\nhttps://moon.example/services/s1",
		"formatted_body": `Service <b><a href="https://moon.example/services/s1">Shop &lt;1&gt;</a></b> reporting CRITICAL status` +
			`<ul><li><a href="https://moon.example/checks/c1">front &amp; page</a> (CRITICAL): Wrong code: got 500 (expected 200) <a href="https://wiki.example/front">Runbook</a></li></ul>` +
			`<p><a href="https://matrix.to/#/%40ada%3Aexample.org">@ada:example.org</a></p><p><a href="https://wiki.example/shop">Runbook</a></p>`,
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}

	for _, tt := range []struct {
		event    engine.AlertSnapshot
		text     string
		mentions int
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Service Shop <1> reporting ERROR status\n", 1},
		{of(engine.AlertUpdate, engine.StatusError), "Service Shop <1> reporting ERROR status\n", 0},
		{of(engine.AlertAcknowledged, engine.StatusError), "Service Shop <1> was acknowledged by ada: on <it>\n", 0},
		{of(engine.AlertUnacknowledged, engine.StatusError), "Service Shop <1> is no longer acknowledged\n", 0},
		{of(engine.AlertTest, engine.StatusCritical), "Test: Service Shop <1> reporting CRITICAL status\n", 1},
		{recovery(), "Service Shop <1> is back to normal\n", 1},
	} {
		a.event = tt.event
		b.mustSend("matrix", a)
		req, body = matrix.last()
		ids := body["m.mentions"].(map[string]any)["user_ids"].([]any)
		if !strings.HasPrefix(body["body"].(string), tt.text) || len(ids) != tt.mentions || !strings.HasSuffix(req.Path, "/"+tt.event.DeliveryID) {
			t.Errorf("%s: got %v to %s, want %q", tt.event.Kind, body, req.Path, tt.text)
		}
		relation := map[string]any{"rel_type": "m.thread", "event_id": "$first", "is_falling_back": true, "m.in_reply_to": map[string]any{"event_id": "$first"}}
		if !reflect.DeepEqual(body["m.relates_to"], relation) {
			t.Errorf("%s: got relation %v", tt.event.Kind, body["m.relates_to"])
		}
	}
	a.event.IncidentKey = "inc-8"
	b.mustSend("matrix", a)
	if _, body = matrix.last(); body["m.relates_to"] != nil {
		t.Errorf("the next incident: got %v, want a thread of its own", body)
	}
}

func TestMatrixAlias(t *testing.T) {
	b, matrix := newReceiver(t, reply{status: 200, body: `{"room_id":"!ops:example.org","servers":["example.org"]}`}, reply{status: 200, body: `{"event_id":"$1"}`})
	a := alert{event: firing(), settings: with(matrixSettings(), map[string]any{"room": "#ops:example.org"})}
	b.mustSend("matrix", a)
	got := matrix.requests()
	if len(got) != 2 || got[0].Method != "GET" || got[0].Path != "/_matrix/client/v3/directory/room/%23ops%3Aexample.org" ||
		got[1].Path != "/_matrix/client/v3/rooms/%21ops%3Aexample.org/send/m.room.message/d-1" {
		t.Errorf("got %+v", got)
	}
	matrix.answer(reply{status: 404, body: `{"errcode":"M_NOT_FOUND","error":"Room alias #ops:example.org not found"}`})
	if report, _ := b.send("matrix", a); report.Outcome != engine.OutcomeFailed || report.Why != "The homeserver answered 404: there is no room #ops:example.org" {
		t.Errorf("got %+v", report)
	}
}

func TestMatrixFaults(t *testing.T) {
	b, matrix := newReceiver(t)
	matrix.faults(b, "matrix", "The homeserver", alert{event: firing(), settings: matrixSettings()},
		fault{name: "no member", answer: reply{status: 403, body: `{"errcode":"M_FORBIDDEN","error":"User @moon:example.org not in room !all:example.org"}`},
			why: "The homeserver answered 403: the bot is no member of the room"},
		fault{name: "wrong token", answer: reply{status: 401, body: `{"errcode":"M_UNKNOWN_TOKEN","error":"Invalid access token passed."}`}, why: "The homeserver answered 401: the access token is wrong"},
		fault{name: "limit", answer: reply{status: 429, body: `{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2500}`},
			why: "The homeserver answered 429: Too many requests", after: 2500 * time.Millisecond},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "The homeserver and the access token must be set"},
		fault{name: "no room", change: func(a *alert) { a.settings = with(a.settings, map[string]any{"room": nil}) }, why: "Neither this service nor the plugin's settings name a room"},
	)
	if _, errs := b.clean("matrix", engine.UserConfigForm, "u1", map[string]any{"user_id": "ada"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the user ID", errs)
	}
}
