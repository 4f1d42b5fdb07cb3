package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

const (
	routingKey    = "0123456789abcdef0123456789abcdef"
	shopKey       = "fedcba98765432100123456789abcdef"
	eventAccepted = `{"status":"success","message":"Event processed","dedup_key":"inc-7"}`
)

func TestPagerDuty(t *testing.T) {
	accepted := reply{status: 202, body: eventAccepted}
	b, pager := newReceiver(t, accepted)
	a := alert{event: firing(), settings: map[string]any{"routing_key": routingKey}, service: map[string]any{"routing_key": shopKey}}
	b.mustSend("pagerduty", a)
	req, body := pager.last()
	if req.Method != "POST" || req.URL != "https://events.pagerduty.com/v2/enqueue" || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"routing_key": shopKey, "event_action": "trigger", "dedup_key": "inc-7", "client": "Moonwatch", "client_url": "https://moon.example/services/s1",
		"links": []any{map[string]any{"href": "https://wiki.example/shop", "text": "Runbook"}, map[string]any{"href": "https://moon.example/checks/c1", "text": "front & page"}},
		"payload": map[string]any{
			"summary": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1. Checks failing: front & page (Wrong code: got 500 (expected 200))",
			"source":  "Shop <1>", "severity": "critical", "timestamp": "2026-03-04T05:06:07Z", "class": "service",
			"custom_details": map[string]any{"incident": "inc-7", "kind": "firing", "status": "CRITICAL",
				"failing": map[string]any{"front & page": "CRITICAL: Wrong code: got 500 (expected 200)"}},
		},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		action   string
		severity any
	}{
		{of(engine.AlertEscalation, engine.StatusError), "trigger", "error"},
		{of(engine.AlertDeescalation, engine.StatusWarning), "trigger", "warning"},
		{of(engine.AlertUpdate, engine.StatusCritical), "trigger", "critical"},
		{of(engine.AlertRepeat, engine.StatusCritical), "trigger", "critical"},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "acknowledge", nil},
		{recovery(), "resolve", nil},
	} {
		pager.answer(accepted)
		a.event = tt.event
		b.mustSend("pagerduty", a)
		_, body = pager.last()
		payload, _ := body["payload"].(map[string]any)
		if body["event_action"] != tt.action || body["dedup_key"] != "inc-7" || body["routing_key"] != shopKey || payload["severity"] != tt.severity || len(pager.requests()) != 1 {
			t.Errorf("%s: got %v, want %s at %v", tt.event.Kind, body, tt.action, tt.severity)
		}
	}

	pager.answer(accepted)
	a.event, a.service = of(engine.AlertTest, engine.StatusPassing), nil
	a.settings["region"] = "eu"
	b.mustSend("pagerduty", a)
	got := pager.requests()
	if len(got) != 2 {
		t.Fatalf("test: got %d requests, want a trigger and its resolve", len(got))
	}
	first, second := decode(t, got[0].Body), decode(t, got[1].Body)
	if got[0].URL != "https://events.eu.pagerduty.com/v2/enqueue" || first["event_action"] != "trigger" || first["routing_key"] != routingKey ||
		first["payload"].(map[string]any)["severity"] != "info" || second["event_action"] != "resolve" || second["dedup_key"] != first["dedup_key"] {
		t.Errorf("test: got %v and %v", first, second)
	}
	a.event, a.update = of(engine.AlertUnacknowledged, engine.StatusCritical), true
	if report, _ := b.send("pagerduty", a); report.Outcome != engine.OutcomeSkipped {
		t.Errorf("unacknowledged: got %+v", report)
	}
}

func TestPagerDutyFaults(t *testing.T) {
	b, pager := newReceiver(t)
	pager.faults(b, "pagerduty", "PagerDuty", alert{event: firing(), settings: map[string]any{"routing_key": routingKey}},
		fault{name: "invalid", answer: reply{status: 400, body: `{"status":"invalid event","message":"Event object is invalid","errors":["'payload.severity' is missing or blank","'payload.source' is missing or blank"]}`},
			why: "PagerDuty answered 400: 'payload.severity' is missing or blank, 'payload.source' is missing or blank", hopeless: true},
		fault{name: "no errors", answer: reply{status: 403, body: `{"status":"forbidden","message":"Forbidden"}`}, why: "PagerDuty answered 403: Forbidden"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a routing key"},
	)
	if _, errs := b.clean("pagerduty", engine.ServiceConfigForm, "s1", map[string]any{"routing_key": "short"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the key", errs)
	}
	event := firing()
	event.Failing[0].Error = strings.Repeat("ä", 5000)
	pager.answer(reply{status: 202, body: eventAccepted})
	b.mustSend("pagerduty", alert{event: event, settings: map[string]any{"routing_key": routingKey}})
	if _, body := pager.last(); len([]rune(body["payload"].(map[string]any)["summary"].(string))) != 1024 {
		t.Errorf("got %v, want the summary cut at 1,024 characters", body)
	}
}
