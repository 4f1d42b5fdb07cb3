package monitor_test

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestStepThatReachesNobody holds that such a step goes on to the next at once,
// and the last to the fallback.
func TestStepThatReachesNobody(t *testing.T) {
	quiet := func(u *engine.User) { u.QuietHours = []engine.QuietHours{{Start: "00:00", End: "23:59"}} }
	away := func(u *engine.User) { u.Active = false }
	never := func(u *engine.User) { u.ContactRules = []engine.ContactRule{{Channel: "chat"}} }
	fine := func(*engine.User) {}
	for _, c := range []struct {
		name     string
		ben, cyd func(*engine.User)
		fallback string
		after11  []string
	}{
		{name: "quiet hours", ben: quiet, cyd: fine, after11: []string{"escalation: cyd"}},
		{name: "contact rules", ben: never, cyd: fine, after11: []string{"escalation: cyd"}},
		{name: "inactive", ben: away, cyd: fine, after11: []string{"escalation: cyd"}},
		{name: "all steps", ben: quiet, cyd: quiet, fallback: "dan", after11: []string{"escalation: dan"}},
		{name: "the first is reached", ben: fine, cyd: fine, after11: []string{"escalation: ben"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(b *bench) {
				b.start()
				b.channel("mail", "chat")
				ada, ben, cyd, dan := b.user("ada"), b.user("ben"), b.user("cyd"), b.user("dan")
				if c.fallback != "" {
					settings := b.e.Settings()
					settings.FallbackUser = dan.ID
					if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
						t.Fatal(err)
					}
				}
				s := b.service("Shop", []string{"mail"}, b.check("web", nil))
				b.editService(s, func(s *engine.Service) {
					s.UsersToNotify = []string{ada.ID}
					s.Escalation = []engine.EscalationStep{{After: engine.Duration(10 * time.Minute), Users: []string{ben.ID}},
						{After: engine.Duration(50 * time.Minute), Users: []string{cyd.ID}}}
				})
				b.editUser(ben, c.ben)
				b.editUser(cyd, c.cyd)
				time.Sleep(2 * time.Second)
				b.set("web", "ERROR")
				time.Sleep(9 * time.Minute)
				b.told()
				time.Sleep(2 * time.Minute)
				var got []string
				b.mu.Lock()
				for _, one := range b.calls { // a room is called all the same
					if who := append(one.Users, one.Officers...); len(who) > 0 {
						got = append(got, string(one.Kind)+": "+strings.Join(who, " "))
					}
				}
				b.mu.Unlock()
				if strings.Join(got, "; ") != strings.Join(c.after11, "; ") {
					t.Errorf("told %q, want %q", got, c.after11)
				}
				list := b.incidents(nil)
				kinds := map[engine.AlertKind]int{}
				for _, e := range list[0].Events {
					kinds[e.Kind]++
					if e.Kind == engine.AlertEscalation && !strings.HasPrefix(e.Detail, "nobody acknowledged") {
						t.Errorf("a step is told as %q", e.Detail)
					}
				}
				time.Sleep(2 * time.Hour)
				for _, e := range b.incidents(nil)[0].Events {
					if e.Kind == engine.AlertEscalation {
						kinds[e.Kind]--
					}
				}
				if kinds[engine.AlertEscalation] < -1 || c.fallback != "" && kinds[engine.AlertEscalation] != 0 {
					t.Errorf("steps are taken again: %v", kinds)
				}
			})
		})
	}
}
