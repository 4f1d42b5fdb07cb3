package plugins_test

import (
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
)

const workflow = "https://prod-1.westeurope.logic.azure.com:443/workflows/secret-w/triggers/manual/paths/invoke?api-version=2016-06-01&sig=secret-sig"

// cardOf takes the message apart that a workflow gets.
func cardOf(t *testing.T, message map[string]any) map[string]any {
	t.Helper()
	attachments, _ := message["attachments"].([]any)
	if message["type"] != "message" || len(attachments) != 1 {
		t.Fatalf("got %v, want a message with one attachment", message)
	}
	attachment := attachments[0].(map[string]any)
	card := attachment["content"].(map[string]any)
	if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" || card["type"] != "AdaptiveCard" || card["version"] != "1.4" {
		t.Fatalf("got %v, want an Adaptive Card", attachment)
	}
	return card
}

func TestTeams(t *testing.T) {
	b, teams := newReceiver(t, reply{status: 202})
	a := alert{
		event: firing(), settings: map[string]any{"workflow_url": "https://other.example/workflows/secret-all"}, service: map[string]any{"workflow_url": workflow},
		users:    []engine.UserSnapshot{b.user("teams", "ada", map[string]any{"upn": "ada@example.org"})},
		officers: []engine.UserSnapshot{b.user("teams", "eve", nil)},
	}
	b.mustSend("teams", a)
	req, body := teams.last()
	if req.Method != "POST" || req.URL != workflow || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s with %v", req.Method, req.URL, req.Header)
	}
	card := cardOf(t, body)
	want := map[string]any{
		"body": []any{
			map[string]any{"type": "TextBlock", "text": "Service Shop ‹1› reporting CRITICAL status", "size": "Medium", "weight": "Bolder", "wrap": true, "color": "attention"},
			map[string]any{"type": "TextBlock", "wrap": true, "spacing": "Small",
				"text": "**[front & page](https://moon.example/checks/c1)** (CRITICAL): Wrong code: got 500 (expected 200) [Runbook](https://wiki.example/front)"},
			map[string]any{"type": "TextBlock", "text": "<at>ada</at>", "wrap": true},
		},
		"actions": []any{
			map[string]any{"type": "Action.OpenUrl", "title": "Open", "url": "https://moon.example/services/s1"},
			map[string]any{"type": "Action.OpenUrl", "title": "Runbook", "url": "https://wiki.example/shop"},
		},
		"msteams": map[string]any{"width": "Full", "entities": []any{
			map[string]any{"type": "mention", "text": "<at>ada</at>", "mentioned": map[string]any{"id": "ada@example.org", "name": "ada"}},
		}},
	}
	for key, part := range want {
		if !reflect.DeepEqual(card[key], part) {
			t.Errorf("%s: got %v\nwant %v", key, card[key], part)
		}
	}
	for _, tt := range []struct {
		event    engine.AlertSnapshot
		text     string
		colour   string
		mentions int
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Service Shop ‹1› reporting ERROR status", "attention", 1},
		{of(engine.AlertDeescalation, engine.StatusWarning), "Service Shop ‹1› reporting WARNING status", "warning", 0},
		{of(engine.AlertAcknowledged, engine.StatusCritical), "Service Shop ‹1› was acknowledged by ada: on ‹it›", "attention", 0},
		{of(engine.AlertUnacknowledged, engine.StatusCritical), "Service Shop ‹1› is no longer acknowledged", "attention", 0},
		{of(engine.AlertTest, engine.StatusPassing), "Test: Service Shop ‹1› is back to normal", "good", 1},
		{recovery(), "Service Shop ‹1› is back to normal", "good", 1},
	} {
		a.event = tt.event
		b.mustSend("teams", a)
		_, body = teams.last()
		card = cardOf(t, body)
		head := card["body"].([]any)[0].(map[string]any)
		entities := card["msteams"].(map[string]any)["entities"].([]any)
		if head["text"] != tt.text || head["color"] != tt.colour || len(entities) != tt.mentions {
			t.Errorf("%s: got %v with %v, want %q in %s", tt.event.Kind, head, entities, tt.text, tt.colour)
		}
	}
	a.service = nil
	b.mustSend("teams", a)
	if req, _ = teams.last(); req.URL != "https://other.example/workflows/secret-all" {
		t.Errorf("the settings' workflow: got %s", req.URL)
	}
}

func TestTeamsFaults(t *testing.T) {
	b, teams := newReceiver(t)
	base := alert{event: firing(), settings: map[string]any{"workflow_url": workflow}}
	teams.faults(b, "teams", "The Teams workflow", base,
		fault{name: "wrong signature", answer: reply{status: 401, body: `{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated only by Shared Access scheme."}}`},
			why: "The Teams workflow answered 401: its trigger must let anyone call it"},
		fault{name: "off", answer: reply{status: 400, body: `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute workflow 'x' trigger 'manual' with state 'Disabled'."}}`},
			why: "The Teams workflow answered 400: Could not execute workflow"},
		fault{name: "gone", answer: reply{status: 404, body: `{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found."}}`}, why: "The Teams workflow answered 404: The workflow could not be found."},
		fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "Neither this service nor the plugin's settings have a workflow URL"},
	)
	if _, errs := b.clean("teams", engine.ServiceConfigForm, "s1", map[string]any{"workflow_url": "teams"}); len(errs) != 1 {
		t.Errorf("got %+v, want a complaint about the URL", errs)
	}
}

// TestTeamsCardIsSmall holds that a card stays below the 28 KB that Teams takes.
func TestTeamsCardIsSmall(t *testing.T) {
	b, teams := newReceiver(t, reply{status: 202})
	event := firing()
	for range 200 {
		check := event.Failing[0]
		check.Error = strings.Repeat("broken ", 200)
		event.Failing = append(event.Failing, check)
	}
	b.mustSend("teams", alert{event: event, settings: map[string]any{"workflow_url": workflow}})
	if req, _ := teams.last(); len(req.Body) > 28*1024 {
		t.Errorf("got %d bytes", len(req.Body))
	}
}
