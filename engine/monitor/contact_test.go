package monitor_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
)

// channel makes an alert plugin one that goes through a channel.
func (b *bench) channel(slug, channel string) {
	entry, _ := b.plugins.Plugin(slug)
	p := *entry.Plugin.(*enginetest.Plugin)
	p.Info.Channel = channel
	b.plugins.Put(engine.PluginEntry{Slug: slug, Plugin: &p, File: entry.File})
}

func TestEscalationSteps(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben := b.user("ada"), b.user("ben")
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		b.editService(s, func(s *engine.Service) {
			s.UsersToNotify = []string{ada.ID}
			s.Escalation = []engine.EscalationStep{{After: engine.Duration(10 * time.Minute), Users: []string{ben.ID}}}
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(30 * time.Minute)}
		})
		time.Sleep(2 * time.Second)
		b.set("web", "ERROR")
		time.Sleep(9 * time.Minute)
		b.wantTold("firing: ada")
		time.Sleep(2 * time.Minute)
		b.wantTold("escalation: ben")
		time.Sleep(31 * time.Minute)
		b.wantTold("repeat: ada ben")
		b.set("web", "")
		time.Sleep(2 * time.Second)
		b.wantTold("recovery: ada ben")
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		forever := time.Duration(0)
		if _, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		b.wantTold("firing: ada") // acknowledged: no step
	})
}

func TestQuietHoursAndContactRules(t *testing.T) {
	in(t, func(b *bench) { // the bubble begins at midnight UTC, 1 January 2000, a Saturday
		b.start()
		ada, ben, cyd := b.user("ada"), b.user("ben"), b.user("cyd")
		b.editUser(ada, func(u *engine.User) { u.QuietHours = []engine.QuietHours{{Start: "22:00", End: "07:00"}} })
		b.editUser(ben, func(u *engine.User) {
			u.ContactRules = []engine.ContactRule{{Channel: "other", Severity: engine.StatusCritical}}
		})
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		b.editService(s, func(s *engine.Service) {
			s.UsersToNotify = []string{ada.ID, ben.ID, cyd.ID}
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(24 * time.Hour), engine.StatusCritical: engine.Duration(24 * time.Hour)}
		})
		b.set("web", "ERROR")
		time.Sleep(time.Hour)
		b.wantTold("firing: cyd")
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 1 || len(d[0].Deferred) != 2 {
			t.Fatalf("held is recorded: %+v", d)
		}
		time.Sleep(6*time.Hour + time.Minute) // ada's window opens at 07:00
		b.wantTold("repeat: ada")
		b.set("web", "CRITICAL")
		time.Sleep(2 * time.Second)
		b.wantTold("escalation: ada ben cyd")
		b.set("web", "")
		time.Sleep(2 * time.Second)
		b.told()
		time.Sleep(16 * time.Hour) // past 22:00 again
		b.set("web", "CRITICAL")
		time.Sleep(2 * time.Second)
		b.wantTold("firing: ada ben cyd") // CRITICAL passes quiet hours
		b.set("web", "")
		time.Sleep(2 * time.Second)
		b.wantTold("recovery: ada ben cyd")
	})
}

func TestFloodLimit(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		b.channel("mail", "phone")
		var services []*engine.Service
		for i := range 5 {
			name := fmt.Sprint("web", i)
			s := b.service(name, []string{"mail"}, b.check(name, nil))
			b.editService(s, func(s *engine.Service) { s.UsersToNotify = []string{ada.ID} })
			services = append(services, s)
		}
		for i := range 5 {
			b.set(fmt.Sprint("web", i), "CRITICAL")
			time.Sleep(5 * time.Second)
		}
		b.wantTold("firing: ada", "firing: ada", "firing: ada")
		if d := b.deliveries(engine.DeliverySkipped); len(d) != 2 || len(d[0].Deferred) != 1 || !strings.Contains(d[0].Deferred[0].Why, "flood limit") {
			t.Errorf("held %+v", d)
		}
		b.set("web4", "")
		for _, s := range services {
			b.editService(s, func(s *engine.Service) {
				s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusCritical: engine.Duration(24 * time.Hour)}
			})
		}
		b.told()
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if got := b.told(); !slices.Equal(got, []string{"firing: ada"}) {
			t.Errorf("told once when the window opens, of the incident still open: %q", got)
		}
	})
}

// TestSMSFloodLimit holds five texts in 15 minutes per user, and that each who
// was left out is told once when the window opens, per incident still open.
func TestSMSFloodLimit(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.channel("mail", "sms")
		ada, ben := b.user("ada"), b.user("ben")
		begun := time.Now()
		var checks []*engine.Check
		for i := range 8 { // one a minute; ben is of the last alone
			c := b.check(fmt.Sprint("web", i), rarely)
			s := b.service(c.Name, []string{"mail"}, c)
			b.editService(s, func(s *engine.Service) {
				s.UsersToNotify = []string{ada.ID}
				if i == 7 {
					s.UsersToNotify = []string{ada.ID, ben.ID}
				}
			})
			b.turn(c, "WARNING") // repeats in two hours
			checks = append(checks, c)
			pass(time.Minute)
		}
		want := slices.Repeat([]string{"firing: ada"}, 5)
		b.wantTold(append(want, "firing: ben")...)
		b.turn(checks[5], "") // it closes before the window opens
		pass(time.Until(begun.Add(15*time.Minute - 10*time.Second)))
		b.wantTold()
		pass(20 * time.Second)
		got := b.told()
		if len(got) != 1 {
			t.Errorf("told %q when the window opened, want one", got)
		}
		pass(40 * time.Second)
		b.wantTold()
		pass(time.Minute) // a minute after the first, as the second contact leaves the window
		got = append(got, b.told()...)
		slices.Sort(got)
		if !slices.Equal(got, []string{"firing: ada", "repeat: ada"}) {
			t.Errorf("told %q, want of web6 for the first time, and of web7, of which ben was told", got)
		}
		pass(90 * time.Minute)
		b.wantTold() // once
	})
}

// TestFloodLimitIsPerUserAndChannel holds that one limit is not another's.
func TestFloodLimitIsPerUserAndChannel(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("sms", false)
		b.start()
		b.channel("mail", "phone")
		b.channel("sms", "sms")
		ada, ben := b.user("ada"), b.user("ben")
		for i := range 6 {
			c := b.check(fmt.Sprint("web", i), rarely)
			s := b.service(c.Name, []string{"mail", "sms"}, c)
			b.editService(s, func(s *engine.Service) {
				s.UsersToNotify = []string{ada.ID}
				if i%2 == 0 {
					s.UsersToNotify = append(s.UsersToNotify, ben.ID)
				}
			})
			b.turn(c, "WARNING")
			pass(time.Second)
		}
		got := map[string]int{}
		b.mu.Lock()
		for _, c := range b.calls {
			for _, u := range c.Users {
				got[u+" by "+c.Plugin]++
			}
		}
		b.mu.Unlock()
		want := map[string]int{"ada by mail": 3, "ada by sms": 5, "ben by mail": 3, "ben by sms": 3}
		if !maps.Equal(got, want) {
			t.Errorf("contacted %v, want %v", got, want)
		}
	})
}

// TestQuietHoursEnd holds that whoever was left out is told when they end, not
// before, once, and of what is open still alone.
func TestQuietHoursEnd(t *testing.T) {
	in(t, func(b *bench) { // midnight UTC is one o'clock in Berlin
		b.start()
		ada, ben := b.user("ada"), b.user("ben")
		b.editUser(ada, func(u *engine.User) {
			u.TimeZone, u.QuietHours = "Europe/Berlin", []engine.QuietHours{{Start: "22:00", End: "07:30"}}
		})
		var checks []*engine.Check
		for i := range 2 {
			c := b.check(fmt.Sprint("web", i), rarely)
			s := b.service(c.Name, []string{"mail"}, c)
			b.editService(s, func(s *engine.Service) {
				s.UsersToNotify = []string{ada.ID, ben.ID}
				s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(48 * time.Hour)}
			})
			b.turn(c, "ERROR")
			pass(time.Second)
			checks = append(checks, c)
		}
		b.wantTold("firing: ben", "firing: ben")
		for _, d := range b.deliveries(engine.DeliverySent) {
			if len(d.Deferred) != 1 || d.Deferred[0].User != ada.ID || d.Deferred[0].Why != "quiet hours until 2000-01-01T06:30:00Z" {
				t.Errorf("held %+v", d.Deferred)
			}
		}
		b.turn(checks[1], "")
		pass(time.Second)
		b.wantTold("recovery: ben")
		pass(time.Until(time.Date(2000, 1, 1, 6, 29, 59, 0, time.UTC)))
		b.wantTold()
		pass(2 * time.Second)
		b.wantTold("repeat: ada")
		pass(12 * time.Hour)
		b.wantTold()
	})
}

// TestQuietHoursAndCritical holds that CRITICAL passes them unless the user says
// otherwise, and that what a silence covers makes nothing CRITICAL.
func TestQuietHoursAndCritical(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben := b.user("ada"), b.user("ben")
		for _, u := range []*engine.User{ada, ben} {
			b.editUser(u, func(u *engine.User) {
				u.QuietHours, u.QuietCritical = []engine.QuietHours{{Start: "22:00", End: "07:00"}}, u.Username == "ben"
			})
		}
		web, db := b.check("web", rarely), b.check("db", rarely)
		s := b.service("Shop", []string{"mail"}, web, db)
		b.editService(s, func(s *engine.Service) { s.UsersToNotify = []string{ada.ID, ben.ID} })
		pass(time.Second)
		silence := b.silence(func(v *engine.Silence) { v.Checks = []string{db.ID} })
		b.turn(db, "CRITICAL")
		b.turn(web, "WARNING")
		pass(time.Second)
		b.wantTold("firing: ") // a room may hear of it
		if err := b.e.Silences.DeleteSilence(b.t.Context(), admin, silence.ID, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b.wantTold("escalation: ada")
	})
}

// TestEscalationStepsWiden holds that a step brings further users, rotas and
// plugins, in order of time, and that steps survive a restart.
func TestEscalationStepsWiden(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("page", false)
		b.start()
		ada, ben, cyd := b.user("ada"), b.user("ben"), b.user("cyd")
		r := engine.NewRota()
		r.Name = "Second line"
		r.Overrides = []engine.RotaOverride{{User: cyd.ID, Start: time.Now(), End: time.Now().Add(24 * time.Hour)}}
		rota, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(30 * time.Second) })
		s := b.service("Shop", []string{"mail"}, c)
		b.editService(s, func(s *engine.Service) {
			s.UsersToNotify = []string{ada.ID}
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(24 * time.Hour)}
			s.Escalation = []engine.EscalationStep{
				{After: engine.Duration(20 * time.Minute), Rotas: []string{rota.ID}, Plugins: []string{"page"}},
				{After: engine.Duration(10 * time.Minute), Users: []string{ben.ID}},
			}
		})
		pass(time.Second)
		b.turn(c, "ERROR")
		begun := time.Now()
		at := func(d time.Duration) {
			pass(time.Until(begun.Add(d)))
		}
		at(10*time.Minute - time.Second)
		b.wantTold("firing: ada")
		at(10*time.Minute + time.Second)
		b.wantTold("escalation: ben")
		b.e.Stop()
		at(15 * time.Minute)
		b.start()
		at(20*time.Minute - time.Second)
		b.wantTold()
		at(20*time.Minute + time.Second)
		b.mu.Lock()
		if len(b.calls) != 1 || b.calls[0].Plugin != "page" || b.calls[0].Kind != engine.AlertFiring || !slices.Equal(b.officers, []string{"cyd"}) {
			t.Errorf("the second step: %+v to %q", b.calls, b.officers)
		}
		b.calls = nil
		b.mu.Unlock()
		b.turn(c, "")
		pass(time.Second)
		got := b.told()
		slices.Sort(got)
		if !slices.Equal(got, []string{"recovery: ", "recovery: ada ben"}) {
			t.Errorf("told %q", got)
		}
	})
}

// TestReachedBeforeTheWindowOpens holds that whom a later event reached all the
// same is not told again when their quiet hours end.
func TestReachedBeforeTheWindowOpens(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		b.editUser(ada, func(u *engine.User) { u.QuietHours = []engine.QuietHours{{Start: "22:00", End: "07:00"}} })
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		b.editService(s, func(s *engine.Service) {
			s.UsersToNotify = []string{ada.ID}
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(48 * time.Hour), engine.StatusCritical: engine.Duration(48 * time.Hour)}
		})
		b.turn(c, "ERROR")
		pass(time.Second)
		b.wantTold("firing: ")
		b.turn(c, "CRITICAL")
		pass(time.Second)
		b.wantTold("escalation: ada")
		pass(10 * time.Hour)
		b.wantTold()
	})
}
