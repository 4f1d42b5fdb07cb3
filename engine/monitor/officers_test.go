package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestFallbacks holds who is told while nobody is on duty: the rota's fallback,
// else the site's; the default rota serves who names none.
func TestFallbacks(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben, cyd := b.user("ada"), b.user("ben"), b.user("cyd")
		rota := func(name string, change func(*engine.Rota)) string {
			r := engine.NewRota()
			r.Name = name
			r.Overrides = []engine.RotaOverride{{User: ada.ID, Start: time.Now(), End: time.Now().Add(time.Hour)}}
			change(&r)
			saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
			if err != nil {
				t.Fatal(err)
			}
			return saved.ID
		}
		with := rota("With a fallback", func(r *engine.Rota) { r.FallbackUser = ben.ID })
		without := rota("Without", func(*engine.Rota) {})
		settings := b.e.Settings()
		settings.FallbackUser, settings.DefaultRota = cyd.ID, without
		if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
			t.Fatal(err)
		}
		n := 0
		officers := func(when, want string, rotas ...string) {
			t.Helper()
			n++
			c := b.check(fmt.Sprint("web", n), rarely)
			s := b.service(c.Name, []string{"mail"}, c)
			b.editService(s, func(s *engine.Service) { s.Rotas = rotas })
			b.turn(c, "ERROR")
			pass(time.Second)
			b.mu.Lock()
			got := strings.Join(b.officers, " ")
			b.mu.Unlock()
			if got != want {
				t.Errorf("%s, rotas %d: duty officers %q, want %q", when, len(rotas), got, want)
			}
		}
		officers("on duty", "ada", with)
		officers("on duty", "ada", without)
		officers("on duty", "ada", with, without) // once
		officers("on duty, by the default rota", "ada")
		pass(2 * time.Hour)
		officers("nobody on duty", "ben", with)
		officers("nobody on duty", "cyd", without)
		officers("nobody on duty", "ben", with, without)
		officers("nobody on duty, by the default rota", "cyd")
		b.editUser(ben, func(u *engine.User) { u.Active = false })
		officers("the fallback is not active", "cyd", with)
		for _, c := range b.e.OnCall.OnCall() {
			if c.User != cyd.ID || !c.Fallback {
				t.Errorf("on call: %+v", c)
			}
		}
	})
}

// TestOfficersAreNotPaged holds that phone and sms leave duty officers out of
// notices, and of a recovery of which they were not told.
func TestOfficersAreNotPaged(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", false)
		b.start()
		b.channel("mail", "phone")
		ada, ben := b.user("ada"), b.user("ben")
		r := engine.NewRota()
		r.Name = "Primary"
		r.Overrides = []engine.RotaOverride{{User: ada.ID, Start: time.Now(), End: time.Now().Add(time.Hour)},
			{User: ben.ID, Start: time.Now().Add(time.Hour), End: time.Now().Add(10 * time.Hour)}}
		rota, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		one, two := b.check("one", rarely), b.check("two", rarely)
		s := b.service("Shop", []string{"mail", "chat"}, one, two)
		b.editService(s, func(s *engine.Service) {
			s.Rotas = []string{rota.ID}
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(24 * time.Hour), engine.StatusCritical: engine.Duration(24 * time.Hour)}
		})
		want := func(kind engine.AlertKind, phone, chat string) {
			t.Helper()
			pass(time.Second)
			got := map[string]string{}
			for _, d := range b.deliveries(engine.DeliverySent) {
				if d.Kind == kind {
					got[d.Plugin] = strings.Join(d.DutyOfficers, " ")
				}
			}
			if got["mail"] != phone || got["chat"] != chat {
				t.Errorf("%s: duty officers %q by phone and %q by chat, want %q and %q", kind, got["mail"], got["chat"], phone, chat)
			}
		}
		pass(time.Second)
		b.turn(one, "CRITICAL")
		want(engine.AlertFiring, ada.ID, ada.ID)
		b.turn(one, "ERROR")
		want(engine.AlertDeescalation, "", ada.ID)
		b.turn(two, "ERROR")
		pass(31 * time.Second)
		want(engine.AlertUpdate, "", ada.ID)
		pass(2 * time.Hour) // ben is on duty now, and was not told
		b.turn(one, "")
		b.turn(two, "")
		want(engine.AlertRecovery, ada.ID, ada.ID)
	})
}
