package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

// fields are the first values of a form.
func fields(in map[string][]string) map[string]string {
	out := map[string]string{}
	for name, values := range in {
		out[name] = values[0]
	}
	return out
}

func TestPushover(t *testing.T) {
	taken := reply{status: 200, body: `{"status":1,"request":"r"}`}
	b, pushover := newReceiver(t, taken)
	a := alert{
		event: firing(), settings: map[string]any{"token": "secret-app"}, service: map[string]any{"group_key": "secret-group"},
		users:    []engine.UserSnapshot{b.user("pushover", "ada", map[string]any{"user_key": "secret-ada"}), b.user("pushover", "bob", nil)},
		officers: []engine.UserSnapshot{b.user("pushover", "eve", map[string]any{"user_key": "secret-eve", "emergency": true})},
	}
	sent := b.mustSend("pushover", a)
	got := pushover.requests()
	if len(got) != 3 || !reflect.DeepEqual(sent, []string{"ada", "eve"}) {
		t.Fatalf("got %d requests, reached %v", len(got), sent)
	}
	for i, want := range []map[string]string{{"user": "secret-ada", "priority": "1"},
		{"user": "secret-eve", "priority": "2", "retry": "60", "expire": "3600", "tags": "inc-7"}, {"user": "secret-group", "priority": "1"}} {
		want["token"], want["title"], want["message"] = "secret-app", "Shop <1>: CRITICAL", "front & page: Wrong code: got 500 (expected 200)"
		want["url"], want["url_title"], want["timestamp"] = "https://moon.example/services/s1", "Open", "1772600767"
		req, form := formOf(t, got[i])
		if req.Method != "POST" || req.URL != "https://api.pushover.net/1/messages.json" || !reflect.DeepEqual(fields(form), want) {
			t.Errorf("got %s %v\nwant %v", req.URL, fields(form), want)
		}
	}

	pushover.answer(taken)
	a.event = of(engine.AlertAcknowledged, engine.StatusCritical)
	b.mustSend("pushover", a)
	if first := pushover.requests()[0]; first.URL != "https://api.pushover.net/1/receipts/cancel_by_tag/inc-7.json" || first.Body != "token=secret-app" {
		t.Errorf("got %+v, want the emergency to be cancelled", first)
	}
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		title    string
		priority string
		requests int
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Shop <1>: ERROR", "1", 3},
		{of(engine.AlertUpdate, engine.StatusWarning), "Shop <1>: WARNING", "-1", 1},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "Shop <1> is no longer acknowledged", "-1", 3},
		{of(engine.AlertTest, engine.StatusPassing), "Test: Shop <1> is back to normal", "0", 2}, // a test goes to the users alone: they are its caller
		{recovery(), "Shop <1> is back to normal", "0", 3},
	} {
		pushover.answer(taken)
		a.event = tt.event
		b.mustSend("pushover", a)
		_, form := pushover.form()
		if form.Get("title") != tt.title || form.Get("priority") != tt.priority || len(pushover.requests()) != tt.requests {
			t.Errorf("%s: got %v in %d requests, want %q at %s in %d", tt.event.Kind, form, len(pushover.requests()), tt.title, tt.priority, tt.requests)
		}
	}
}

func TestPushoverRetry(t *testing.T) {
	b, pushover := newReceiver(t, reply{status: 400, body: `{"user":"invalid","errors":["user identifier is invalid"],"status":0,"request":"r"}`}, reply{status: 200, body: `{"status":1}`})
	a := alert{event: firing(), settings: map[string]any{"token": "secret-app"}, service: map[string]any{"group_key": "secret-group"}, users: []engine.UserSnapshot{
		b.user("pushover", "ada", map[string]any{"user_key": "secret-ada"}), b.user("pushover", "bob", map[string]any{"user_key": "secret-bob"})}}
	report, sent := b.send("pushover", a)
	if report.Outcome != engine.OutcomeFailed || report.Why != "ada: Pushover answered 400: user identifier is invalid" || !report.NoRetry || !reflect.DeepEqual(sent, []string{"bob"}) {
		t.Fatalf("got %+v, reached %v: Pushover asks not to repeat it", report, sent)
	}
	pushover.answer(reply{status: 502}, reply{status: 200, body: `{"status":1}`})
	a.event.DeliveryID = "d-9"
	if report, _ = b.send("pushover", a); report.NoRetry || report.Why != "ada: Pushover answered 502" {
		t.Errorf("got %+v, want it to be tried again", report)
	}
	pushover.answer(reply{status: 200, body: `{"status":1}`})
	a.users, a.attempt = a.users[:1], 2
	b.mustSend("pushover", a)
	if _, form := pushover.form(); len(pushover.requests()) != 1 || form.Get("user") != "secret-ada" {
		t.Errorf("got %v in %d requests, want the user alone", form, len(pushover.requests()))
	}
}

func TestPushoverFaults(t *testing.T) {
	b, pushover := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"token": "secret-app"}, users: []engine.UserSnapshot{b.user("pushover", "ada", map[string]any{"user_key": "secret-ada"})}}
	pushover.faults(b, "pushover", "ada: Pushover", base,
		fault{name: "wrong token", answer: reply{status: 400, body: `{"token":"invalid","errors":["application token is invalid"],"status":0}`}, why: "ada: Pushover answered 400: application token is invalid", hopeless: true},
		fault{name: "quota", answer: reply{status: 429, body: `{"errors":["application is over its message limit"],"status":0}`}, why: "ada: Pushover answered 429: application is over its message limit"},
		fault{name: "refused with 200", answer: reply{status: 200, body: `{"status":0,"errors":["message cannot be blank"]}`}, why: "ada: Pushover answered 200: message cannot be blank"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "The application token must be set in the plugin's settings, or by PUSHOVER_TOKEN"},
		fault{name: "nobody", change: func(a *alert) { a.users = nil }, why: "neither the service nor anybody whom this concerns has a key", skipped: true},
	)
	event := firing()
	for range 100 {
		event.Failing = append(event.Failing, event.Failing[0])
	}
	event.Name = strings.Repeat("ä", 300)
	pushover.answer(reply{status: 200, body: `{"status":1}`})
	base.event = event
	b.mustSend("pushover", base)
	if _, form := pushover.form(); len([]rune(form.Get("message"))) > 1024 || !strings.HasSuffix(form.Get("message"), "\n… and 81 more") || len([]rune(form.Get("title"))) != 250 {
		t.Errorf("got %v, want it cut to what Pushover takes", form)
	}
}
