package plugins_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

const slackSecret = "8f742231b10e8888abcd99yyyzzz85a5"

// slackMonitor is a monitor that knows one user with a Slack alias.
type slackMonitor struct {
	engine.Monitor
	users []engine.UserSnapshot
	fail  error
	acks  []string
}

func (m *slackMonitor) Users(context.Context) ([]engine.UserSnapshot, error) { return m.users, nil }

func (m *slackMonitor) Acknowledge(_ context.Context, service, username string, o engine.AckOptions) error {
	m.acks = append(m.acks, fmt.Sprint(service, " ", username, " ", o.IncidentKey, " ", o.Comment))
	return m.fail
}

func TestSlackButton(t *testing.T) {
	settings := map[string]any{"token": "xoxb-secret", "channel": "#all", "signing_secret": slackSecret}
	acknowledged, test := firing(), firing()
	acknowledged.Acknowledgement = &engine.AcknowledgementSnapshot{User: "ada", At: time.Now()}
	test.Kind = engine.AlertTest
	for _, tt := range []struct {
		name     string
		event    engine.AlertSnapshot
		settings map[string]any
		want     bool
	}{
		{"firing", firing(), settings, true},
		{"through a webhook", firing(), map[string]any{"webhook_url": "https://hooks.slack.com/services/T/B/x", "signing_secret": slackSecret}, true},
		{"no signing secret", firing(), with(settings, map[string]any{"signing_secret": nil}), false},
		{"recovery", recovery(), settings, false},
		{"acknowledged already", acknowledged, settings, false},
		{"a test", test, settings, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"ok":true,"ts":"1.5"}`
			if tt.settings["token"] == nil {
				body = "ok"
			}
			b, slack := newSlack(t, answer(200, body))
			if report, _ := b.send("slack", alert{event: tt.event, settings: tt.settings}); report.Outcome != engine.OutcomeSent {
				t.Fatalf("got %+v", report)
			}
			_, message := slack.last()
			attachments := message["attachments"].([]any)
			if !tt.want {
				if len(attachments) != 1 {
					t.Errorf("got %v, want no button", attachments)
				}
				return
			}
			if len(attachments) != 2 {
				t.Fatalf("got %v, want a button", attachments)
			}
			text, _ := json.Marshal(attachments[1])
			for _, want := range []string{`"type":"actions"`, `"action_id":"acknowledge"`, `{\"incident\":\"inc-7\",\"service\":\"s1\"}`} {
				if !strings.Contains(string(text), want) {
					t.Errorf("got %s, want %s in it", text, want)
				}
			}
		})
	}
}

// TestSlackButtonWantsPublicURL: without it Slack cannot call.
func TestSlackButtonWantsPublicURL(t *testing.T) {
	b, slack := newSlack(t, answer(200, `{"ok":true,"ts":"1.5"}`))
	event := firing()
	b.plugin("slack").Alert(context.Background(), &engine.AlertCall{Service: &event, Attempt: 1,
		Settings: b.mustClean("slack", engine.SettingsForm, "slack", map[string]any{"token": "xoxb-secret", "channel": "#a", "signing_secret": slackSecret})})
	if _, message := slack.last(); len(message["attachments"].([]any)) != 1 {
		t.Errorf("got %v", message)
	}
}

// interaction is the body that Slack sends when a button is pressed.
func interaction(user, value string) string {
	payload, _ := json.Marshal(map[string]any{
		"type": "block_actions", "user": map[string]any{"id": user, "username": "ada.l", "name": "ada.l", "team_id": "T9"},
		"actions":      []any{map[string]any{"type": "button", "action_id": "acknowledge", "block_id": "b", "value": value}},
		"response_url": "https://hooks.slack.com/actions/T/1/x",
	})
	return url.Values{"payload": {string(payload)}}.Encode()
}

// press calls the view as Slack does; sign changes the request after it was signed.
func press(t *testing.T, b *bench, m engine.Monitor, body string, at time.Time, change func(*engine.ViewRequest)) (engine.ViewAnswer, error) {
	t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(slackSecret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	q := engine.ViewRequest{Method: "POST", Path: "callback", Body: []byte(body), Headers: map[string][]string{
		"Content-Type": {"application/x-www-form-urlencoded"}, "X-Slack-Request-Timestamp": {stamp},
		"X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}}
	if change != nil {
		change(&q)
	}
	return b.plugin("slack").View(context.Background(), &engine.ViewCall{Request: q, Monitor: m, PublicURL: "https://moon.example",
		Settings: b.mustClean("slack", engine.SettingsForm, "slack", map[string]any{"signing_secret": slackSecret})})
}

const slackValue = `{"incident":"inc-7","service":"s1"}`

func TestSlackCallbackSignature(t *testing.T) {
	for _, tt := range []struct {
		name   string
		at     time.Time
		change func(*engine.ViewRequest)
		status int
	}{
		{"good", time.Now(), nil, 200},
		{"four minutes old", time.Now().Add(-4 * time.Minute), nil, 200},
		{"old", time.Now().Add(-6 * time.Minute), nil, 401},
		{"from the future", time.Now().Add(6 * time.Minute), nil, 401},
		{"another body", time.Now(), func(q *engine.ViewRequest) { q.Body = append(q.Body, "&x=1"...) }, 401},
		{"a newer time than was signed", time.Now().Add(-6 * time.Minute), func(q *engine.ViewRequest) {
			q.Headers["X-Slack-Request-Timestamp"] = []string{strconv.FormatInt(time.Now().Unix(), 10)}
		}, 401},
		{"another signature", time.Now(), func(q *engine.ViewRequest) {
			q.Headers["X-Slack-Signature"] = []string{"v0=" + strings.Repeat("0", 64)}
		}, 401},
		{"no signature", time.Now(), func(q *engine.ViewRequest) { delete(q.Headers, "X-Slack-Signature") }, 401},
		{"no time", time.Now(), func(q *engine.ViewRequest) { delete(q.Headers, "X-Slack-Request-Timestamp") }, 401},
		{"a time that is none", time.Now(), func(q *engine.ViewRequest) { q.Headers["X-Slack-Request-Timestamp"] = []string{"nan"} }, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, _ := newSlack(t, answer(200, "ok"))
			m := &slackMonitor{users: []engine.UserSnapshot{b.user("slack", "ada", map[string]any{"alias": "U012AB"})}}
			got, err := press(t, b, m, interaction("U012AB", slackValue), tt.at, tt.change)
			if err != nil || got.Status != tt.status || (len(m.acks) == 1) != (tt.status == 200) {
				t.Errorf("got %d, %v and %q, want %d", got.Status, err, m.acks, tt.status)
			}
		})
	}
	b, _ := newSlack(t, answer(200, "ok"))
	got, err := b.plugin("slack").View(context.Background(), &engine.ViewCall{Request: engine.ViewRequest{Method: "POST", Path: "callback"}})
	if err != nil || got.Status != 401 {
		t.Errorf("without a signing secret: got %+v, %v", got, err)
	}
}

func TestSlackAcknowledges(t *testing.T) {
	for _, tt := range []struct {
		name, alias, user string
		fail              error
		ack, told         string
	}{
		{"by member ID", "U012AB", "U012AB", nil, "s1 ada inc-7 in Slack", ""},
		{"by name", "@ada.l", "U999", nil, "s1 ada inc-7 in Slack", ""},
		{"by a stranger", "U012AB", "U999", nil, "", "Moonwatch knows nobody with your Slack member ID, U999: enter it in your settings there."},
		{"nobody with an alias", "", "U999", nil, "", "Moonwatch knows nobody with"},
		{"too late", "U012AB", "U012AB", &engine.MonitorError{Kind: engine.MonitorNotFailing, Message: "x"}, "s1 ada inc-7 in Slack", "It is not failing any more."},
		{"another incident", "U012AB", "U012AB", &engine.MonitorError{Kind: engine.MonitorOtherIncident, Message: "x"}, "s1 ada inc-7 in Slack", "That incident is over"},
		{"a monitor that stops", "U012AB", "U012AB", &engine.MonitorError{Kind: engine.MonitorUnavailable, Message: "it stops"}, "s1 ada inc-7 in Slack", "It could not be acknowledged: it stops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, slack := newSlack(t, answer(200, "ok"))
			m := &slackMonitor{fail: tt.fail, users: []engine.UserSnapshot{b.user("slack", "ada", map[string]any{"alias": tt.alias})}}
			got, err := press(t, b, m, interaction(tt.user, slackValue), time.Now(), nil)
			if err != nil || got.Status != 200 || strings.Join(m.acks, ";") != tt.ack {
				t.Errorf("got %d, %v and %q, want %q", got.Status, err, m.acks, tt.ack)
			}
			told := ""
			if len(slack.requests) > 0 {
				req, body := slack.last()
				if told, _ = body["text"].(string); req.URL != "https://hooks.slack.com/actions/T/1/x" || body["response_type"] != "ephemeral" {
					t.Errorf("got %v to %s", body, req.URL)
				}
			}
			if (told == "") != (tt.told == "") || !strings.HasPrefix(told, tt.told) {
				t.Errorf("told %q, want %q", told, tt.told)
			}
		})
	}
}

func TestSlackCallbackBadInput(t *testing.T) {
	for body, want := range map[string]int{
		"":                          400,
		"payload=":                  400,
		"payload=%7B":               400,
		"payload=%5B%5D":            400,
		"payload=1&payload=2":       400,
		"payload=%7B%7D":            400,
		"%zz":                       400,
		interaction("U012AB", ""):   200,
		interaction("U012AB", "[]"): 200,
		interaction("U012AB", `{"service":1,"incident":2}`):                             200,
		"payload=" + url.QueryEscape(`{"actions":[{"action_id":"other","value":"x"}]}`): 200,
		"payload=" + url.QueryEscape(`{"user":"x","actions":[{"action_id":"acknowledge","value":"`+strings.ReplaceAll(slackValue, `"`, `\"`)+`"}],"response_url":"https://evil.example/"}`): 200,
	} {
		b, slack := newSlack(t, answer(200, "ok"))
		m := &slackMonitor{users: []engine.UserSnapshot{b.user("slack", "ada", nil)}}
		got, err := press(t, b, m, body, time.Now(), nil)
		if err != nil || got.Status != want || len(m.acks) != 0 || len(slack.requests) != 0 {
			t.Errorf("%s: got %d, %v, %q and %d requests, want %d", body, got.Status, err, m.acks, len(slack.requests), want)
		}
	}
}
