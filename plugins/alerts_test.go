package plugins_test

import (
	"strings"
	"testing"

	"moonwatch/engine"
)

// willing is settings with which each plugin that asks a server of somebody else sends.
func willing() map[string]alert {
	hook := map[string]any{"webhook_url": "https://chat.example/hooks/1/messages?key=1"}
	return map[string]alert{
		"discord": {settings: hook}, "mattermost": {settings: hook}, "rocketchat": {settings: hook}, "google_chat": {settings: hook},
		"teams": {settings: map[string]any{"workflow_url": workflow}}, "matrix": {settings: matrixSettings()}, "telegram": {settings: telegramSettings()},
		"ntfy": {service: map[string]any{"topic": "shop"}}, "gotify": {settings: map[string]any{"server": "https://push.example", "token": "secret-1"}},
		"pushover":  {settings: map[string]any{"token": "secret-1"}, service: map[string]any{"group_key": "secret-2"}},
		"pagerduty": {settings: map[string]any{"routing_key": routingKey}}, "opsgenie": {settings: map[string]any{"api_key": "secret-1"}},
		"alerta": {settings: alertaSettings()}, "twilio_call": {settings: twilioSettings()}, "twilio_sms": {settings: twilioSettings()},
		"webhook": {service: map[string]any{"url": "https://hook.example"}}, "slack": {settings: map[string]any{"token": "xoxb-1", "channel": "#a"}},
	}
}

// welcome is an answer in which the success of every receiver is.
func welcome(slug string) reply {
	answer := reply{status: 200, body: `{"ok":true,"success":true,"event_id":"$1","id":"1","result":{"message_id":1},"status":"ok"}`}
	switch slug {
	case "pagerduty":
		answer.status = 202
	case "twilio_call", "twilio_sms":
		answer.status = 201
	case "pushover":
		answer.body = `{"status":1}`
	}
	return answer
}

// TestAlertsOfEveryKind holds that every plugin takes every kind of event, with
// nobody to tell and with the oddest of services, without an error of its own.
func TestAlertsOfEveryKind(t *testing.T) {
	odd := engine.CheckRecord{ID: "c9", Name: "\xff<@everyone> *_`~|>[]()&\"'\\\n\t\u202e", Severity: engine.StatusWarning, Error: strings.Repeat("<b>\xf0\x9f", 200)}
	bare := func(kind engine.AlertKind, status engine.Status) engine.AlertSnapshot {
		s := of(kind, status)
		s.Subject.Kind, s.URL, s.PageURL, s.RunbookLink, s.Acknowledgement = engine.KindInstance, "", "", "", nil
		s.Failing, s.Passing = nil, nil
		return s
	}
	crowded := func(kind engine.AlertKind, status engine.Status) engine.AlertSnapshot {
		s := of(kind, status)
		s.Name = strings.Repeat(odd.Name, 4)
		n := 30
		switch kind { // those whose texts differ the most; a long list is cut alike for the others
		case engine.AlertFiring, engine.AlertRecovery, engine.AlertUpdate, engine.AlertAcknowledged:
			n = 300
		}
		for range n {
			s.Failing = append(s.Failing, odd)
		}
		return s
	}
	const most = 64 << 10 // bytes of a body: a limit that no receiver is beyond
	for slug, base := range willing() {
		t.Run(slug, func(t *testing.T) {
			b, receiver := newReceiver(t, welcome(slug))
			for _, kind := range []engine.AlertKind{engine.AlertFiring, engine.AlertEscalation, engine.AlertDeescalation, engine.AlertUpdate, engine.AlertRepeat,
				engine.AlertRecovery, engine.AlertAcknowledged, engine.AlertUnacknowledged, engine.AlertTest} {
				status := engine.StatusCritical
				if kind == engine.AlertRecovery {
					status = engine.StatusPassing
				}
				for name, event := range map[string]engine.AlertSnapshot{"plain": of(kind, status), "bare": bare(kind, status), "crowded": crowded(kind, status)} {
					receiver.answer(welcome(slug))
					a := base
					a.event, a.update = event, isUpdate(kind) && b.plugin(slug).Meta().HasUpdate
					if name == "crowded" {
						a.users = []engine.UserSnapshot{b.user(slug, "ada", nil)}
					}
					got, _ := b.send(slug, a)
					if got.Outcome != engine.OutcomeSent && got.Outcome != engine.OutcomeSkipped {
						t.Errorf("%s, %s: got %+v", kind, name, got)
					}
					for _, req := range receiver.requests() {
						if len(req.Body) > most && slug != "webhook" && slug != "slack" {
							t.Errorf("%s, %s: the body has %d bytes", kind, name, len(req.Body))
						}
					}
				}
			}
		})
	}
}
