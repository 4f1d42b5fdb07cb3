package plugins_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestWebhook(t *testing.T) {
	var got struct {
		header http.Header
		method string
		body   string
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.header, got.method, got.body = r.Header, r.Method, string(body)
	}))
	defer server.Close()
	b := newBench(t, nil)
	event := firing()
	event.Acknowledgement = &engine.AcknowledgementSnapshot{User: "ada", Comment: "on it", At: event.EventAt}
	report, _ := b.send("webhook", alert{
		event:   event,
		service: map[string]any{"url": server.URL, "secret": "very secret", "headers": "Authorization: Bearer abcdefgh\nContent-Type: text/plain"},
		users:   []engine.UserSnapshot{b.user("webhook", "ada", nil)},
	})
	if report.Outcome != engine.OutcomeSent {
		t.Fatalf("got %+v", report)
	}
	h := got.header
	if got.method != "POST" || h.Get("Content-Type") != "application/json" || h.Get("Authorization") != "Bearer abcdefgh" || h.Get("X-Moonwatch-Delivery") != "d-1" {
		t.Errorf("got %s with %v", got.method, h)
	}
	stamp, err := strconv.ParseInt(h.Get("X-Moonwatch-Timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(stamp, 0)).Abs() > 5*time.Second {
		t.Errorf("got timestamp %q", h.Get("X-Moonwatch-Timestamp"))
	}
	mac := hmac.New(sha256.New, []byte("very secret"))
	fmt.Fprintf(mac, "%d.%s", stamp, got.body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); h.Get("X-Moonwatch-Signature") != want {
		t.Errorf("got signature %s, want %s", h.Get("X-Moonwatch-Signature"), want)
	}
	record := map[string]any{
		"id": "c1", "name": "front & page", "plugin": "http", "importance": "CRITICAL", "severity": "CRITICAL", "unknown": false,
		"error": "Wrong code: got 500 (expected 200)", "message": "", "since": "2026-03-04T05:04:07Z",
		"page_url": "https://moon.example/checks/c1", "runbook_link": "https://wiki.example/front",
	}
	passing := map[string]any{
		"id": "c2", "name": "database", "plugin": "tcp", "importance": "ERROR", "severity": "", "unknown": false,
		"error": "", "message": "", "since": "2026-03-04T04:06:07Z", "page_url": "", "runbook_link": "",
	}
	want := map[string]any{
		"version": 1.0, "kind": "firing", "incident_key": "inc-7", "delivery_id": "d-1", "alert_number": 1.0,
		"event_at": "2026-03-04T05:06:07Z", "incident_opened_at": "2026-03-04T05:05:07Z",
		"message": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1. Checks failing: front & page (Wrong code: got 500 (expected 200))",
		"subject": map[string]any{
			"kind": "service", "id": "s1", "name": "Shop <1>", "url": "https://shop.example", "address": "", "page_url": "https://moon.example/services/s1", "incident_url": "https://moon.example/services/s1",
			"runbook_link": "https://wiki.example/shop", "overall_status": "CRITICAL", "old_overall_status": "PASSING", "worst_status": "CRITICAL",
		},
		"failing_checks": []any{record}, "passing_checks": []any{passing},
		"acknowledgement": map[string]any{"user": "ada", "comment": "on it", "at": "2026-03-04T05:06:07Z", "expires_at": nil},
		"users":           []any{map[string]any{"username": "ada", "first_name": "Ada", "last_name": "", "email": "ada@example.org"}},
		"duty_officers":   []any{},
	}
	if body := decode(t, got.body); !reflect.DeepEqual(body, want) {
		t.Errorf("got body\n%v\nwant\n%v", body, want)
	}

	report, _ = b.send("webhook", alert{event: recovery(), service: map[string]any{"url": server.URL}})
	if body := decode(t, got.body); report.Outcome != engine.OutcomeSent || body["kind"] != "recovery" || body["acknowledgement"] != nil ||
		!reflect.DeepEqual(body["failing_checks"], []any{}) || got.header.Get("X-Moonwatch-Signature") != "" {
		t.Errorf("got %+v with %v", report, body)
	}
	acknowledged := event
	acknowledged.Kind = engine.AlertAcknowledged
	report, _ = b.send("webhook", alert{event: acknowledged, update: true, service: map[string]any{"url": server.URL}})
	if body := decode(t, got.body); report.Outcome != engine.OutcomeSent || body["kind"] != "acknowledged" {
		t.Errorf("got %+v with %v", report, body)
	}
}

func TestWebhookFaults(t *testing.T) {
	b := newBench(t, nil)
	b.now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var status int
	var header map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "sorry,\n  not now")
	}))
	defer server.Close()
	for _, tt := range []struct {
		name   string
		status int
		header map[string]string
		why    string // "" is sent
		after  time.Duration
	}{
		{name: "accepted", status: 202},
		{name: "no content", status: 204},
		{name: "error", status: 500, why: "The webhook answered 500: sorry, not now"},
		{name: "not found is tried again", status: 404, why: "The webhook answered 404: sorry, not now"},
		{name: "too many", status: 429, header: map[string]string{"Retry-After": "30"}, why: "The webhook answered 429", after: 30 * time.Second},
		{name: "unavailable", status: 503, header: map[string]string{"Retry-After": "Wed, 04 Mar 2026 05:07:07 GMT"}, why: "The webhook answered 503", after: time.Minute},
		{name: "a day is too long", status: 503, header: map[string]string{"Retry-After": "86400"}, why: "The webhook answered 503", after: 15 * time.Minute},
		{name: "nonsense", status: 503, header: map[string]string{"Retry-After": "later"}, why: "The webhook answered 503"},
		{name: "in the past", status: 503, header: map[string]string{"Retry-After": "-1"}, why: "The webhook answered 503"},
		{name: "other codes do not say when", status: 500, header: map[string]string{"Retry-After": "30"}, why: "The webhook answered 500"},
		{name: "moved", status: 301, header: map[string]string{"Location": "https://new.example/"}, why: "The webhook answered 301: it has moved to https://new.example/; change its URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header = tt.status, tt.header
			got, _ := b.send("webhook", alert{event: firing(), service: map[string]any{"url": server.URL}})
			want := engine.OutcomeFailed
			if tt.why == "" {
				want = engine.OutcomeSent
			}
			if got.Outcome != want || !strings.HasPrefix(got.Why, tt.why) || got.RetryAfter != tt.after || got.NoRetry {
				t.Errorf("got %+v, want %s %q after %v", got, want, tt.why, tt.after)
			}
		})
	}
	got, _ := b.send("webhook", alert{event: firing(), service: map[string]any{"url": fmt.Sprintf("http://127.0.0.1:%d", closedPort(t))}})
	if got.Outcome != engine.OutcomeFailed || !strings.HasPrefix(got.Why, "The webhook could not be reached: connection refused") {
		t.Errorf("got %+v", got)
	}
	got, _ = b.send("webhook", alert{event: firing()})
	if got.Outcome != engine.OutcomeFailed || got.Why != "This service has no webhook URL" {
		t.Errorf("got %+v", got)
	}
	if _, errs := b.clean("webhook", engine.ServiceConfigForm, "s1", map[string]any{"secret": "short"}); len(errs) != 2 {
		t.Errorf("got %+v, want complaints about url and secret", errs)
	}
}
