package engine

import (
	"testing"
	"time"
)

func TestWhy(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	event := IncidentEvent{ID: "e", Decisions: []Decision{{"plugin mail", "queued", "1 users"}, {"plugin sms", "not called", "it has no send_alert_update"}}}
	mail := func(state DeliveryState, outcome AlertOutcome) Delivery {
		d := Delivery{ID: "d", Plugin: "mail", State: state, Why: "because", Users: []string{"ada"}, DutyOfficers: []string{"bob"},
			Held: []Held{{"eve", "quiet hours until 07:00"}}}
		if outcome != "" {
			d.Attempts = []Attempt{{At: at, Outcome: string(outcome), Error: "timed out"}}
		}
		return d
	}
	sent := mail(DeliverySent, OutcomeSent)
	nobody := sent
	nobody.Users, nobody.DutyOfficers = nil, nil
	chat := Delivery{ID: "c", Plugin: "chat", State: DeliverySent, Users: []string{"eve"}, Attempts: []Attempt{{At: at, Outcome: string(OutcomeSent)}}}
	for _, c := range []struct {
		name   string
		made   []Delivery
		q      WhyQuery
		answer Paged
		reason string
	}{
		{"sent", []Delivery{sent}, WhyQuery{User: "ada"}, PagedTold, "mail: it was sent"},
		{"sent to a duty officer", []Delivery{sent}, WhyQuery{User: "bob"}, PagedTold, "mail: it was sent"},
		{"sent to anybody", []Delivery{sent}, WhyQuery{}, PagedTold, "mail: it was sent"},
		{"held", []Delivery{sent}, WhyQuery{User: "eve"}, PagedHeld, "mail: quiet hours until 07:00"},
		{"held, and told elsewhere", []Delivery{sent, chat}, WhyQuery{User: "eve"}, PagedTold, "chat: it was sent"},
		{"held, asked about one plugin", []Delivery{sent, chat}, WhyQuery{User: "eve", Plugin: "mail"}, PagedHeld, "mail: quiet hours until 07:00"},
		{"everybody held", []Delivery{nobody}, WhyQuery{}, PagedHeld, "mail: the plugin was called, with nobody to tell: quiet hours until 07:00"},
		{"a stranger", []Delivery{sent}, WhyQuery{User: "mal"}, PagedNotAsked, "mail: neither a user to notify nor on duty for this event at that time"},
		{"may have reached", []Delivery{mail(DeliveryFailed, OutcomeUnknown)}, WhyQuery{User: "ada"}, PagedTold, "mail: an attempt ended in a way that may have reached them: timed out"},
		{"failed", []Delivery{mail(DeliveryFailed, OutcomeFailed)}, WhyQuery{User: "ada"}, PagedWaiting, "mail: it failed and is tried again: timed out"},
		{"waits", []Delivery{mail(DeliveryPending, "")}, WhyQuery{User: "ada"}, PagedWaiting, "mail: it waits for its turn"},
		{"superseded", []Delivery{mail(DeliverySuperseded, "")}, WhyQuery{User: "ada"}, PagedSuperseded, "mail: because"},
		{"skipped", []Delivery{mail(DeliverySkipped, OutcomeSkipped)}, WhyQuery{User: "ada"}, PagedSkipped, "mail: because"},
		{"dead", []Delivery{mail(DeliveryDead, OutcomeFailed)}, WhyQuery{User: "ada"}, PagedDead, "mail: because"},
		{"not through a plugin", []Delivery{sent}, WhyQuery{Plugin: "sms"}, PagedNobody, "it has no send_alert_update"},
		{"not for a plugin", []Delivery{sent}, WhyQuery{Plugin: "phone"}, PagedNobody, "this event was not for phone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := why(event, c.made, c.q)
			if got.Answer != c.answer || got.Reason != c.reason {
				t.Errorf("%s %q, want %s %q", got.Answer, got.Reason, c.answer, c.reason)
			}
		})
	}
	silenced := IncidentEvent{ID: "e", Decisions: []Decision{{"hold", "held", "silenced by maintenance"}}}
	if got := why(silenced, nil, WhyQuery{User: "ada"}); got.Answer != PagedNobody || got.Reason != "silenced by maintenance" {
		t.Errorf("silenced: %s %q", got.Answer, got.Reason)
	}
	if got := why(event, []Delivery{sent}, WhyQuery{User: "ada"}); got.Deliveries[0].At == nil || !got.Deliveries[0].At.Equal(at) || got.Deliveries[0].List != ListUsers {
		t.Errorf("the delivery is %+v", got.Deliveries[0])
	}
}
