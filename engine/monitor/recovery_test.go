package monitor_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

// TestRecoveryGoesWhereItWasTold holds that a plugin is told of the end with the
// settings it was told of the beginning with, when its service has them no longer.
func TestRecoveryGoesWhereItWasTold(t *testing.T) {
	tests := []struct {
		name   string
		change func(b *bench, s *engine.Service) error
	}{
		{"plugin removed from the service", func(b *bench, s *engine.Service) error {
			b.editService(s, func(s *engine.Service) { s.Alerts = nil })
			b.set("web", "")
			return nil
		}},
		{"service deleted", func(b *bench, s *engine.Service) error {
			return b.e.Targets.DeleteService(b.t.Context(), admin, s.ID, nil)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(b *bench) {
				var rooms []string
				chat := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "chat", Name: "Chat", Kind: engine.AlertPlugin, Version: "1", Hash: "h1",
					Forms: map[engine.FormName]form.Form{engine.ServiceConfigForm: {Fields: []form.Field{{Type: form.Char, Name: "room", Required: true}}}}}}
				chat.OnAlert = func(_ context.Context, in *engine.AlertCall) engine.AlertReport {
					room, _ := in.Service.Settings["room"].(string)
					rooms = append(rooms, string(in.Service.Kind)+" "+room)
					return engine.AlertReport{Outcome: engine.OutcomeSent}
				}
				b.plugins.Put(engine.PluginEntry{Slug: "chat", Plugin: chat})
				b.start()
				s := b.service("Shop", nil, b.check("web", nil))
				b.editService(s, func(s *engine.Service) {
					s.Alerts = []engine.AlertChoice{{Plugin: "chat", Settings: form.Values{"room": "#shop"}}}
				})
				b.set("web", "ERROR")
				time.Sleep(2 * time.Second)
				if err := tt.change(b, s); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Second)
				if want := []string{"firing #shop", "recovery #shop"}; !slices.Equal(rooms, want) {
					t.Errorf("told %q, want %q", rooms, want)
				}
			})
		})
	}
}

// TestRoomHearsThoughEverybodyIsHeld holds that quiet hours and contact rules
// leave out people, not the plugin: a room or a receiver hears of it all the same.
func TestRoomHearsThoughEverybodyIsHeld(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		b.editUser(ada, func(u *engine.User) { u.QuietHours = []engine.QuietHours{{Start: "22:00", End: "07:00"}} })
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		b.editService(s, func(s *engine.Service) { s.UsersToNotify = []string{ada.ID} })
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		b.wantTold("firing: ")
		if d := b.deliveries(engine.DeliverySent); len(d) != 1 || len(d[0].Deferred) != 1 {
			t.Errorf("sent, with ada held: %+v", d)
		}
	})
}

// TestRecoveryIsStoppedByNothing holds that neither the quiet hours of whom it
// is for, nor the flood limit, nor the end of the plugin's file hold it back.
func TestRecoveryIsStoppedByNothing(t *testing.T) {
	in(t, func(b *bench) { // it is night, by UTC
		b.start()
		b.channel("mail", "phone")
		ada := b.user("ada")
		n := 0
		incident := func(firing []string, before func(), recovery ...string) {
			t.Helper()
			n++
			c := b.check(fmt.Sprint("web", n), rarely)
			s := b.service(c.Name, []string{"mail"}, c)
			b.editService(s, func(s *engine.Service) { s.UsersToNotify = []string{ada.ID} })
			b.turn(c, "ERROR")
			pass(time.Second)
			b.wantTold(firing...)
			if before != nil {
				before()
			}
			b.turn(c, "")
			pass(time.Second)
			b.wantTold(recovery...)
		}
		told := []string{"firing: ada"}
		incident(told, nil, "recovery: ada")
		incident(told, nil, "recovery: ada") // the fourth contact within 15 minutes, of three
		incident(nil, nil)                   // nothing was told, and so nothing is taken back
		pass(20 * time.Minute)
		incident(told, func() {
			b.editUser(ada, func(u *engine.User) { u.QuietHours = []engine.QuietHours{{Start: "00:00", End: "23:59"}} })
		}, "recovery: ada")
		b.editUser(ada, func(u *engine.User) { u.QuietHours = nil })
		pass(20 * time.Minute)
		incident(told, func() { // its last version sends
			entry, _ := b.plugins.Plugin("mail")
			entry.Orphaned = true
			b.plugins.Put(entry)
		}, "recovery: ada")
		incident(nil, func() { pass(time.Minute) }) // but nothing else
	})
}
