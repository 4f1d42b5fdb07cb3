package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

// channel makes an alert plugin one that goes through a channel.
func (b *bench) channel(slug, channel string) {
	entry, _ := b.plugins.Plugin(slug)
	p := *entry.Plugin.(*fakePlugin)
	p.meta.Channel = channel
	b.plugins.put(engine.PluginEntry{Slug: slug, Plugin: &p, File: entry.File})
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
