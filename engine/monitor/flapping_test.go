package monitor_test

import (
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
)

// flap lets a check pass and fail by turns, a minute each, until it flaps: its
// last result passed.
func (b *bench) flap() (*engine.Check, *engine.Service) {
	b.t.Helper()
	c := b.check("web", rarely)
	s := b.service("Shop", []string{"mail"}, c)
	for _, status := range []string{"", "ERROR", "", "ERROR", "", "ERROR", ""} {
		b.turn(c, status)
		pass(time.Minute)
	}
	if v, _ := b.e.Checks.Check(c.ID); !v.Flapping || v.Status != engine.CheckFailing {
		b.t.Fatalf("after six changes: flapping %v, %s", v.Flapping, v.Status)
	}
	return c, s
}

// TestFlappingIsToldOnce holds that a check which flaps is told of once, rises
// and repeats go on, and recovery comes when it has stopped and passes.
func TestFlappingIsToldOnce(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c, s := b.flap()
		heard := b.heard()
		if !slices.Equal(heard, []string{"mail firing", "mail recovery", "mail firing", "mail recovery", "mail firing", "mail update"}) {
			t.Fatalf("heard %q: firings until it flaps, then one message that says so", heard)
		}
		events := b.incidents(nil)[0].Events
		if last := events[len(events)-1]; last.Detail != "further checks failed or began to flap" {
			t.Errorf("the last event says %q", last.Detail)
		}
		for range 8 {
			b.turn(c, "ERROR")
			pass(time.Minute)
			b.turn(c, "")
			pass(time.Minute)
		}
		b.wantHeard() // quiet, though it failed and passed eight times
		b.turn(c, "CRITICAL")
		pass(time.Second)
		b.wantHeard("mail escalation") // rises go on
		pass(10 * time.Minute)
		b.wantHeard("mail repeat") // and repeats
		passes := 0
		for b.overall(s) != engine.StatusPassing && passes < 30 {
			b.turn(c, "")
			pass(time.Second)
			passes++
		}
		if passes < 5 {
			t.Errorf("flapping ended after %d passing results", passes)
		}
		b.wantHeard("mail recovery")
	})
}

// TestAnHourOfPassingEndsFlapping holds that it needs no further result.
func TestAnHourOfPassingEndsFlapping(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c, s := b.flap()
		b.editService(s, func(s *engine.Service) {
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(24 * time.Hour)}
		})
		b.heard()
		pass(30 * time.Minute)
		b.turn(c, "ERROR") // which breaks the passing
		pass(time.Second)
		b.turn(c, "")
		pass(59 * time.Minute)
		b.wantHeard()
		b.wantStatus(c, engine.CheckFailing, "after 59 minutes of passing")
		b.e.Stop() // nor is it lost over a restart
		b.start()
		pass(2 * time.Minute)
		b.wantStatus(c, engine.CheckPassing, "after an hour of passing")
		b.wantHeard("mail recovery")
	})
}
