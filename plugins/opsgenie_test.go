package plugins_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

const opsgenieQueued = `{"result":"Request will be processed","took":0.3,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}`

func TestOpsgenie(t *testing.T) {
	queued := reply{status: 202, body: opsgenieQueued}
	b, opsgenie := newReceiver(t, queued)
	a := alert{event: firing(), settings: map[string]any{"api_key": "secret-all"}, service: map[string]any{"api_key": "secret-shop", "team": "Shop", "tags": "shop, , eu "}}
	b.mustSend("opsgenie", a)
	req, body := opsgenie.last()
	if req.Method != "POST" || req.URL != "https://api.opsgenie.com/v2/alerts" || req.Header.Get("Authorization") != "GenieKey secret-shop" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"message": "Service Shop <1> reporting CRITICAL status", "alias": "inc-7", "priority": "P1", "entity": "Shop <1>", "source": "Moonwatch",
		"description": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1\n" +
			"- front & page (CRITICAL): Wrong code: got 500 (expected 200) Runbook: https://wiki.example/front\nRunbook: https://wiki.example/shop",
		"tags": []any{"shop", "eu"}, "responders": []any{map[string]any{"name": "Shop", "type": "team"}},
		"details": map[string]any{"incident": "inc-7", "kind": "service", "page_url": "https://moon.example/services/s1", "incident_url": "https://moon.example/services/s1", "runbook": "https://wiki.example/shop"},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}
	const path = "/v2/alerts/inc-7/"
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		method   string
		path     string
		field    string
		value    string
		requests int
	}{
		{of(engine.AlertEscalation, engine.StatusError), "PUT", path + "priority", "priority", "P2", 3},
		{of(engine.AlertDeescalation, engine.StatusWarning), "PUT", path + "priority", "priority", "P3", 2},
		{of(engine.AlertRepeat, engine.StatusCritical), "POST", "/v2/alerts", "alias", "inc-7", 1},
		{of(engine.AlertUpdate, engine.StatusCritical), "POST", path + "notes", "source", "Moonwatch", 1},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "POST", path + "acknowledge", "user", "ada", 1},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "POST", path + "unacknowledge", "source", "Moonwatch", 1},
		{recovery(), "POST", path + "close", "note", "Service Shop <1> is back to normal", 1},
		{of(engine.AlertTest, engine.StatusPassing), "POST", path + "close", "note", "This was a test", 2},
	} {
		opsgenie.answer(queued)
		a.event = tt.event
		b.mustSend("opsgenie", a)
		req, body = opsgenie.last()
		if req.Method != tt.method || req.Path != tt.path || body[tt.field] != tt.value || len(opsgenie.requests()) != tt.requests ||
			strings.HasPrefix(req.Path, path) && req.Query.Get("identifierType") != "alias" {
			t.Errorf("%s: got %s %s %v in %d requests, want %+v", tt.event.Kind, req.Method, req.URL, body, len(opsgenie.requests()), tt)
		}
	}
	if first := decode(t, opsgenie.requests()[0].Body); first["priority"] != "P5" || !strings.HasPrefix(first["message"].(string), "Test: ") {
		t.Errorf("test: got %v", first)
	}
	opsgenie.answer(queued)
	b.mustSend("opsgenie", alert{event: firing(), settings: map[string]any{"api_key": "secret-all", "region": "eu"}})
	if req, body = opsgenie.last(); req.URL != "https://api.eu.opsgenie.com/v2/alerts" || req.Header.Get("Authorization") != "GenieKey secret-all" || body["responders"] != nil {
		t.Errorf("Europe: got %s with %v", req.URL, body)
	}
}

func TestOpsgenieFaults(t *testing.T) {
	b, opsgenie := newReceiver(t)
	opsgenie.faults(b, "opsgenie", "Opsgenie", alert{event: firing(), settings: map[string]any{"api_key": "secret-all"}},
		fault{name: "wrong key", answer: reply{status: 401, body: `{"message":"Could not authenticate","took":0.0,"requestId":"r"}`}, why: "Opsgenie answered 401: Could not authenticate"},
		fault{name: "invalid", answer: reply{status: 422, body: `{"message":"Request body is not processable. Please check the errors.","errors":{"message":"Message can not be empty."},"took":0.0,"requestId":"r"}`},
			why: "Opsgenie answered 422: Request body is not processable.", hopeless: true},
		fault{name: "limit", answer: reply{status: 429, body: `{"message":"You are making too many requests!","took":0.0,"requestId":"r"}`, header: map[string]string{"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "60"}},
			why: "Opsgenie answered 429: You are making too many requests!", after: time.Minute},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have an API key"},
	)
	event := firing()
	event.Name = strings.Repeat("ä", 600)
	opsgenie.answer(reply{status: 202, body: opsgenieQueued})
	b.mustSend("opsgenie", alert{event: event, settings: map[string]any{"api_key": "secret-all"}})
	if _, body := opsgenie.last(); len([]rune(body["message"].(string))) != 130 || len([]rune(body["entity"].(string))) != 512 {
		t.Errorf("got %v, want it cut to what Opsgenie takes", body)
	}
	if _, errs := b.clean("opsgenie", engine.SettingsForm, "opsgenie", map[string]any{"region": "mars"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the region", errs)
	}
}
