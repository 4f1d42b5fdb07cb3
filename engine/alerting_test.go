package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

func (b *bench) editService(s *engine.Service, change func(*engine.Service)) {
	b.t.Helper()
	edit, err := b.e.StoredService(s.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&edit)
	if _, err := b.e.SaveService(b.t.Context(), admin, edit); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) editUser(u *engine.User, change func(*engine.User)) {
	b.t.Helper()
	edit, err := b.e.StoredUser(u.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&edit)
	if _, err := b.e.SaveUser(b.t.Context(), admin, edit, "", ""); err != nil {
		b.t.Fatal(err)
	}
}

// told returns the calls so far as "kind: users".
func (b *bench) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []string{}
	for _, c := range b.calls {
		out = append(out, fmt.Sprintf("%s: %s", c.Kind, strings.Join(c.Users, " ")))
	}
	b.calls = nil
	return out
}

func (b *bench) wantTold(want ...string) {
	b.t.Helper()
	if got := b.told(); !slices.Equal(got, want) {
		b.t.Errorf("told %q, want %q", got, want)
	}
}

func serviceRef(s *engine.Service) engine.Ref { return engine.Ref{Kind: engine.KindService, ID: s.ID} }

func TestAcknowledgement(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", true)
		b.start()
		c := b.check("web", nil)
		s := b.service("Shop", []string{"mail", "chat"}, c)
		b.editService(s, func(s *engine.Service) {
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusWarning: engine.Duration(5 * time.Minute), engine.StatusError: engine.Duration(5 * time.Minute)}
		})
		if _, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{}); engine.KindOf(err) != engine.Conflict {
			t.Errorf("acknowledging what is not failing: %v", err)
		}
		b.set("web", "WARNING")
		time.Sleep(3 * time.Second)
		b.heard()
		ack, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{Comment: "on it"})
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
		if _, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
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
		if v, _ := b.e.Service(s.ID); v.Acknowledgement != nil {
			t.Error("the rise ended the acknowledgement")
		}
		if _, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{IncidentKey: "mw-other"}); engine.KindOf(err) != engine.Conflict {
			t.Errorf("another incident's key: %v", err)
		}
		if _, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
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

func (b *bench) silence(change func(*engine.Silence)) *engine.Silence {
	b.t.Helper()
	s := engine.NewSilence()
	s.StartsAt, s.EndsAt = time.Now(), time.Now().Add(time.Hour)
	change(&s)
	saved, err := b.e.SaveSilence(b.t.Context(), admin, s)
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
			if err := b.e.DeleteSilence(b.t.Context(), admin, silence.ID, nil); err != nil {
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
			if _, err := b.e.SaveSettings(b.t.Context(), admin, settings); err != nil {
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
		if got := engine.SilenceHolds(&s, tt.at); got != tt.holds {
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
			_, err := b.e.SaveSilence(b.t.Context(), admin, v)
			if e, ok := err.(*engine.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Location != location {
				t.Errorf("%s: %v", location, err)
			}
		}
	})
}

func TestDependencies(t *testing.T) {
	setup := func(b *bench) (parent, child *engine.Service) {
		b.start()
		fast := func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Second) }
		parent = b.service("Database", []string{"mail"}, b.check("db", fast))
		child = b.service("Shop", []string{"mail"}, b.check("web", fast))
		b.editService(child, func(s *engine.Service) { s.DependsOn = []engine.Ref{serviceRef(parent)} })
		time.Sleep(11 * time.Second)
		return parent, child
	}
	t.Run("a cycle is refused", func(t *testing.T) {
		in(t, func(b *bench) {
			parent, child := setup(b)
			edit, _ := b.e.StoredService(parent.ID)
			edit.DependsOn = []engine.Ref{serviceRef(child)}
			_, err := b.e.SaveService(b.t.Context(), admin, edit)
			if e, ok := err.(*engine.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Code != "cycle" {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("a parent that was told of suppresses", func(t *testing.T) {
		in(t, func(b *bench) {
			_, child := setup(b)
			b.set("db", "ERROR")
			b.set("web", "ERROR")
			time.Sleep(time.Minute)
			b.wantHeard("mail firing") // the database's alone
			list := b.incidents(nil)
			for _, in := range list {
				if in.Subject.ID == child.ID && !strings.Contains(in.Events[len(in.Events)-1].Decisions[0].Detail, "Database") {
					t.Errorf("the decision names the parent: %+v", in.Events)
				}
			}
			b.set("db", "")
			time.Sleep(11 * time.Second)
			got := b.heard()
			slices.Sort(got)
			if !slices.Equal(got, []string{"mail recovery"}) && !slices.Equal(got, []string{"mail firing", "mail recovery"}) {
				t.Errorf("heard %q", got)
			}
			time.Sleep(20 * time.Second)
			if extra := b.heard(); len(got) == 1 && !slices.Equal(extra, []string{"mail firing"}) {
				t.Errorf("a child still open fires on its next failed result: %q", extra)
			}
		})
	})
	t.Run("a parent that passes lets it fire within its results", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("web", "ERROR")
			time.Sleep(12 * time.Second)
			b.wantHeard("mail firing")
		})
	})
	t.Run("a parent that is less severe does not suppress", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("db", "WARNING")
			time.Sleep(15 * time.Second)
			b.wantHeard("mail firing")
			b.set("web", "ERROR")
			time.Sleep(15 * time.Second)
			b.wantHeard("mail firing")
		})
	})
	t.Run("recovery of a suppressed child tells nobody", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("db", "ERROR")
			b.set("web", "ERROR")
			time.Sleep(time.Minute)
			b.heard()
			b.set("web", "")
			time.Sleep(15 * time.Second)
			b.wantHeard()
		})
	})
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
		if _, err := b.e.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{ExpiresIn: &forever}); err != nil {
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
		if len(d) != 1 || len(d[0].Held) != 2 {
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
		entry, _ := b.plugins.Plugin("mail")
		phone := *entry.Plugin.(*fakePlugin)
		phone.meta.Channel = "phone"
		b.plugins.put(engine.PluginEntry{Slug: "mail", Plugin: &phone})
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
		if d := b.deliveries(engine.DeliverySkipped); len(d) != 2 || len(d[0].Held) != 1 || !strings.Contains(d[0].Held[0].Why, "flood limit") {
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

func TestDutyOfficers(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben, cyd := b.user("ada"), b.user("ben"), b.user("cyd")
		r := engine.NewRota()
		r.Name = "Primary"
		now := time.Now()
		r.Overrides = []engine.RotaOverride{{User: ben.ID, Start: now, End: now.Add(time.Hour)}}
		r.FallbackUser = cyd.ID
		saved, err := b.e.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		b.editService(s, func(s *engine.Service) { s.UsersToNotify, s.Rotas = []string{ada.ID}, []string{saved.ID} })
		if err := b.e.DeleteUser(b.t.Context(), admin, cyd.ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting a fallback user: %v", err)
		}
		officers := func() string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return strings.Join(b.officers, " ")
		}
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		if got := officers(); got != "ben" {
			t.Errorf("duty officers %q, want ben", got)
		}
		time.Sleep(2 * time.Hour)
		if got := officers(); got != "cyd" {
			t.Errorf("after the shift %q, want the fallback", got)
		}
		calls := b.e.OnCall()
		if len(calls) != 1 || calls[0].Username != "cyd" || !calls[0].Fallback {
			t.Errorf("on call: %+v", calls)
		}
	})
}

func TestFeedKeepsOldShifts(t *testing.T) {
	in(t, func(b *bench) {
		feed := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20000101T000000Z\r\nDTEND:20000102T000000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:ada\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		var mu sync.Mutex // guards answer and fail
		answer, fail := feed, error(nil)
		b.options = func(o *engine.Options) {
			o.Fetcher = fetchFunc(func() ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				return []byte(answer), fail
			})
		}
		serve := func(text string, err error) {
			mu.Lock()
			defer mu.Unlock()
			answer, fail = text, err
		}
		b.start()
		ada := b.user("ada")
		r := engine.NewRota()
		r.Name, r.ICalURL = "Primary", "https://example.org/duty.ics"
		saved, err := b.e.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		onCall := func(when string) {
			t.Helper()
			if calls := b.e.OnCall(); len(calls) != 1 || calls[0].User != ada.ID || calls[0].Fallback {
				t.Errorf("%s: on call %+v", when, calls)
			}
		}
		onCall("after the save")
		for name, broken := range map[string]string{"cut short": feed[:100], "empty": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "HTML": "<html>"} {
			serve(broken, nil)
			time.Sleep(31 * time.Minute)
			onCall(name)
			if v, _ := b.e.Rota(saved.ID); !v.Stale || len(v.Problems) == 0 || v.Problems[0].Code != "stale" {
				t.Errorf("%s: shown as %+v", name, v.Problems)
			}
		}
		serve("", errDisk)
		b.e.Stop()
		b.start()
		time.Sleep(time.Second)
		onCall("after a restart without the feed")
		serve(feed, nil)
		if v, err := b.e.RefreshRota(b.t.Context(), saved.ID); err != nil || v.Stale {
			t.Errorf("refreshed: %+v %v", v, err)
		}
	})
}

type fetchFunc func() ([]byte, error)

func (f fetchFunc) Fetch(context.Context, string, int64) ([]byte, error) { return f() }

func TestTestAlert(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(2 * time.Second)
		by := engine.Actor{User: ada.ID, Name: "ada", Role: "operator", Via: "api"}
		if _, err := b.e.TestAlert(b.t.Context(), by, serviceRef(s), "nosuch"); engine.KindOf(err) != engine.Invalid {
			t.Errorf("unknown plugin: %v", err)
		}
		d, err := b.e.TestAlert(b.t.Context(), by, serviceRef(s), "mail")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantTold("test: ada")
		if got, err := b.e.Delivery(b.t.Context(), d.ID); err != nil || got.State != engine.DeliverySent {
			t.Errorf("delivery %+v %v", got, err)
		}
		if list := b.incidents(nil); len(list) != 0 {
			t.Errorf("a test opens no incident: %+v", list)
		}
	})
}

func TestInstancesAlert(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("ping", nil)
		i := engine.NewInstance()
		i.Name, i.Address, i.StatusChecks, i.Alerts = "web-1", "192.0.2.1", []string{c.ID}, []engine.AlertChoice{{Plugin: "mail"}}
		if _, err := b.e.SaveInstance(b.t.Context(), admin, i); err != nil {
			t.Fatal(err)
		}
		b.set("ping", "CRITICAL")
		time.Sleep(2 * time.Second)
		b.wantHeard("mail firing")
		b.set("ping", "")
		time.Sleep(2 * time.Second)
		b.wantHeard("mail recovery")
	})
}
