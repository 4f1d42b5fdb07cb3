package monitor_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

func TestUnknownByThePluginsAbsence(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		time.Sleep(2 * time.Second)
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.Put(entry)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := b.results(c)[0]; !r.Unknown || r.Cause != engine.CausePluginGone || !strings.Contains(r.Error, "probe.lua") {
			t.Errorf("result %+v", r)
		}
		entry.Orphaned = false
		b.plugins.Put(entry)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := b.results(c)[0]; !r.Succeeded {
			t.Errorf("restored: %+v", r)
		}
	})
}

func TestOffline(t *testing.T) {
	in(t, func(b *bench) {
		var down atomic.Bool
		down.Store(true)
		b.options = func(o *engine.Options) {
			o.Prober = probeFunc(func(string) error {
				if down.Load() {
					return errDisk
				}
				return nil
			})
		}
		b.start()
		settings := b.e.Settings()
		settings.SelfCheckTarget = "192.0.2.1:53"
		if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
			t.Fatal(err)
		}
		b.set("web", "ERROR")
		c := b.check("web", nil)
		b.service("Shop", []string{"mail"}, c)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if r := b.results(c)[0]; !r.Unknown || r.Cause != engine.CauseOffline {
			t.Errorf("offline: %+v", r)
		}
		b.wantHeard()
		down.Store(false)
		time.Sleep(7 * time.Second)
		synctest.Wait()
		b.wantHeard("mail firing")
	})
}

type probeFunc func(string) error

func (f probeFunc) Probe(_ context.Context, target string) error { return f(target) }

func TestBreaker(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "limit")
		c := b.check("web", nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(b.started("web")); n != 5 {
			t.Errorf("%d runs, want 5 and then a suspension", n)
		}
		if r := b.results(c)[0]; r.Cause != engine.CauseSuspended || !strings.Contains(r.Error, "too much memory") {
			t.Errorf("result %+v", r)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(b.started("web")); n != 10 {
			t.Errorf("%d runs after ten minutes, want 5 more", n)
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if n := len(b.started("web")); n != 10 {
			t.Errorf("%d runs: the second suspension lasts twice as long", n)
		}
		if err := b.e.Plugins.ResumePlugin(b.t.Context(), admin, "probe"); err != nil {
			t.Fatal(err)
		}
		b.set("web", "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := b.results(c)[0]; !r.Succeeded {
			t.Errorf("resumed: %+v", r)
		}
	})
}

func TestBreakerOfAPlugin(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		for _, name := range []string{"a", "b", "c"} {
			b.set(name, "limit")
			b.check(name, nil)
		}
		c := b.check("good", func(c *engine.Check) { c.Interval = engine.Duration(30 * time.Second) })
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if why, held := b.e.Plugins.PluginSuspended("probe"); !held || !strings.Contains(why, "too much memory") {
			t.Fatalf("suspended %v %q", held, why)
		}
		if r := b.results(c)[0]; r.Cause != engine.CauseSuspended {
			t.Errorf("a check of a suspended plugin: %+v", r)
		}
		entry, _ := b.plugins.Plugin("probe")
		for _, name := range []string{"a", "b", "c"} {
			b.set(name, "")
		}
		next := *entry.Plugin.(*enginetest.Plugin)
		next.Info.Hash = "h2"
		entry.Plugin = &next
		b.plugins.Put(entry)
		time.Sleep(time.Second)
		synctest.Wait()
		if _, held := b.e.Plugins.PluginSuspended("probe"); held {
			t.Error("a changed file lifts the suspension")
		}
	})
}

func TestStale(t *testing.T) {
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.RunsInFlight = 1 }
		b.start()
		b.set("hog", "slow 59m")
		b.check("hog", func(c *engine.Check) { c.Timeout = engine.Duration(time.Hour); c.Interval = engine.Duration(time.Hour) })
		time.Sleep(time.Second)
		c := b.check("starved", nil)
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		results := b.results(c)
		if len(results) != 1 || results[0].Cause != engine.CauseStale {
			t.Errorf("results %+v", results)
		}
		if b.e.Stats().Skipped == 0 {
			t.Error("runs that got no turn are counted as skipped")
		}
	})
}

// hold lets the one place for runs be taken by a plugin whose run does not end,
// not even with its timeout, before end is closed.
func (b *bench) hold(check string, end chan struct{}) {
	entry, _ := b.plugins.Plugin("probe")
	p := *entry.Plugin.(*enginetest.Plugin)
	run := p.OnRun
	p.OnRun = func(ctx context.Context, in *engine.CheckRun) engine.RunReport {
		if in.Check.Name == check {
			<-end
		}
		return run(ctx, in)
	}
	entry.Plugin = &p
	b.plugins.Put(entry)
}

// TestStaleComesAfterThreeIntervals holds when a check without runs is noticed:
// after 3 intervals, at least 5 minutes; that it is said once; that it counts
// after unknown_after; and that a run ends it.
func TestStaleComesAfterThreeIntervals(t *testing.T) {
	for interval, limit := range map[time.Duration]time.Duration{
		time.Second: 5 * time.Minute, 100 * time.Second: 5 * time.Minute, 10 * time.Minute: 30 * time.Minute,
	} {
		t.Run(interval.String(), func(t *testing.T) {
			in(t, func(b *bench) {
				b.options = func(o *engine.Options) { o.RunsInFlight = 1 }
				b.start()
				c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(interval) })
				s := b.service("Shop", []string{"mail"}, c)
				pass(time.Second)
				end := make(chan struct{})
				b.hold("hog", end)
				b.check("hog", rarely)
				pass(time.Second)
				n, last := len(b.results(c)), b.started("web")
				pass(time.Until(last[len(last)-1].Add(limit - time.Second)))
				if got := b.results(c); len(got) != n {
					t.Fatalf("noticed too early: %+v", got[0])
				}
				pass(30 * time.Second) // it is looked at every 15 s
				got := b.results(c)
				if len(got) != n+1 || !got[0].Unknown || got[0].Cause != engine.CauseStale {
					t.Fatalf("%d new results, the newest %+v", len(got)-n, got[0])
				}
				b.wantStatus(c, engine.CheckUnknown, "stale")
				b.wantHeard()
				pass(time.Until(got[0].Started.Add(limit - time.Second)))
				if status := b.overall(s); status != engine.StatusPassing {
					t.Errorf("overall %s before unknown_after", status)
				}
				pass(2 * time.Second)
				if status := b.overall(s); status != engine.StatusWarning {
					t.Errorf("overall %s after unknown_after", status)
				}
				b.wantHeard("mail firing")
				if more := len(b.results(c)) - n - 1; more != 0 {
					t.Errorf("%d further results: it is said once", more)
				}
				close(end)
				pass(interval)
				b.wantStatus(c, engine.CheckPassing, "once there is room")
				b.wantHeard("mail recovery")
			})
		})
	}
}

// TestOfflineCounts holds that results which failed while the monitor itself is
// cut off become unknown, that successes stand, and that a long time of it
// counts at WARNING and fails the built-in service.
func TestOfflineCounts(t *testing.T) {
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.Prober = probeFunc(func(string) error { return errDisk }) }
		b.start()
		settings := b.e.Settings()
		settings.SelfCheckTarget = "192.0.2.1:53"
		if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, settings); err != nil {
			t.Fatal(err)
		}
		b.set("web", "CRITICAL")
		c, local := b.check("web", nil), b.check("local", nil)
		s := b.service("Shop", []string{"mail"}, c)
		pass(4 * time.Minute)
		b.wantStatus(c, engine.CheckUnknown, "offline")
		b.wantStatus(local, engine.CheckPassing, "what passes is not offline")
		if got := b.overall(s); got != engine.StatusPassing {
			t.Errorf("overall %s", got)
		}
		pass(2 * time.Minute)
		if got := b.overall(s); got != engine.StatusWarning {
			t.Errorf("overall %s after five minutes", got)
		}
		b.wantHeard("mail firing")
		if v, _ := b.e.Checks.Check(c.ID); v.Severity != engine.StatusWarning || v.Cause != engine.CauseOffline {
			t.Errorf("the check is %s at %q for %s", v.Status, v.Severity, v.Cause)
		}
	})
}

func TestBuiltInServiceTellsAdminsOfTheMonitorsOwnTrouble(t *testing.T) {
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.SelfURL = "http://127.0.0.1:1" }
		http := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "http", Kind: engine.CheckPlugin, Hash: "h", Forms: map[engine.FormName]form.Form{
			engine.ConfigForm: {Fields: []form.Field{{Type: form.URL, Name: "endpoint"}, {Type: form.Boolean, Name: "verify_ssl_certificate"}}}}}}
		http.OnRun = b.run
		b.plugins.Put(engine.PluginEntry{Slug: "http", Plugin: http})
		b.start()
		if _, err := b.e.Users.SetUp(b.t.Context(), engine.User{Username: "root", TimeZone: "UTC"}, "correct horse battery"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		services := b.e.Targets.Services()
		if len(services) != 1 || services[0].Name != "Moonwatch" || services[0].OverallStatus != engine.StatusPassing || len(services[0].StatusChecks) != 1 {
			t.Fatalf("the first service: %+v", services)
		}
		if err := b.e.Targets.DeleteService(b.t.Context(), admin, services[0].ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting it: %v", err)
		}
		c := b.check("web", nil)
		b.service("Shop", []string{"mail"}, c)
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.Put(entry)
		time.Sleep(4 * time.Minute)
		b.wantHeard()
		time.Sleep(90 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		calls := b.calls
		b.mu.Unlock()
		if len(calls) != 2 {
			t.Fatalf("calls %+v: the service and the built-in service, at WARNING", calls)
		}
		for _, call := range calls {
			if call.Status != engine.StatusWarning {
				t.Errorf("severity %s", call.Status)
			}
		}
		told := 0
		for _, call := range calls {
			if len(call.Users) == 1 && call.Users[0] == "root" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("admins were told %d times: %+v", told, calls)
		}
	})
}
