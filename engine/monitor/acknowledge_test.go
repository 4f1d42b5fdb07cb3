package monitor_test

import (
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestAcknowledgement(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", true)
		b.start()
		c := b.check("web", nil)
		s := b.service("Shop", []string{"mail", "chat"}, c)
		b.editService(s, func(s *engine.Service) {
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusWarning: engine.Duration(5 * time.Minute), engine.StatusError: engine.Duration(5 * time.Minute)}
		})
		if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{}); engine.KindOf(err) != engine.Conflict {
			t.Errorf("acknowledging what is not failing: %v", err)
		}
		b.set("web", "WARNING")
		time.Sleep(3 * time.Second)
		b.heard()
		ack, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{Comment: "on it"})
		if err != nil || ack.Expires == nil || ack.Expires.Sub(ack.At) != 20*time.Minute {
			t.Fatalf("20 minutes when absent: %+v %v", ack, err)
		}
		time.Sleep(19 * time.Minute)
		b.wantHeard("chat acknowledged") // repeats stop, and mail has no send_alert_update
		time.Sleep(90 * time.Second)
		got := b.heard()
		slices.Sort(got)
		if !slices.Equal(got, []string{"chat repeat", "chat unacknowledged", "mail repeat"}) {
			t.Errorf("ended by time, it is told and the overdue repeat goes at once: %q", got)
		}
		forever := time.Duration(0)
		if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		b.wantHeard("chat acknowledged") // until recovery
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		got = b.heard()
		slices.Sort(got)
		if !slices.Equal(got, []string{"chat escalation", "mail escalation"}) {
			t.Errorf("a rise goes at once while acknowledged: %q", got)
		}
		if v, _ := b.e.Targets.Service(s.ID); v.Acknowledgement != nil {
			t.Error("the rise ended the acknowledgement")
		}
		if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{IncidentKey: "mw-other"}); engine.KindOf(err) != engine.Conflict {
			t.Errorf("another incident's key: %v", err)
		}
		if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
			t.Fatal(err)
		}
		b.set("web", "")
		time.Sleep(2 * time.Second)
		b.heard()
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		got = b.heard()
		slices.Sort(got)
		if !slices.Equal(got, []string{"chat firing", "mail firing"}) {
			t.Errorf("a new incident is never covered by an old acknowledgement: %q", got)
		}
	})
}

// TestUnacknowledgeByHand holds that plugins with send_alert_update are told,
// and that a repeat goes at once when it is overdue, and else when it is due.
func TestUnacknowledgeByHand(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", true)
		b.start()
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail", "chat"}, c)
		pass(time.Second)
		b.turn(c, "CRITICAL") // repeats every 10 minutes
		pass(time.Second)
		b.heard()
		ack := func() {
			t.Helper()
			if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{}); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			b.wantHeard("chat acknowledged")
		}
		ack()
		pass(5 * time.Minute)
		if err := b.e.Incidents.Unacknowledge(b.t.Context(), admin, serviceRef(s)); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b.wantHeard("chat unacknowledged")
		pass(4*time.Minute + 30*time.Second)
		b.wantHeard()
		pass(time.Minute)
		b.wantHeardSorted("chat repeat", "mail repeat")
		ack()
		pass(15 * time.Minute)
		b.wantHeard()
		if err := b.e.Incidents.Unacknowledge(b.t.Context(), admin, serviceRef(s)); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b.wantHeardSorted("chat repeat", "chat unacknowledged", "mail repeat")
		if err := b.e.Incidents.Unacknowledge(b.t.Context(), admin, serviceRef(s)); engine.KindOf(err) != engine.Conflict {
			t.Errorf("ending what is not: %v", err)
		}
	})
}
