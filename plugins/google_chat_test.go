package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

const googleWebhook = "https://chat.googleapis.com/v1/spaces/AAA/messages?key=secret-key&token=secret-token"

func TestGoogleChat(t *testing.T) {
	b, google := newReceiver(t, reply{status: 200, body: `{"name":"spaces/AAA/messages/1","thread":{"name":"spaces/AAA/threads/1"}}`})
	a := alert{
		event: firing(), settings: map[string]any{"webhook_url": googleWebhook},
		users:    []engine.UserSnapshot{b.user("google_chat", "ada", map[string]any{"user_id": "112233445566"}), b.user("google_chat", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("google_chat", "eve", map[string]any{"user_id": "eve@example.org"})},
	}
	b.mustSend("google_chat", a)
	req, body := google.last()
	if want := googleWebhook + "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=d-1"; req.Method != "POST" || req.URL != want {
		t.Errorf("got %s %s, want %s", req.Method, req.URL, want)
	}
	want := map[string]any{
		"thread": map[string]any{"threadKey": "inc-7"},
		"text": "Service <https://moon.example/services/s1|Shop <\u200b1/> reporting *CRITICAL* status <users/112233445566> <users/eve@example.org>\n" +
			"• <https://moon.example/checks/c1|front & page> (CRITICAL): Wrong code: got 500 (expected 200) <https://wiki.example/front|Runbook>\n" +
			"<https://wiki.example/shop|Runbook of the service>",
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %q\nwant %q", body, want)
	}
	for _, tt := range []struct {
		event engine.AlertSnapshot
		text  string
	}{
		{of(engine.AlertEscalation, engine.StatusError), " reporting *ERROR* status <users/112233445566> <users/eve@example.org>\n"},
		{of(engine.AlertUpdate, engine.StatusError), " reporting *ERROR* status\n"},
		{of(engine.AlertAcknowledged, engine.StatusCritical), " was acknowledged by ada: on <\u200bit>\n"},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), " is no longer acknowledged\n"},
		{recovery(), " is back to normal <users/112233445566> <users/eve@example.org>\n"},
	} {
		a.event = tt.event
		b.mustSend("google_chat", a)
		req, body = google.last()
		text := body["text"].(string)
		if !strings.Contains(text, tt.text) || req.Query.Get("requestId") != tt.event.DeliveryID || body["thread"].(map[string]any)["threadKey"] != "inc-7" {
			t.Errorf("%s: got %q, want %q in it", tt.event.Kind, text, tt.text)
		}
	}
	a.event = of(engine.AlertTest, engine.StatusCritical)
	a.event.Name = "<users/all> *x*"
	b.mustSend("google_chat", a)
	if _, body = google.last(); !strings.HasPrefix(body["text"].(string), "Test: Service ") || strings.Contains(body["text"].(string), "<users/all>") {
		t.Errorf("test: got %v", body)
	}
}

func TestGoogleChatFaults(t *testing.T) {
	b, google := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"webhook_url": googleWebhook}}
	google.faults(b, "google_chat", "Google Chat", base,
		fault{name: "invalid", answer: reply{status: 400, body: `{"error":{"code":400,"message":"Message cannot be empty.","status":"INVALID_ARGUMENT"}}`}, why: "Google Chat answered 400: Message cannot be empty."},
		fault{name: "wrong token", answer: reply{status: 403, body: `{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}`}, why: "Google Chat answered 403: The caller does not have permission"},
		fault{name: "gone", answer: reply{status: 404, body: `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}`}, why: "Google Chat answered 404: the space or the webhook is gone"},
		fault{name: "quota", answer: reply{status: 429, body: `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}`}, why: "Google Chat answered 429: Resource has been exhausted"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a webhook URL"},
	)
	if _, errs := b.clean("google_chat", engine.ServiceConfigForm, "s1", map[string]any{"webhook_url": "https://chat.googleapis.com/v1/spaces/AAA"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the URL", errs)
	}
}
