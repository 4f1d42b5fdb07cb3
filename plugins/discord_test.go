package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

func TestDiscord(t *testing.T) {
	b, discord := newReceiver(t, reply{status: 200, body: `{"id":"1"}`})
	a := alert{
		event: firing(), settings: map[string]any{"webhook_url": "https://discord.com/api/webhooks/1/secret-all"},
		service:  map[string]any{"webhook_url": "https://discord.com/api/webhooks/2/secret-shop", "thread_id": "1234567890123456789"},
		users:    []engine.UserSnapshot{b.user("discord", "ada", map[string]any{"user_id": "80351110224678912"})},
		officers: []engine.UserSnapshot{b.user("discord", "eve", nil)},
	}
	b.mustSend("discord", a)
	req, body := discord.last()
	if want := "https://discord.com/api/webhooks/2/secret-shop?thread_id=1234567890123456789&wait=true"; req.Method != "POST" || req.URL != want {
		t.Errorf("got %s %s, want POST %s", req.Method, req.URL, want)
	}
	want := map[string]any{
		"content":          "<@80351110224678912>",
		"allowed_mentions": map[string]any{"parse": []any{}, "users": []any{"80351110224678912"}},
		"embeds": []any{map[string]any{
			"title": "Service Shop <1> reporting CRITICAL status", "url": "https://moon.example/services/s1", "color": 14687834.0, "timestamp": "2026-03-04T05:06:07Z",
			"description": "• [front & page](https://moon.example/checks/c1) (CRITICAL): Wrong code: got 500 (expected 200) [Runbook](https://wiki.example/front)",
			"fields":      []any{map[string]any{"name": "Runbook", "value": "https://wiki.example/shop"}},
		}},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}

	for _, tt := range []struct {
		event    engine.AlertSnapshot
		title    string
		mentions bool
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Service Shop <1> reporting ERROR status", true},
		{of(engine.AlertFiring, engine.StatusWarning), "Service Shop <1> reporting WARNING status", false},
		{of(engine.AlertUpdate, engine.StatusCritical), "Service Shop <1> reporting CRITICAL status", false},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "Service Shop <1> was acknowledged by ada: on <it>", false},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "Service Shop <1> is no longer acknowledged", false},
		{of(engine.AlertTest, engine.StatusCritical), "Test: Service Shop <1> reporting CRITICAL status", true},
		{recovery(), "Service Shop <1> is back to normal", true},
	} {
		a.event = tt.event
		b.mustSend("discord", a)
		_, body = discord.last()
		embed := body["embeds"].([]any)[0].(map[string]any)
		if embed["title"] != tt.title || (body["content"] == "<@80351110224678912>") != tt.mentions {
			t.Errorf("%s: got %v, want %q, mentions %v", tt.event.Kind, body, tt.title, tt.mentions)
		}
	}

	discord.answer(reply{status: 204})
	b.mustSend("discord", alert{event: firing(), settings: a.settings})
	if req, body = discord.last(); !strings.HasPrefix(req.URL, "https://discord.com/api/webhooks/1/secret-all?") || req.Query.Has("thread_id") || body["content"] != "" {
		t.Errorf("the settings' webhook: got %v to %s", body, req.URL)
	}
}

func TestDiscordFaults(t *testing.T) {
	b, discord := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"webhook_url": "https://discord.com/api/webhooks/1/secret-all"}}
	discord.faults(b, "discord", "Discord", base,
		fault{name: "deleted", answer: reply{status: 404, body: `{"message": "Unknown Webhook", "code": 10015}`}, why: "Discord answered 404: there is no such webhook"},
		fault{name: "forum", answer: reply{status: 400, body: `{"message": "Webhooks posted to forum channels must have a thread_name or thread_id", "code": 220001}`}, why: "Discord answered 400: the channel is a forum"},
		fault{name: "rate limit", answer: reply{status: 429, body: `{"message":"You are being rate limited.","retry_after":64.5,"global":false}`}, why: "Discord answered 429: You are being rate limited.", after: 64500e6},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a webhook URL"},
	)
	if _, errs := b.clean("discord", engine.ServiceConfigForm, "s1", map[string]any{"webhook_url": "discord.com/x", "thread_id": "general"}); len(errs) != 2 {
		t.Errorf("got %+v, want complaints about both fields", errs)
	}
}

// TestDiscordEscapes holds that names from elsewhere are neither markup nor mentions.
func TestDiscordEscapes(t *testing.T) {
	b, discord := newReceiver(t, reply{status: 200, body: "{}"})
	a := alert{event: firing(), settings: map[string]any{"webhook_url": "https://discord.com/api/webhooks/1/secret-all"}}
	a.event.Failing[0].Name, a.event.Failing[0].Error = "[x](https://evil.example) *b*", "@everyone `c`"
	b.mustSend("discord", a)
	_, body := discord.last()
	text := body["embeds"].([]any)[0].(map[string]any)["description"].(string)
	if !strings.Contains(text, `[\[x\](https://evil.example) \*b\*]`) || !strings.Contains(text, "\\`c\\`") {
		t.Errorf("got %s", text)
	}
	if allowed := body["allowed_mentions"].(map[string]any); len(allowed["parse"].([]any)) != 0 {
		t.Errorf("got %v, want nothing parsed", allowed)
	}
}
