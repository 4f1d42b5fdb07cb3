package monitor_test

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
)

func (b *bench) silence(change func(*engine.Silence)) *engine.Silence {
	b.t.Helper()
	s := engine.NewSilence()
	s.StartsAt, s.EndsAt = time.Now(), time.Now().Add(time.Hour)
	change(&s)
	saved, err := b.e.Silences.SaveSilence(b.t.Context(), admin, s)
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func TestSilence(t *testing.T) {
	covers := map[string]func(*engine.Silence, *engine.Check, *engine.Service){
		"service":       func(s *engine.Silence, _ *engine.Check, v *engine.Service) { s.Services = []string{v.ID} },
		"check":         func(s *engine.Silence, c *engine.Check, _ *engine.Service) { s.Checks = []string{c.ID} },
		"check's tag":   func(s *engine.Silence, _ *engine.Check, _ *engine.Service) { s.Tags = []string{"db"} },
		"service's tag": func(s *engine.Silence, _ *engine.Check, _ *engine.Service) { s.Tags = []string{"shop"} },
	}
	for name, cover := range covers {
		t.Run("by "+name, func(t *testing.T) {
			in(t, func(b *bench) {
				b.start()
				c := b.check("web", func(c *engine.Check) { c.Tags = []string{"db"} })
				s := b.service("Shop", []string{"mail"}, c)
				b.editService(s, func(s *engine.Service) { s.Tags = []string{"shop"} })
				b.silence(func(v *engine.Silence) { cover(v, c, s) })
				b.set("web", "ERROR")
				time.Sleep(50 * time.Minute)
				b.wantHeard()
				if b.overall(s) != engine.StatusError {
					t.Error("a silence stops no status")
				}
				if list := b.incidents(nil); len(list) != 1 || len(list[0].Events) != 1 || !strings.Contains(list[0].Events[0].Decisions[0].Detail, "silenced by") {
					t.Errorf("what was held back is an event with its decision: %+v", list)
				}
				time.Sleep(11 * time.Minute)
				b.wantHeard("mail firing")
			})
		})
	}
	t.Run("what was told stands when a silence begins and ends", func(t *testing.T) {
		in(t, func(b *bench) {
			b.start()
			b.set("web", "ERROR")
			c := b.check("web", nil)
			s := b.service("Shop", []string{"mail"}, c)
			time.Sleep(3 * time.Second)
			b.wantHeard("mail firing")
			silence := b.silence(func(v *engine.Silence) { v.Services = []string{s.ID} })
			time.Sleep(30 * time.Minute)
			b.wantHeard()
			if err := b.e.Silences.DeleteSilence(b.t.Context(), admin, silence.ID, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			b.wantHeard() // as severe as was told: the next repeat says so
			b.silence(func(v *engine.Silence) { v.Services = []string{s.ID} })
			b.set("web", "CRITICAL")
			time.Sleep(10 * time.Minute)
			b.wantHeard()
			time.Sleep(51 * time.Minute)
			b.wantHeard("mail escalation")
		})
	})
	t.Run("recovery is stopped by nothing", func(t *testing.T) {
		in(t, func(b *bench) {
			b.start()
			b.set("web", "ERROR")
			s := b.service("Shop", []string{"mail"}, b.check("web", nil))
			time.Sleep(3 * time.Second)
			b.wantHeard("mail firing")
			b.silence(func(v *engine.Silence) { v.Services = []string{s.ID} })
			settings := b.e.Settings()
			settings.PauseAlerts = true
			if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
				t.Fatal(err)
			}
			b.set("web", "")
			time.Sleep(2 * time.Second)
			b.wantHeard("mail recovery")
		})
	})
}

func TestSilenceRecurs(t *testing.T) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	s := engine.NewSilence()
	s.Services = []string{"x"}
	s.TimeZone, s.RRule = "Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU"
	// Sunday 22 March 2026, 02:00 to 04:00 in Berlin; the 29th has no 02:00.
	s.StartsAt = time.Date(2026, 3, 22, 2, 0, 0, 0, berlin)
	s.EndsAt = time.Date(2026, 3, 22, 4, 0, 0, 0, berlin)
	tests := []struct {
		at    time.Time
		holds bool
	}{
		{time.Date(2026, 3, 22, 1, 59, 0, 0, berlin), false},
		{time.Date(2026, 3, 22, 2, 0, 0, 0, berlin), true},
		{time.Date(2026, 3, 22, 4, 0, 0, 0, berlin), false},
		{time.Date(2026, 3, 29, 3, 30, 0, 0, berlin), true},
		{time.Date(2026, 3, 29, 4, 30, 0, 0, berlin), false},
		{time.Date(2026, 4, 5, 3, 0, 0, 0, berlin), true},
		{time.Date(2026, 4, 6, 3, 0, 0, 0, berlin), false},
		{time.Date(2027, 1, 3, 3, 0, 0, 0, berlin), true},
	}
	for _, tt := range tests {
		if got := monitor.SilenceHolds(&s, tt.at); got != tt.holds {
			t.Errorf("at %s: %v, want %v", tt.at, got, tt.holds)
		}
	}
}

func TestSilenceIsValidated(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		s := b.service("Shop", nil)
		now := time.Now()
		tests := map[string]func(*engine.Silence){
			"services[0]": func(v *engine.Silence) { v.Services = []string{"nosuch"} },
			"services":    func(v *engine.Silence) { v.Services = nil },
			"ends_at":     func(v *engine.Silence) { v.EndsAt = v.StartsAt },
			"starts_at":   func(v *engine.Silence) { v.StartsAt = time.Time{}; v.EndsAt = now },
			"rrule":       func(v *engine.Silence) { v.RRule = "FREQ=HOURLY" },
			"time_zone":   func(v *engine.Silence) { v.TimeZone = "Mars/Base" },
		}
		for location, change := range tests {
			v := engine.NewSilence()
			v.Services, v.StartsAt, v.EndsAt = []string{s.ID}, now, now.Add(time.Hour)
			change(&v)
			_, err := b.e.Silences.SaveSilence(b.t.Context(), admin, v)
			if e, ok := err.(*engine.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Location != location {
				t.Errorf("%s: %v", location, err)
			}
		}
	})
}

// TestSilenceOnTheWorstCheck holds that a fall caused by a silence beginning
// sends nothing, that the alerting status goes by what it does not cover, and
// that its end sends what exceeds what was told.
func TestSilenceOnTheWorstCheck(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		web, db := b.check("web", rarely), b.check("db", rarely)
		s := b.service("Shop", []string{"mail"}, web, db)
		pass(time.Second)
		b.turn(web, "WARNING")
		pass(time.Second)
		b.turn(db, "CRITICAL")
		pass(time.Second)
		b.wantHeard("mail firing", "mail escalation")
		silence := b.silence(func(v *engine.Silence) { v.Checks, v.EndsAt = []string{db.ID}, time.Now().Add(24*time.Hour) })
		pass(time.Minute)
		b.wantHeard() // the fall to WARNING is the silence's
		if got := b.overall(s); got != engine.StatusCritical {
			t.Errorf("overall %s: a silence stops no status", got)
		}
		pass(118 * time.Minute)
		b.wantHeard() // not every ten minutes: the alerting status is WARNING
		pass(2 * time.Minute)
		b.wantHeard("mail repeat")
		b.turn(web, "ERROR")
		pass(time.Second)
		b.wantHeard("mail escalation") // of what is not covered
		b.turn(web, "WARNING")
		pass(time.Second)
		b.wantHeard("mail deescalation")
		if err := b.e.Silences.DeleteSilence(b.t.Context(), admin, silence.ID, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b.wantHeard("mail escalation") // CRITICAL exceeds the WARNING that was told last
	})
}

// TestSilenceEndsAsSevereAsTold holds that nothing but the next repeat comes then.
func TestSilenceEndsAsSevereAsTold(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.turn(c, "ERROR") // repeats every hour
		pass(time.Second)
		b.wantHeard("mail firing")
		b.silence(func(v *engine.Silence) { v.Services, v.EndsAt = []string{s.ID}, time.Now().Add(30*time.Minute) })
		pass(59 * time.Minute)
		b.wantHeard()
		pass(2 * time.Minute)
		b.wantHeard("mail repeat")
		b.silence(func(v *engine.Silence) { v.Services, v.EndsAt = []string{s.ID}, time.Now().Add(90*time.Minute) })
		pass(89 * time.Minute)
		b.wantHeard()
		pass(2 * time.Minute)
		b.wantHeard("mail repeat") // it is overdue
	})
}
