package plugins_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

const alertaTaken = `{"status":"ok","id":"17d8e7ea-b3ba-4bb1-9c5a-29e60865f258","alert":{"severity":"critical"}}`

func alertaSettings() map[string]any {
	return map[string]any{"endpoint": "https://alerta.example/api/", "api_key": "secret-key"}
}

func TestAlerta(t *testing.T) {
	taken := reply{status: 201, body: alertaTaken}
	b, alerta := newReceiver(t, taken)
	a := alert{event: firing(), settings: alertaSettings(), service: map[string]any{"group": "Web"}}
	b.mustSend("alerta", a)
	req, body := alerta.last()
	if req.Method != "POST" || req.URL != "https://alerta.example/api/alert" || req.Header.Get("Authorization") != "Key secret-key" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	want := map[string]any{
		"resource": "Shop <1>", "event": "ServiceStatus", "environment": "Production", "severity": "critical", "service": []any{"Shop <1>"}, "group": "Web",
		"value": "CRITICAL", "origin": "Moonwatch", "type": "moonwatchAlert", "createTime": "2026-03-04T05:06:07.000Z",
		"text": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1\nfront & page: Wrong code: got 500 (expected 200)",
		"attributes": map[string]any{"incident": "inc-7", "moreInfo": `<a href="https://moon.example/services/s1">Moonwatch</a>`,
			"runbook": "https://wiki.example/shop"},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got %v\nwant %v", body, want)
	}

	a.service = map[string]any{"environment": "Development"} // later events go where the incident began
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		severity string // of a report; "" is an action
		action   string
	}{
		{of(engine.AlertEscalation, engine.StatusError), "major", ""},
		{of(engine.AlertUpdate, engine.StatusWarning), "warning", ""},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "", "ack"},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "", "unack"},
		{recovery(), "normal", ""},
	} {
		alerta.answer(taken)
		a.event = tt.event
		a.event.Name = "Renamed"
		b.mustSend("alerta", a)
		req, body = alerta.last()
		if tt.action != "" {
			if req.Method != "PUT" || req.Path != "/api/alert/17d8e7ea-b3ba-4bb1-9c5a-29e60865f258/action" || body["action"] != tt.action || len(alerta.requests()) != 1 {
				t.Errorf("%s: got %s %s %v", tt.event.Kind, req.Method, req.URL, body)
			}
		} else if body["severity"] != tt.severity || body["resource"] != "Shop <1>" || body["environment"] != "Production" {
			t.Errorf("%s: got %v, want %s of the same alert", tt.event.Kind, body, tt.severity)
		}
	}
	b.mustSend("alerta", a) // the incident is over: the next one begins anew
	if _, body = alerta.last(); body["resource"] != "Renamed" || body["environment"] != "Development" {
		t.Errorf("got %v", body)
	}
	a.event = of(engine.AlertTest, engine.StatusPassing)
	b.mustSend("alerta", a)
	if _, body = alerta.last(); body["event"] != "Test" || body["severity"] != "informational" || body["timeout"] != 60.0 {
		t.Errorf("test: got %v", body)
	}
}

// TestAlertaAcknowledges covers an acknowledgement of which Alerta heard first.
func TestAlertaAcknowledges(t *testing.T) {
	b, alerta := newReceiver(t, reply{status: 201, body: alertaTaken}, reply{status: 200, body: `{"status":"ok"}`})
	b.now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	a := alert{event: of(engine.AlertAcknowledged, engine.StatusCritical), settings: alertaSettings()}
	until := b.now.Add(20 * time.Minute)
	a.event.Acknowledgement.ExpiresAt = &until
	b.mustSend("alerta", a)
	req, body := alerta.last()
	if want := map[string]any{"action": "ack", "text": "by ada: on <it>", "timeout": 1200.0}; len(alerta.requests()) != 2 || !reflect.DeepEqual(body, want) {
		t.Errorf("got %s %v in %d requests, want %v", req.URL, body, len(alerta.requests()), want)
	}
	a.update = true
	alerta.answer(reply{status: 409, body: `{"status":"error","message":"alert is already in ack status","code":409}`})
	if report, _ := b.send("alerta", a); report.Outcome != engine.OutcomeSkipped {
		t.Errorf("acknowledged there already: got %+v", report)
	}
	alerta.answer(reply{status: 500, body: `{"status":"error","message":"failed"}`})
	if report, _ := b.send("alerta", a); report.Outcome != engine.OutcomeFailed || report.Why != "Alerta answered 500: failed" {
		t.Errorf("got %+v", report)
	}
}

func TestAlertaFaults(t *testing.T) {
	b, alerta := newReceiver(t)
	alerta.faults(b, "alerta", "Alerta", alert{event: firing(), settings: alertaSettings()},
		fault{name: "wrong key", answer: reply{status: 401, body: `{"status":"error","code":401,"message":"API key parameter 'secret-key' is invalid","errors":null}`}, why: "Alerta answered 401: API key parameter '***' is invalid"},
		fault{name: "policy", answer: reply{status: 403, body: `{"status":"error","code":403,"message":"[POLICY] Alerta environment must be one of Production, Development","errors":null}`},
			why: "Alerta answered 403: [POLICY] Alerta environment must be one of Production, Development"},
		fault{name: "a page, no API", answer: reply{status: 200, body: "<html>"}, why: "Alerta answered 200"},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "The endpoint must be set in the plugin's settings, or by ALERTA_ENDPOINT"},
	)
	alerta.answer(reply{status: 202, body: `{"status":"ok","message":"suppressed by blackout period","id":"17d8"}`})
	b.mustSend("alerta", alert{event: firing(), settings: with(alertaSettings(), map[string]any{"api_key": nil})})
	if req, _ := alerta.last(); strings.Contains(req.Header.Get("Authorization"), "Key") {
		t.Errorf("got %v, want no key", req.Header)
	}
}
