package monitor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

func TestFiringRepeatRecovery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		u := b.user("ada")
		c := b.check("web", nil)
		s := b.service("Shop", []string{"mail"}, c)
		edit, _ := b.e.Targets.StoredService(s.ID)
		edit.UsersToNotify = []string{u.ID}
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(10 * time.Second)}
		if _, err := b.e.Targets.SaveService(b.t.Context(), admin, edit); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if got := b.overall(s); got != engine.StatusPassing {
			t.Fatalf("overall %s", got)
		}
		b.set("web", "ERROR")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		b.mu.Lock()
		first := b.calls[0]
		b.mu.Unlock()
		if len(first.Users) != 1 || first.Users[0] != "ada" || first.Status != engine.StatusError || len(first.Failing) != 1 {
			t.Errorf("firing %+v", first)
		}
		time.Sleep(20 * time.Second)
		b.wantHeard("mail firing", "mail repeat", "mail repeat")
		b.set("web", "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		last := b.calls[len(b.calls)-1]
		b.mu.Unlock()
		if last.Key != first.Key || last.Delivery == first.Delivery || len(last.Users) != 1 {
			t.Errorf("recovery %+v of firing %+v", last, first)
		}
		b.wantHeard("mail recovery")
		list := b.incidents(nil)
		if len(list) != 1 || list[0].Closed == nil || len(list[0].Events) != 4 {
			t.Fatalf("incidents %+v", list)
		}
		for _, e := range list[0].Events {
			if len(e.Decisions) == 0 || len(e.Deliveries) != 1 {
				t.Errorf("event %s: decisions %v, deliveries %v", e.Kind, e.Decisions, e.Deliveries)
			}
		}
		time.Sleep(time.Minute)
		b.wantHeard()
		if v, _ := b.e.Targets.Service(s.ID); v.LastAlertSent == nil || v.Incident != nil || v.OldOverallStatus != engine.StatusError {
			t.Errorf("service %+v", v.SubjectView)
		}
	})
}

func TestIncidentClosesWhenItsReasonGoes(t *testing.T) {
	type act func(b *bench, c *engine.Check, s *engine.Service) error
	tests := map[string]struct {
		act    act
		reason string
	}{
		"check deleted": {func(b *bench, c *engine.Check, _ *engine.Service) error {
			return b.e.Checks.DeleteCheck(b.t.Context(), admin, c.ID, nil)
		}, "the check web was deleted"},
		"check deactivated": {func(b *bench, c *engine.Check, _ *engine.Service) error {
			edit, _ := b.e.Checks.StoredCheck(c.ID)
			edit.Active = false
			_, err := b.e.Checks.SaveCheck(b.t.Context(), admin, edit)
			return err
		}, "the check web was deactivated"},
		"check unlinked": {func(b *bench, _ *engine.Check, s *engine.Service) error {
			edit, _ := b.e.Targets.StoredService(s.ID)
			edit.StatusChecks = nil
			_, err := b.e.Targets.SaveService(b.t.Context(), admin, edit)
			return err
		}, "failing checks were unlinked"},
		"service deleted": {func(b *bench, _ *engine.Check, s *engine.Service) error {
			return b.e.Targets.DeleteService(b.t.Context(), admin, s.ID, nil)
		}, "the service Shop was deleted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(b *bench) {
				b.start()
				b.set("web", "ERROR")
				c := b.check("web", nil)
				s := b.service("Shop", []string{"mail"}, c)
				time.Sleep(3 * time.Second)
				b.wantHeard("mail firing")
				if err := tt.act(b, c, s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				b.mu.Lock()
				if len(b.calls) == 1 && b.calls[0].Reason != tt.reason {
					t.Errorf("reason %q, want %q", b.calls[0].Reason, tt.reason)
				}
				b.mu.Unlock()
				b.wantHeard("mail recovery")
				no := false
				if list := b.incidents(&no); len(list) != 1 || list[0].Reason != tt.reason {
					t.Errorf("incidents %+v", list)
				}
			})
		})
	}
}

func TestPluginAddedDuringAnIncident(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", false)
		b.start()
		b.set("web", "ERROR")
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(3 * time.Second)
		b.wantHeard("mail firing")
		edit, _ := b.e.Targets.StoredService(s.ID)
		edit.Alerts = append(edit.Alerts, engine.AlertChoice{Plugin: "chat"})
		if _, err := b.e.Targets.SaveService(b.t.Context(), admin, edit); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantHeard("chat firing")
	})
}

func TestAlertsTurnedOffAndOn(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		s := b.service("Shop", []string{"mail"}, c)
		toggle := func(on bool) {
			edit, _ := b.e.Targets.StoredService(s.ID)
			edit.AlertsEnabled = on
			if _, err := b.e.Targets.SaveService(b.t.Context(), admin, edit); err != nil {
				t.Fatal(err)
			}
		}
		toggle(false)
		b.set("web", "ERROR")
		time.Sleep(3 * time.Second)
		b.wantHeard()
		toggle(true)
		time.Sleep(time.Second)
		b.wantHeard("mail firing")
		toggle(false)
		b.set("web", "")
		time.Sleep(2 * time.Second)
		b.wantHeard("mail recovery") // stopped by nothing
	})
}

func TestTestAlert(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(2 * time.Second)
		by := engine.Actor{User: ada.ID, Name: "ada", Role: "operator", Via: "api"}
		if _, err := b.e.Incidents.TestAlert(b.t.Context(), by, serviceRef(s), "nosuch"); engine.KindOf(err) != engine.Invalid {
			t.Errorf("unknown plugin: %v", err)
		}
		d, err := b.e.Incidents.TestAlert(b.t.Context(), by, serviceRef(s), "mail")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantTold("test: ada")
		if got, err := b.e.Incidents.Delivery(b.t.Context(), d.ID); err != nil || got.State != engine.DeliverySent {
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
		if _, err := b.e.Targets.SaveInstance(b.t.Context(), admin, i); err != nil {
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
