package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

func TestRocketChat(t *testing.T) {
	b, rocket := newReceiver(t, reply{status: 200, body: `{"success":true}`})
	a := alert{
		event: firing(), settings: map[string]any{"webhook_url": "https://chat.example/hooks/1/secret-all"}, service: map[string]any{"channel": "#shop"},
		users:    []engine.UserSnapshot{b.user("rocketchat", "ada", map[string]any{"username": "ada"}), b.user("rocketchat", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("rocketchat", "eve", map[string]any{"username": "@eve"})},
	}
	b.mustSend("rocketchat", a)
	req, body := rocket.last()
	want := map[string]any{
		"text":  "Service [Shop <1>](https://moon.example/services/s1) reporting *CRITICAL* status @ada @eve",
		"alias": "Moonwatch", "channel": "#shop",
		"attachments": []any{map[string]any{
			"color": "#e01e5a",
			"text": "• [front & page](https://moon.example/checks/c1) (CRITICAL): Wrong code: got 500 (expected 200) [Runbook](https://wiki.example/front)" +
				"\n[Runbook of the service](https://wiki.example/shop)",
		}},
	}
	if req.Method != "POST" || req.URL != "https://chat.example/hooks/1/secret-all" || !reflect.DeepEqual(body, want) {
		t.Errorf("got %s %v\nwant %v", req.URL, body, want)
	}
	for _, tt := range []struct {
		event engine.AlertSnapshot
		text  string
	}{
		{of(engine.AlertEscalation, engine.StatusError), " reporting *ERROR* status @ada @eve"},
		{of(engine.AlertDeescalation, engine.StatusWarning), " reporting *WARNING* status"},
		{of(engine.AlertAcknowledged, engine.StatusCritical), " was acknowledged by ada: on <it>"},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), " is no longer acknowledged"},
		{recovery(), " is back to normal @ada @eve"},
	} {
		a.event = tt.event
		b.mustSend("rocketchat", a)
		_, body = rocket.last()
		if want := "Service [Shop <1>](https://moon.example/services/s1)" + tt.text; body["text"] != want {
			t.Errorf("%s: got %v, want %q", tt.event.Kind, body["text"], want)
		}
	}
	a.event = of(engine.AlertTest, engine.StatusPassing)
	a.event.Name = "@all `x`"
	b.mustSend("rocketchat", a)
	if _, body = rocket.last(); !strings.HasPrefix(body["text"].(string), "Test: Service ") || strings.Contains(body["text"].(string), "@all") {
		t.Errorf("test: got %v", body)
	}
}

func TestRocketChatFaults(t *testing.T) {
	b, rocket := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"webhook_url": "https://chat.example/hooks/1/secret-all"}}
	rocket.faults(b, "rocketchat", "Rocket.Chat", base,
		fault{name: "wrong token", answer: reply{status: 401, body: `{"success":false,"error":"Invalid integration id or token provided."}`}, why: "Rocket.Chat answered 401: Invalid integration id or token provided."},
		fault{name: "channel", answer: reply{status: 400, body: `{"success":false,"error":"invalid-channel"}`}, why: "Rocket.Chat answered 400: there is no such channel"},
		fault{name: "refused with 200", answer: reply{status: 200, body: `{"success":false,"error":"no"}`}, why: "Rocket.Chat answered 200: no"},
		fault{name: "a page, no API", answer: reply{status: 200, body: "<html>"}, why: "Rocket.Chat answered 200"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a webhook URL"},
	)
	if _, errs := b.clean("rocketchat", engine.ServiceConfigForm, "s1", map[string]any{"webhook_url": "x", "channel": "shop"}); len(errs) != 2 {
		t.Errorf("got %+v, want complaints about both fields", errs)
	}
}
