package alert

import (
	"testing"
	"time"

	"moonwatch/engine"
)

func TestWhy(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	event := engine.IncidentEvent{ID: "e", Decisions: []engine.Decision{{Step: "plugin mail", Outcome: "queued", Detail: "1 users"}, {Step: "plugin sms", Outcome: "not called", Detail: "it has no send_alert_update"}}}
	mail := func(state engine.DeliveryState, outcome engine.AlertOutcome) engine.Delivery {
		d := engine.Delivery{ID: "d", Plugin: "mail", State: state, Why: "because", Users: []string{"ada"}, DutyOfficers: []string{"bob"},
			Deferred: []engine.Held{{User: "eve", Why: "quiet hours until 07:00"}}}
		if outcome != "" {
			d.Attempts = []engine.Attempt{{At: at, Outcome: string(outcome), Error: "timed out"}}
		}
		return d
	}
	sent := mail(engine.DeliverySent, engine.OutcomeSent)
	nobody := sent
	nobody.Users, nobody.DutyOfficers = nil, nil
	chat := engine.Delivery{ID: "c", Plugin: "chat", State: engine.DeliverySent, Users: []string{"eve"}, Attempts: []engine.Attempt{{At: at, Outcome: string(engine.OutcomeSent)}}}
	for _, c := range []struct {
		name   string
		made   []engine.Delivery
		q      WhyQuery
		answer Paged
		reason string
	}{
		{"sent", []engine.Delivery{sent}, WhyQuery{User: "ada"}, PagedNotified, "mail: it was sent"},
		{"sent to a duty officer", []engine.Delivery{sent}, WhyQuery{User: "bob"}, PagedNotified, "mail: it was sent"},
		{"sent to anybody", []engine.Delivery{sent}, WhyQuery{}, PagedNotified, "mail: it was sent"},
		{"held", []engine.Delivery{sent}, WhyQuery{User: "eve"}, PagedDeferred, "mail: quiet hours until 07:00"},
		{"held, and told elsewhere", []engine.Delivery{sent, chat}, WhyQuery{User: "eve"}, PagedNotified, "chat: it was sent"},
		{"held, asked about one plugin", []engine.Delivery{sent, chat}, WhyQuery{User: "eve", Plugin: "mail"}, PagedDeferred, "mail: quiet hours until 07:00"},
		{"everybody held", []engine.Delivery{nobody}, WhyQuery{}, PagedDeferred, "mail: the plugin was called, with nobody to tell: quiet hours until 07:00"},
		{"a stranger", []engine.Delivery{sent}, WhyQuery{User: "mal"}, PagedNotAsked, "mail: neither a user to notify nor on duty for this event at that time"},
		{"may have reached", []engine.Delivery{mail(engine.DeliveryFailed, engine.OutcomeUnknown)}, WhyQuery{User: "ada"}, PagedNotified, "mail: an attempt ended in a way that may have reached them: timed out"},
		{"failed", []engine.Delivery{mail(engine.DeliveryFailed, engine.OutcomeFailed)}, WhyQuery{User: "ada"}, PagedWaiting, "mail: it failed and is tried again: timed out"},
		{"waits", []engine.Delivery{mail(engine.DeliveryPending, "")}, WhyQuery{User: "ada"}, PagedWaiting, "mail: it waits for its turn"},
		{"superseded", []engine.Delivery{mail(engine.DeliverySuperseded, "")}, WhyQuery{User: "ada"}, PagedSuperseded, "mail: because"},
		{"skipped", []engine.Delivery{mail(engine.DeliverySkipped, engine.OutcomeSkipped)}, WhyQuery{User: "ada"}, PagedSkipped, "mail: because"},
		{"dead", []engine.Delivery{mail(engine.DeliveryDead, engine.OutcomeFailed)}, WhyQuery{User: "ada"}, PagedDead, "mail: because"},
		{"not through a plugin", []engine.Delivery{sent}, WhyQuery{Plugin: "sms"}, PagedNobody, "it has no send_alert_update"},
		{"not for a plugin", []engine.Delivery{sent}, WhyQuery{Plugin: "phone"}, PagedNobody, "this event was not for phone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := why(event, c.made, c.q)
			if got.Answer != c.answer || got.Reason != c.reason {
				t.Errorf("%s %q, want %s %q", got.Answer, got.Reason, c.answer, c.reason)
			}
		})
	}
	silenced := engine.IncidentEvent{ID: "e", Decisions: []engine.Decision{{Step: "hold", Outcome: "held", Detail: "silenced by maintenance"}}}
	if got := why(silenced, nil, WhyQuery{User: "ada"}); got.Answer != PagedNobody || got.Reason != "silenced by maintenance" {
		t.Errorf("silenced: %s %q", got.Answer, got.Reason)
	}
	if got := why(event, []engine.Delivery{sent}, WhyQuery{User: "ada"}); got.Deliveries[0].At == nil || !got.Deliveries[0].At.Equal(at) || got.Deliveries[0].List != engine.ListUsers {
		t.Errorf("the delivery is %+v", got.Deliveries[0])
	}
}
