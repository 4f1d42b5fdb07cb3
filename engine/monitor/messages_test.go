package monitor_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

// wantHeardSorted is wantHeard where plugins are called at once, in no order.
func (b *bench) wantHeardSorted(want ...string) {
	b.t.Helper()
	got := b.heard()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		b.t.Errorf("alerts %q, want %q", got, want)
	}
}

// TestMessagesOfAnIncident holds what leaves during an incident through a plugin
// with send_alert_update, chat, and one without, mail.
func TestMessagesOfAnIncident(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", true)
		b.start()
		one, two, three := b.check("one", rarely), b.check("two", rarely), b.check("three", rarely)
		b.service("Shop", []string{"chat", "mail"}, one, two, three)
		pass(time.Second)
		b.turn(one, "ERROR")
		pass(time.Second)
		b.wantHeardSorted("chat firing", "mail firing")
		b.turn(two, "ERROR")
		pass(20 * time.Second)
		b.turn(three, "WARNING")
		pass(9 * time.Second)
		b.wantHeardSorted() // gathered for 30 s
		pass(2 * time.Second)
		b.mu.Lock()
		for _, c := range b.calls {
			if len(c.Failing) != 3 {
				t.Errorf("the one message names %q", c.Failing)
			}
		}
		b.mu.Unlock()
		b.wantHeardSorted("chat update", "mail update")
		b.turn(two, "")
		pass(time.Second)
		b.wantHeardSorted("chat update") // a check recovers while others fail: to updaters alone
		b.turn(one, "CRITICAL")
		pass(time.Second)
		b.wantHeardSorted("chat escalation", "mail escalation")
		b.turn(one, "")
		pass(time.Second)
		b.wantHeardSorted("chat deescalation", "mail deescalation")
		b.turn(two, "WARNING")
		pass(10 * time.Second)
		b.turn(two, "")
		b.turn(three, "")
		pass(time.Minute)
		b.wantHeardSorted("chat recovery", "mail recovery") // what was gathered is folded in
	})
}

// TestRepeatIntervals holds the intervals by severity, and that the site's and
// the service's own take their place, at least a second.
func TestRepeatIntervals(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		// One check for each: one that fails again and again flaps.
		subject := func(name string) (*engine.Check, *engine.Service) {
			c := b.check(name, rarely)
			s := b.service(name, []string{"mail"}, c)
			pass(time.Second)
			return c, s
		}
		// every asserts that repeats come so far apart, from the event at hand on.
		every := func(gap time.Duration) {
			t.Helper()
			b.heard()
			pass(gap - time.Second)
			b.wantHeard()
			pass(time.Second + 10*time.Millisecond)
			b.wantHeard("mail repeat")
		}
		for severity, gap := range map[string]time.Duration{"WARNING": 2 * time.Hour, "ERROR": time.Hour, "CRITICAL": 10 * time.Minute} {
			c, _ := subject(severity)
			b.turn(c, severity)
			synctest.Wait()
			every(gap)
			every(gap - 10*time.Millisecond)
			b.turn(c, "")
			pass(time.Second)
		}
		settings := b.e.Settings()
		settings.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(3 * time.Minute)}
		if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
			t.Fatal(err)
		}
		c, s := subject("Shop")
		b.turn(c, "ERROR")
		synctest.Wait()
		every(3 * time.Minute)
		b.editService(s, func(s *engine.Service) {
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(40 * time.Second)}
		})
		pass(time.Minute)
		every(20 * time.Second) // a repeat went after 40 s
		edit, _ := b.e.Targets.StoredService(s.ID)
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(time.Second - 1)}
		_, err := b.e.Targets.SaveService(b.t.Context(), admin, edit)
		if e, ok := err.(*engine.Error); !ok || e.Kind != engine.Invalid || e.Fields[0].Location != "repeat_interval.ERROR" || e.Fields[0].Code != "min" {
			t.Errorf("a repeat under a second: %v", err)
		}
		settings = b.e.Settings()
		settings.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusCritical: 1}
		if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); engine.KindOf(err) != engine.Invalid {
			t.Errorf("a repeat of the site under a second: %v", err)
		}
	})
}

// TestLastAlertSent holds that it is the time of the last delivery that
// succeeded, not of one that failed.
func TestLastAlertSent(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.answers["mail"] = []engine.AlertReport{failed("down"), failed("down")}
		b.turn(c, "ERROR")
		pass(500 * time.Millisecond)
		if v, _ := b.e.Targets.Service(s.ID); v.LastAlertSent != nil {
			t.Errorf("sent at %s, and nothing was", v.LastAlertSent)
		}
		pass(time.Minute)
		b.mu.Lock()
		third := b.calls[2].At
		b.mu.Unlock()
		v, _ := b.e.Targets.Service(s.ID)
		if v.LastAlertSent == nil || v.LastAlertSent.Sub(third).Abs() > 10*time.Millisecond {
			t.Fatalf("sent at %v, want %s", v.LastAlertSent, third)
		}
		pass(time.Hour)
		if w, _ := b.e.Targets.Service(s.ID); !w.LastAlertSent.After(*v.LastAlertSent) {
			t.Error("the repeat did not move it")
		}
	})
}
