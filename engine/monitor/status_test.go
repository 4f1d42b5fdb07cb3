package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/form"
)

// rarely is for checks that run when a test says so.
func rarely(c *engine.Check) { c.Interval = engine.Duration(300 * 24 * time.Hour) }

// turn runs a check by hand with a status, once a run under way has ended.
func (b *bench) turn(c *engine.Check, status string) {
	b.t.Helper()
	synctest.Wait()
	b.set(c.Name, status)
	if _, err := b.e.RunCheck(b.t.Context(), c.ID); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) editCheck(c *engine.Check, change func(*engine.Check)) {
	b.t.Helper()
	edit, err := b.e.Checks.StoredCheck(c.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&edit)
	if _, err := b.e.Checks.SaveCheck(b.t.Context(), admin, edit); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wantStatus(c *engine.Check, want engine.CheckStatus, when string) {
	b.t.Helper()
	if v, _ := b.e.Checks.Check(c.ID); v.Status != want {
		b.t.Errorf("%s: the check is %s, want %s", when, v.Status, want)
	}
}

// TestOverallFollowsLinks holds that a link and an unlink move the status at
// once, without a result.
func TestOverallFollowsLinks(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "ERROR")
		b.set("db", "CRITICAL")
		web, db := b.check("web", rarely), b.check("db", rarely)
		s := b.service("Shop", []string{"mail"})
		pass(time.Second)
		want := func(status engine.Status, heard ...string) {
			t.Helper()
			pass(time.Second)
			if got := b.overall(s); got != status {
				t.Errorf("overall %s, want %s", got, status)
			}
			b.wantHeard(heard...)
		}
		link := func(checks ...*engine.Check) {
			b.editService(s, func(s *engine.Service) {
				s.StatusChecks = nil
				for _, c := range checks {
					s.StatusChecks = append(s.StatusChecks, c.ID)
				}
			})
		}
		want(engine.StatusPassing)
		link(web)
		want(engine.StatusError, "mail firing")
		link(web, db)
		want(engine.StatusCritical, "mail escalation")
		link(web)
		want(engine.StatusError, "mail deescalation")
		link()
		want(engine.StatusPassing, "mail recovery")
		if n := len(b.results(web)) + len(b.results(db)); n != 2 {
			t.Errorf("%d results, want those of the saves alone", n)
		}
	})
}

// TestPluginGoneIsNoticed holds that a plugin's absence, and its return, show
// within a minute, however rarely its checks run.
func TestPluginGoneIsNoticed(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.editCheck(c, func(c *engine.Check) { c.UnknownAfter = engine.Duration(10 * time.Minute) })
		pass(time.Second)
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.Put(entry)
		pass(61 * time.Second)
		b.wantStatus(c, engine.CheckUnknown, "its plugin is gone")
		b.wantHeard()
		pass(10 * time.Minute)
		if got := b.overall(s); got != engine.StatusWarning {
			t.Errorf("overall %s after unknown_after", got)
		}
		b.wantHeard("mail firing")
		entry.Orphaned = false
		b.plugins.Put(entry)
		pass(61 * time.Second)
		b.wantStatus(c, engine.CheckPassing, "its plugin is back")
		b.wantHeard("mail recovery")
	})
}

// TestEditKeepsStatus holds that an edit keeps status and counters, and that one
// of the configuration shows PENDING and closes nothing until the first result.
func TestEditKeepsStatus(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", func(c *engine.Check) { rarely(c); c.Debounce, c.RecoverAfter = 2, 1 })
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.turn(c, "ERROR")
		b.turn(c, "ERROR")
		b.set("site", "ERROR") // it runs at once: the third failure in a row
		b.editCheck(c, func(c *engine.Check) { c.Name, c.RunbookLink = "site", "https://example.org/" })
		pass(time.Second)
		if got := b.overall(s); got != engine.StatusError {
			t.Errorf("overall %s: the edit lost the failures before it", got)
		}
		b.wantHeard("mail firing")
		b.set("site", "slow 3s")
		b.editCheck(c, func(c *engine.Check) { c.Tags = []string{"shop"} })
		pass(time.Second)
		b.wantStatus(c, engine.CheckFailing, "its tags were edited")
		pass(5 * time.Second)
		b.wantHeard("mail recovery")
		for range 3 {
			b.set("site", "ERROR")
			if _, err := b.e.RunCheck(b.t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		b.wantHeard("mail firing")
		b.set("site", "slow 3s")
		b.editCheck(c, func(c *engine.Check) { c.Config = form.Values{"target": "y", "password": "hunter22"} })
		pass(time.Second)
		b.wantStatus(c, engine.CheckPending, "its configuration was edited")
		if got := b.overall(s); got != engine.StatusError {
			t.Errorf("overall %s: the edit alone must not close the incident", got)
		}
		b.wantHeard()
		pass(5 * time.Second)
		b.wantStatus(c, engine.CheckPassing, "after its first result")
		b.wantHeard("mail recovery")
	})
}

// TestImportedChecksRun holds when checks run after an import: within a minute
// when they have no result of their last slot, spread, else on their grid.
func TestImportedChecksRun(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		old := b.check("old", func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Minute) })
		pass(25 * time.Minute)
		at := b.started("old")
		next := at[len(at)-1].Add(10 * time.Minute)
		var text strings.Builder
		fmt.Fprintf(&text, "moonwatch: 1\nchecks:\n- name: old\n  interval: 10m\n  plugin: probe\n  config: {target: x, password: hunter22}\n  tags: [new]\n")
		for i := range 30 {
			fmt.Fprintf(&text, "- name: new%d\n  interval: 10m\n  plugin: probe\n  config: {target: x, password: hunter22}\n", i)
		}
		text.WriteString("- name: quick\n  interval: 5s\n  plugin: probe\n  config: {target: x, password: hunter22}\n")
		if until := time.Until(next); until < 90*time.Second { // leave time to see that it does not run
			pass(until + time.Second)
			next = next.Add(10 * time.Minute)
		}
		begun, n := time.Now(), len(b.started("old"))
		b.editCheck(old, func(c *engine.Check) {}) // as the import will have it; runs at once
		pass(time.Second)
		n++
		if _, err := b.e.Config.Import(b.t.Context(), admin, []byte(text.String()), importer.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		pass(62 * time.Second)
		if c, _ := b.e.Checks.StoredCheck(old.ID); len(c.Tags) != 1 {
			t.Fatalf("imported as %+v", c)
		}
		seconds := map[int]bool{}
		for i := range 30 {
			starts := b.started(fmt.Sprint("new", i))
			if len(starts) == 0 { // its grid may bring a second run
				t.Fatalf("new%d did not run within a minute", i)
			}
			seconds[int(starts[0].Sub(begun).Seconds())] = true
		}
		if len(seconds) < 12 {
			t.Errorf("30 first runs fall into %d seconds", len(seconds))
		}
		if wait := b.started("quick")[0].Sub(begun); wait > 7*time.Second {
			t.Errorf("a check every 5s ran after %s", wait)
		}
		if got := len(b.started("old")); got != n && time.Now().Before(next) {
			t.Errorf("%d runs of a check with a result of its last slot", got-n)
		}
		pass(10 * time.Minute)
		if got := b.started("old"); !got[n].Truncate(10 * time.Millisecond).Equal(next.Truncate(10 * time.Millisecond)) {
			t.Errorf("it ran at %s, not on its grid at %s", got[n], next)
		}
	})
}
