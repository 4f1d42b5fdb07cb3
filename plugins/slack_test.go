package plugins_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// postBox takes one mail.
type postBox struct {
	host.Host
	mail *host.Mail
}

func (p *postBox) Mail(_ context.Context, m *host.Mail) ([]string, error) {
	p.mail = m
	return nil, nil
}

// slackStub is a host whose only server is Slack's.
type slackStub struct {
	host.Host
	t        testing.TB
	requests []*host.HTTPRequest
	answers  []host.HTTPResponse // used in turn; the last repeats
}

func (s *slackStub) HTTP(_ context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error) {
	s.requests = append(s.requests, req)
	answer := s.answers[min(len(s.requests), len(s.answers))-1]
	if answer.Status == 0 {
		return nil, &host.Error{Kind: host.Timeout, Message: "timed out waiting for slack.com"}
	}
	return &answer, nil
}

func (s *slackStub) last() (*host.HTTPRequest, map[string]any) {
	s.t.Helper()
	r := s.requests[len(s.requests)-1]
	return r, decode(s.t, r.Body)
}

func answer(status int, body string) host.HTTPResponse {
	return host.HTTPResponse{Status: status, Body: body, Header: http.Header{}}
}

func newSlack(t *testing.T, answers ...host.HTTPResponse) (*bench, *slackStub) {
	stub := &slackStub{t: t, answers: answers}
	return newBench(t, stub), stub
}

func TestSlackThread(t *testing.T) {
	b, slack := newSlack(t, answer(200, `{"ok":true,"ts":"1.5"}`), answer(200, `{"ok":true,"ts":"1.6"}`))
	settings := map[string]any{"token": "xoxb-secret", "channel": "#all"}
	a := alert{
		event: firing(), settings: settings, service: map[string]any{"channel": "#shop"},
		users:    []engine.UserSnapshot{b.user("slack", "ada", map[string]any{"alias": "U012AB"}), b.user("slack", "bob", map[string]any{"alias": "@bob"})},
		officers: []engine.UserSnapshot{b.user("slack", "eve", nil)},
	}
	if report, _ := b.send("slack", a); report.Outcome != engine.OutcomeSent {
		t.Fatalf("got %+v", report)
	}
	req, body := slack.last()
	if req.URL != "https://slack.com/api/chat.postMessage" || req.Header.Get("Authorization") != "Bearer xoxb-secret" {
		t.Errorf("got %s with %v", req.URL, req.Header)
	}
	if want := "Service <https://moon.example/services/s1|Shop &lt;1&gt;> reporting CRITICAL status <@U012AB> @bob"; body["text"] != want || body["channel"] != "#shop" || body["thread_ts"] != nil {
		t.Errorf("got %v, want %s", body, want)
	}
	attachment := body["attachments"].([]any)[0].(map[string]any)
	if want := "• <https://moon.example/checks/c1|front &amp; page> (CRITICAL): Wrong code: got 500 (expected 200) <https://wiki.example/front|Runbook>"; attachment["text"] != want || attachment["color"] != "#e01e5a" {
		t.Errorf("got %v, want %s", attachment, want)
	}

	update := a
	update.event.Kind, update.event.DeliveryID, update.update = engine.AlertUpdate, "d-2", true
	b.send("slack", update)
	if _, body = slack.last(); body["thread_ts"] != "1.5" || body["reply_broadcast"] != false || strings.Contains(body["text"].(string), "U012AB") {
		t.Errorf("update: got %v, want it in the thread, with nobody mentioned", body)
	}
	acknowledged := a
	acknowledged.event.Kind, acknowledged.update = engine.AlertAcknowledged, true
	acknowledged.event.Acknowledgement = &engine.AcknowledgementSnapshot{User: "ada", Comment: "on it", At: time.Now()}
	b.send("slack", acknowledged)
	if _, body = slack.last(); body["text"] != "Service <https://moon.example/services/s1|Shop &lt;1&gt;> was acknowledged by ada: on it" || body["thread_ts"] != "1.5" {
		t.Errorf("acknowledged: got %v", body)
	}
	a.event = recovery()
	b.send("slack", a)
	_, body = slack.last()
	if body["thread_ts"] != "1.5" || body["reply_broadcast"] != true || body["text"] != "Service <https://moon.example/services/s1|Shop &lt;1&gt;> is back to normal <@U012AB> @bob" {
		t.Errorf("recovery: got %v", body)
	}
	a.event = firing()
	a.event.IncidentKey = "inc-8"
	b.send("slack", a)
	if _, body = slack.last(); body["thread_ts"] != nil {
		t.Errorf("the next incident: got %v, want a thread of its own", body)
	}
}

func TestSlackLostThread(t *testing.T) {
	b, slack := newSlack(t, answer(200, `{"ok":true,"ts":"1.5"}`), answer(200, `{"ok":false,"error":"thread_not_found"}`), answer(200, `{"ok":true,"ts":"2.5"}`))
	a := alert{event: firing(), settings: map[string]any{"token": "xoxb-secret", "channel": "#all"}}
	b.send("slack", a)
	report, _ := b.send("slack", a)
	if _, body := slack.last(); report.Outcome != engine.OutcomeSent || len(slack.requests) != 3 || body["thread_ts"] != nil || body["channel"] != "#all" {
		t.Errorf("got %+v after %d requests: %v", report, len(slack.requests), body)
	}
	b.send("slack", a)
	if _, body := slack.last(); body["thread_ts"] != "2.5" {
		t.Errorf("got %v, want the new thread", body)
	}
}

func TestSlackWebhook(t *testing.T) {
	b, slack := newSlack(t, answer(200, "ok"))
	b.env["SLACK_WEBHOOK_URL"] = "https://hooks.slack.com/services/T/B/x"
	report, _ := b.send("slack", alert{event: firing()})
	req, body := slack.last()
	if report.Outcome != engine.OutcomeSent || req.URL != "https://hooks.slack.com/services/T/B/x" || body["channel"] != nil || body["thread_ts"] != nil {
		t.Errorf("got %+v with %v to %s", report, body, req.URL)
	}
}

func TestSlackFaults(t *testing.T) {
	busy := answer(429, `{"ok":false,"error":"ratelimited"}`)
	busy.Header.Set("Retry-After", "20")
	token := map[string]any{"token": "xoxb-secret", "channel": "#all"}
	webhook := map[string]any{"webhook_url": "https://hooks.slack.com/services/T/B/x"}
	for _, tt := range []struct {
		name     string
		settings map[string]any
		answer   host.HTTPResponse
		why      string
		after    time.Duration
	}{
		{"not in the channel", token, answer(200, `{"ok":false,"error":"not_in_channel"}`), "Slack refused the message: not_in_channel (invite the bot to the channel)", 0},
		{"unknown word", token, answer(200, `{"ok":false,"error":"odd"}`), "Slack refused the message: odd", 0},
		{"rate limit", token, busy, "Slack answered 429", 20 * time.Second},
		{"down", token, answer(502, "<html>"), "Slack answered 502", 0},
		{"no JSON", token, answer(200, "hello"), "Slack answered 200", 0},
		{"no answer", token, host.HTTPResponse{}, "Slack could not be reached: timed out waiting for slack.com", 0},
		{"no channel", map[string]any{"token": "xoxb-secret"}, answer(200, "{}"), "Neither this service nor the plugin's settings name a channel", 0},
		{"nothing set", map[string]any{"channel": "#all"}, answer(200, "{}"), "A token or a webhook URL must be set in the plugin's settings", 0},
		{"webhook gone", webhook, answer(404, "no_service"), "Slack answered 404: the webhook was removed", 0},
		{"webhook busy", webhook, busy, "Slack answered 429: ", 20 * time.Second},
		{"webhook without an answer", webhook, host.HTTPResponse{}, "Slack could not be reached: ", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, _ := newSlack(t, tt.answer)
			got, _ := b.send("slack", alert{event: firing(), settings: tt.settings})
			if got.Outcome != engine.OutcomeFailed || !strings.HasPrefix(got.Why, tt.why) || got.RetryAfter != tt.after || got.NoRetry || strings.Contains(fmt.Sprint(got), "xoxb-secret") {
				t.Errorf("got %+v, want %q after %v", got, tt.why, tt.after)
			}
		})
	}
}
