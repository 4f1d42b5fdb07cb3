package plugins_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func telegramSettings() map[string]any {
	return map[string]any{"token": "123:secret-token", "chat_id": "-1001"}
}

func TestTelegram(t *testing.T) {
	b, telegram := newReceiver(t, reply{status: 200, body: `{"ok":true,"result":{"message_id":42,"chat":{"id":-1002}}}`})
	a := alert{
		event: firing(), settings: telegramSettings(), service: map[string]any{"chat_id": "@shop_alerts", "topic": 7},
		users:    []engine.UserSnapshot{b.user("telegram", "ada", map[string]any{"alias": "@ada_l"}), b.user("telegram", "bob", map[string]any{"alias": "4711"})},
		officers: []engine.UserSnapshot{b.user("telegram", "eve", nil)},
	}
	b.mustSend("telegram", a)
	req, body := telegram.last()
	if want := "https://api.telegram.org/bot123:secret-token/sendMessage"; req.Method != "POST" || req.URL != want {
		t.Errorf("got %s %s, want POST %s", req.Method, req.URL, want)
	}
	want := map[string]any{
		"chat_id": "@shop_alerts", "message_thread_id": 7.0, "parse_mode": "HTML", "disable_notification": false, "link_preview_options": map[string]any{"is_disabled": true},
		"text": `Service <a href="https://moon.example/services/s1">Shop &lt;1&gt;</a> reporting <b>CRITICAL</b> status @ada_l <a href="tg://user?id=4711">bob</a>` + "\n" +
			`• <a href="https://moon.example/checks/c1">front &amp; page</a> (CRITICAL): Wrong code: got 500 (expected 200) <a href="https://wiki.example/front">Runbook</a>` + "\n" +
			`<a href="https://wiki.example/shop">Runbook of the service</a>`,
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}
	for _, tt := range []struct {
		event engine.AlertSnapshot
		text  string
		quiet bool
	}{
		{of(engine.AlertEscalation, engine.StatusError), ` reporting <b>ERROR</b> status @ada_l`, false},
		{of(engine.AlertUpdate, engine.StatusError), " reporting <b>ERROR</b> status\n", true},
		{of(engine.AlertAcknowledged, engine.StatusError), " was acknowledged by ada: on &lt;it&gt;\n", true},
		{of(engine.AlertUnacknowledged, engine.StatusError), " is no longer acknowledged\n", false},
		{recovery(), " is back to normal @ada_l", false},
	} {
		a.event = tt.event
		b.mustSend("telegram", a)
		_, body = telegram.last()
		reply := map[string]any{"message_id": 42.0, "allow_sending_without_reply": true}
		if !strings.Contains(body["text"].(string), tt.text) || body["disable_notification"] != tt.quiet || !reflect.DeepEqual(body["reply_parameters"], reply) {
			t.Errorf("%s: got %v, want %q, quiet %v", tt.event.Kind, body, tt.text, tt.quiet)
		}
	}
	a.event, a.service = of(engine.AlertTest, engine.StatusPassing), nil
	a.event.IncidentKey = "test-1"
	b.mustSend("telegram", a)
	if _, body = telegram.last(); body["chat_id"] != "-1001" || !strings.HasPrefix(body["text"].(string), "Test: Service ") || body["reply_parameters"] != nil {
		t.Errorf("test: got %v", body)
	}
}

// TestTelegramMoves follows a group that has become a supergroup.
func TestTelegramMoves(t *testing.T) {
	b, telegram := newReceiver(t,
		reply{status: 400, body: `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}`},
		reply{status: 200, body: `{"ok":true,"result":{"message_id":1}}`})
	b.mustSend("telegram", alert{event: firing(), settings: telegramSettings()})
	if _, body := telegram.last(); len(telegram.requests()) != 2 || body["chat_id"] != "-1001234567890" {
		t.Errorf("got %v", body)
	}
}

func TestTelegramFaults(t *testing.T) {
	b, telegram := newReceiver(t)
	telegram.faults(b, "telegram", "Telegram", alert{event: firing(), settings: telegramSettings()},
		fault{name: "no chat", answer: reply{status: 400, body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`}, why: "Telegram answered 400: there is no such chat"},
		fault{name: "kicked", answer: reply{status: 403, body: `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}`}, why: "Telegram answered 403: the bot is not in the chat any more"},
		fault{name: "wrong token", answer: reply{status: 401, body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`}, why: "Telegram answered 401: the bot token is wrong"},
		fault{name: "flood", answer: reply{status: 429, body: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`},
			why: "Telegram answered 429: Too Many Requests", after: 35 * time.Second},
		fault{name: "a page, no API", answer: reply{status: 200, body: "<html>"}, why: "Telegram answered 200"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "The bot token must be set in the plugin's settings, or by TELEGRAM_TOKEN"},
		fault{name: "no chat set", change: func(a *alert) { a.settings = with(a.settings, map[string]any{"chat_id": nil}) }, why: "Neither this service nor the plugin's settings name a chat"},
	)
	b.env["TELEGRAM_TOKEN"] = "9:secret-env"
	telegram.answer(reply{status: 200, body: `{"ok":true,"result":{"message_id":1}}`})
	b.mustSend("telegram", alert{event: firing(), settings: map[string]any{"server": "http://bots.example/"}, service: map[string]any{"chat_id": "5"}})
	if req, _ := telegram.last(); req.URL != "http://bots.example/bot9:secret-env/sendMessage" {
		t.Errorf("got %s, want the own server and the token of the environment", req.URL)
	}
	if _, errs := b.clean("telegram", engine.ServiceConfigForm, "s1", map[string]any{"chat_id": "shop alerts"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the chat", errs)
	}
}
