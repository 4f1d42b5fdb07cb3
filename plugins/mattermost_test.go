package plugins_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestMattermost(t *testing.T) {
	b, mattermost := newReceiver(t, reply{status: 200, body: "ok"})
	a := alert{
		event: firing(), settings: map[string]any{"webhook_url": "https://chat.example/hooks/secret-all"},
		service:  map[string]any{"channel": "shop", "urgent": true},
		users:    []engine.UserSnapshot{b.user("mattermost", "ada", map[string]any{"username": "@ada.l"}), b.user("mattermost", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("mattermost", "eve", map[string]any{"username": "eve"})},
	}
	b.mustSend("mattermost", a)
	req, body := mattermost.last()
	if req.Method != "POST" || req.URL != "https://chat.example/hooks/secret-all" || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"text":     `Service [Shop \<1\>](https://moon.example/services/s1) reporting **CRITICAL** status @ada.l @eve`,
		"username": "Moonwatch", "channel": "shop", "priority": map[string]any{"priority": "urgent"},
		"attachments": []any{map[string]any{
			"color":    "#e01e5a",
			"fallback": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1",
			"text": `* [front & page](https://moon.example/checks/c1) (CRITICAL): Wrong code: got 500 \(expected 200\) [Runbook](https://wiki.example/front)` +
				"\n\n[Runbook of the service](https://wiki.example/shop)",
		}},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		text     string
		mentions bool
		urgent   bool
	}{
		{of(engine.AlertEscalation, engine.StatusError), " reporting **ERROR** status @ada.l @eve", true, false},
		{of(engine.AlertUpdate, engine.StatusCritical), " reporting **CRITICAL** status", false, true},
		{of(engine.AlertAcknowledged, engine.StatusCritical), ` was acknowledged by ada: on \<it\>`, false, false},
		{of(engine.AlertUnacknowledged, engine.StatusWarning), " is no longer acknowledged", false, false},
		{recovery(), " is back to normal @ada.l @eve", true, false},
	} {
		a.event = tt.event
		b.mustSend("mattermost", a)
		_, body = mattermost.last()
		if want := `Service [Shop \<1\>](https://moon.example/services/s1)` + tt.text; body["text"] != want || (body["priority"] != nil) != tt.urgent {
			t.Errorf("%s: got %v, want %q, urgent %v", tt.event.Kind, body, want, tt.urgent)
		}
	}
	a.event, a.service = of(engine.AlertTest, engine.StatusPassing), map[string]any{"webhook_url": "https://other.example/hooks/secret-1"}
	b.mustSend("mattermost", a)
	if req, body = mattermost.last(); req.URL != "https://other.example/hooks/secret-1" || !strings.HasPrefix(body["text"].(string), "Test: Service ") || body["channel"] != nil {
		t.Errorf("test: got %v to %s", body, req.URL)
	}
}

func TestMattermostFaults(t *testing.T) {
	b, mattermost := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"webhook_url": "https://chat.example/hooks/secret-all"}}
	mattermost.faults(b, "mattermost", "Mattermost", base,
		fault{name: "gone", answer: reply{status: 404, body: `{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","detailed_error":"","request_id":"r","status_code":404}`},
			why: "Mattermost answered 404: Invalid webhook."},
		fault{name: "locked", answer: reply{status: 403, body: `{"id":"web.incoming_webhook.channel_locked.app_error","message":"This webhook is not permitted to post to the requested channel.","status_code":403}`},
			why: "Mattermost answered 403: This webhook is not permitted to post to the requested channel."},
		fault{name: "rate limit", answer: reply{status: 429, body: "limit exceeded", header: map[string]string{"X-Ratelimit-Reset": "3"}}, why: "Mattermost answered 429", after: 3 * time.Second},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a webhook URL"},
	)
	if _, errs := b.clean("mattermost", engine.SettingsForm, "mattermost", map[string]any{"webhook_url": "hooks/1"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the URL", errs)
	}
}

func TestMattermostEscapes(t *testing.T) {
	b, mattermost := newReceiver(t, reply{status: 200, body: "ok"})
	a := alert{event: firing(), settings: map[string]any{"webhook_url": "https://chat.example/hooks/secret-all"}}
	a.event.Name = "@channel *x* [a](b)"
	b.mustSend("mattermost", a)
	_, body := mattermost.last()
	if text := body["text"].(string); strings.Contains(text, "@channel") || !strings.Contains(text, `\*x\* \[a\]\(b\)`) {
		t.Errorf("got %s", text)
	}
}
