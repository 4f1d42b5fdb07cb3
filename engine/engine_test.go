package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// in runs fn in a bubble in which time is the test's.
func in(t *testing.T, fn func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		fn(b)
		if b.e != nil {
			b.e.Stop()
		}
	})
}

func TestRunsOnItsGrid(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Second) })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		starts := b.started("web")
		if n := len(starts); n < 60 || n > 62 {
			t.Fatalf("%d runs in 10 minutes, want about 61: one at once and one a slot", n)
		}
		if got := starts[0].Sub(c.Updated); got > 10*time.Millisecond {
			t.Errorf("the first run came %s after the save, want at once", got)
		}
		for i := 2; i < len(starts); i++ {
			if gap := starts[i].Sub(starts[i-1]); gap < 9990*time.Millisecond || gap > 10010*time.Millisecond {
				t.Errorf("gap %d is %s", i, gap)
			}
		}
		if got := len(b.results(c)); got != len(starts) {
			t.Errorf("%d results of %d runs", got, len(starts))
		}
	})
}

func TestPhaseIsTheSameAfterARestart(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Minute) })
		time.Sleep(5*time.Minute + time.Second)
		before := b.started("web")[len(b.started("web"))-1]
		b.e.Stop()
		time.Sleep(17 * time.Second)
		b.start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		after := b.started("web")[len(b.started("web"))-1]
		if off := after.Sub(before) % time.Minute; off > 10*time.Millisecond && off < time.Minute-10*time.Millisecond {
			t.Errorf("the grid moved by %s", off)
		}
	})
}

func TestSlotIsSkippedWhileARunIsUnderWay(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "slow 2500ms")
		c := b.check("web", nil)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		stats := b.e.Stats()
		if stats.Skipped < 15 || stats.Skipped > 22 {
			t.Errorf("%d slots skipped, want about two of three", stats.Skipped)
		}
		for _, r := range b.results(c) {
			if !r.Succeeded {
				t.Errorf("a skipped slot must not fail: %+v", r)
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "slow 1h")
		c := b.check("web", func(c *engine.Check) { c.Timeout = engine.Duration(3 * time.Second) })
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		results := b.results(c)
		if len(results) != 1 || results[0].Error != "timed out after 3s" || results[0].Unknown || results[0].Succeeded {
			t.Fatalf("results %+v", results)
		}
	})
}

func TestManualRun(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "slow 2s")
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Hour) })
		time.Sleep(time.Second) // the run of the save is under way
		r, err := b.e.RunCheck(b.t.Context(), c.ID)
		if err != nil || r == nil || !r.Succeeded {
			t.Fatalf("joined run: %v %v", r, err)
		}
		if n := len(b.started("web")); n != 1 {
			t.Errorf("%d runs: a run asked for during a run joins it", n)
		}
		if r, err = b.e.RunCheck(b.t.Context(), c.ID); err != nil || r == nil {
			t.Fatal(err)
		}
		if n := len(b.started("web")); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
		if _, err := b.e.RunCheck(b.t.Context(), "nosuch"); engine.KindOf(err) != engine.NotFound {
			t.Errorf("unknown check: %v", err)
		}
	})
}

func TestRetryInterval(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "ERROR")
		c := b.check("web", func(c *engine.Check) {
			c.Interval, c.RetryInterval, c.Debounce = engine.Duration(time.Hour), engine.Duration(5*time.Second), 3
		})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := len(b.results(c)); n != 4 {
			t.Errorf("%d results: debounce counts 3 retries, then the grid again", n)
		}
		v, _ := b.e.Check(c.ID)
		if v.Status != engine.CheckFailing {
			t.Errorf("status %s", v.Status)
		}
	})
}

func TestFiringRepeatRecovery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		u := b.user("ada")
		c := b.check("web", nil)
		s := b.service("Shop", []string{"mail"}, c)
		edit, _ := b.e.StoredService(s.ID)
		edit.UsersToNotify = []string{u.ID}
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(10 * time.Second)}
		if _, err := b.e.SaveService(b.t.Context(), admin, edit); err != nil {
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
		if v, _ := b.e.Service(s.ID); v.LastAlertSent == nil || v.Incident != nil || v.OldOverallStatus != engine.StatusError {
			t.Errorf("service %+v", v.SubjectView)
		}
	})
}

func failed(why string) engine.AlertReport {
	return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: why}
}

func TestDeliveryIsRetried(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("refused"), failed("refused"), failed("refused")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		calls := b.calls
		b.mu.Unlock()
		if len(calls) != 4 {
			t.Fatalf("%d attempts, want 4", len(calls))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if gap := calls[i+1].At.Sub(calls[i].At).Round(10 * time.Millisecond); gap != want {
				t.Errorf("retry %d after %s, want %s", i+1, gap, want)
			}
			if calls[i+1].Delivery != calls[0].Delivery || calls[i+1].Attempt != i+2 {
				t.Errorf("attempt %+v", calls[i+1])
			}
		}
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 1 || len(d[0].Attempts) != 4 || d[0].Attempts[0].Error != "refused" || d[0].Attempts[3].Error != "" {
			t.Errorf("deliveries %+v", d)
		}
	})
}

func TestDeliveryDiesAndIsRetriedByHand(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		for range 400 {
			b.answers["mail"] = append(b.answers["mail"], failed("down"))
		}
		b.set("web", "ERROR")
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Hour) })
		s := b.service("Shop", []string{"mail"}, c)
		edit, _ := b.e.StoredService(s.ID)
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(200 * time.Hour)}
		b.e.SaveService(b.t.Context(), admin, edit)
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		dead := b.deliveries(engine.DeliveryDead)
		if len(dead) != 1 || dead[0].Why != "down" {
			t.Fatalf("dead %+v", dead)
		}
		b.mu.Lock()
		b.answers["mail"], b.calls = nil, nil
		b.mu.Unlock()
		if _, err := b.e.RetryDelivery(b.t.Context(), admin, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantHeard("mail firing")
		if _, err := b.e.RetryDelivery(b.t.Context(), admin, dead[0].ID); engine.KindOf(err) != engine.Conflict {
			t.Errorf("retry of a sent delivery: %v", err)
		}
	})
}

func TestUndeliveredFiringIsSupersededByRecovery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("down"), failed("down"), failed("down"), failed("down"), failed("down")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(2 * time.Second)
		b.set("web", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, kind := range b.heard() {
			if kind != "mail firing" {
				t.Errorf("heard %s: nothing was told, so nothing is to be taken back", kind)
			}
		}
		if d := b.deliveries(engine.DeliverySuperseded); len(d) != 1 {
			t.Errorf("superseded %+v", d)
		}
		if d := b.deliveries(engine.DeliverySent); len(d) != 0 {
			t.Errorf("sent %+v", d)
		}
	})
}

func TestNewerEventGoesAsFiringWhenNothingWasTold(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("down"), failed("down"), failed("down")}
		b.set("web", "WARNING")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(3500 * time.Millisecond)
		b.set("web", "CRITICAL")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 1 || d[0].Kind != engine.AlertFiring || d[0].Snapshot.OverallStatus != engine.StatusCritical {
			t.Errorf("sent %+v", d)
		}
		if d := b.deliveries(engine.DeliverySuperseded); len(d) != 1 {
			t.Errorf("superseded %+v", d)
		}
	})
}

func TestTimeoutOfAnAttemptCountsAsTold(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{{Outcome: engine.OutcomeUnknown, Why: "timed out"}, failed("down"), failed("down"), failed("down")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(1500 * time.Millisecond)
		b.set("web", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.heard(); got[len(got)-1] != "mail recovery" {
			t.Errorf("heard %q, want it to end in a recovery", got)
		}
		if d := b.deliveries(engine.DeliverySent); len(d) != 1 || d[0].Kind != engine.AlertRecovery {
			t.Errorf("sent %+v", d)
		}
	})
}

func TestRecoveryWaitsBehindAnAttemptUnderWay(t *testing.T) {
	for _, told := range []bool{true, false} {
		in(t, func(b *bench) {
			b.start()
			b.block = make(chan struct{})
			if !told {
				b.answers["mail"] = []engine.AlertReport{failed("down")}
			}
			b.set("web", "ERROR")
			b.service("Shop", []string{"mail"}, b.check("web", nil))
			time.Sleep(1500 * time.Millisecond)
			b.set("web", "")
			time.Sleep(3 * time.Second)
			b.wantHeard("mail firing")
			close(b.block)
			time.Sleep(time.Minute)
			synctest.Wait()
			if told {
				b.wantHeard("mail recovery")
			} else {
				b.wantHeard()
			}
		})
	}
}

func TestSlowAlertPluginDelaysNobody(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", false)
		b.start()
		c := b.check("web", nil)
		b.service("Shop", []string{"mail", "chat"}, c)
		time.Sleep(time.Second)
		b.plugins.mu.Lock()
		slow := *b.plugins.entries["mail"].Plugin.(*fakePlugin)
		b.plugins.mu.Unlock()
		slow.alert = func(ctx context.Context, _ *engine.AlertCall) engine.AlertReport {
			<-ctx.Done()
			return engine.AlertReport{Outcome: engine.OutcomeUnknown, Why: "timed out"}
		}
		b.plugins.put(engine.PluginEntry{Slug: "mail", Plugin: &slow, File: "mail.lua"})
		b.set("web", "ERROR")
		n := len(b.results(c))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.wantHeard("chat firing")
		if got := len(b.results(c)) - n; got < 9 {
			t.Errorf("%d results in 10 s", got)
		}
	})
}

// TestCrash holds that a kill in the middle of sending loses nothing: the
// attempt that was under way is made again under the same delivery id.
func TestCrash(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.block = make(chan struct{})
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		b.mu.Lock()
		before := b.calls[0]
		b.mu.Unlock()
		disk := b.store.Clone() // what a kill -9 leaves
		b.e.Stop()
		b.heard()
		b.store = disk
		b.mu.Lock()
		b.block = nil
		b.mu.Unlock()
		b.start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		calls := b.calls
		b.mu.Unlock()
		if len(calls) != 1 || calls[0].Delivery != before.Delivery || calls[0].Kind != engine.AlertFiring || calls[0].Attempt != 2 {
			t.Fatalf("after the crash %+v, before %+v", calls, before)
		}
	})
}

func TestCrashDuringTheOnlyAttemptStillTellsRecovery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.block = make(chan struct{})
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(1500 * time.Millisecond)
		disk := b.store.Clone()
		b.e.Stop()
		b.heard()
		b.store, b.block = disk, nil
		b.set("web", "") // it recovered while the monitor was down
		b.start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		b.wantHeard("mail recovery")
	})
}

func TestNothingLeavesAfterAStartBeforeNewResults(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "ERROR")
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(30 * time.Second) })
		s := b.service("Shop", []string{"mail"}, c)
		edit, _ := b.e.StoredService(s.ID)
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(time.Second)}
		b.e.SaveService(b.t.Context(), admin, edit)
		time.Sleep(10 * time.Second)
		b.e.Stop()
		b.heard()
		time.Sleep(time.Hour)
		b.start()
		restart := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		b.mu.Lock()
		calls := b.calls
		b.mu.Unlock()
		if len(calls) == 0 {
			t.Fatal("no repeat at all")
		}
		fresh := b.started("web")[len(b.started("web"))-1]
		for _, at := range b.started("web") {
			if at.After(restart) {
				fresh = at
				break
			}
		}
		if calls[0].At.Before(fresh) {
			t.Errorf("a %s left %s before the first new result", calls[0].Kind, fresh.Sub(calls[0].At))
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
			return b.e.DeleteCheck(b.t.Context(), admin, c.ID, nil)
		}, "the check web was deleted"},
		"check deactivated": {func(b *bench, c *engine.Check, _ *engine.Service) error {
			edit, _ := b.e.StoredCheck(c.ID)
			edit.Active = false
			_, err := b.e.SaveCheck(b.t.Context(), admin, edit)
			return err
		}, "the check web was deactivated"},
		"check unlinked": {func(b *bench, _ *engine.Check, s *engine.Service) error {
			edit, _ := b.e.StoredService(s.ID)
			edit.StatusChecks = nil
			_, err := b.e.SaveService(b.t.Context(), admin, edit)
			return err
		}, "failing checks were unlinked"},
		"service deleted": {func(b *bench, _ *engine.Check, s *engine.Service) error {
			return b.e.DeleteService(b.t.Context(), admin, s.ID, nil)
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
		edit, _ := b.e.StoredService(s.ID)
		edit.Alerts = append(edit.Alerts, engine.AlertChoice{Plugin: "chat"})
		if _, err := b.e.SaveService(b.t.Context(), admin, edit); err != nil {
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
			edit, _ := b.e.StoredService(s.ID)
			edit.AlertsEnabled = on
			if _, err := b.e.SaveService(b.t.Context(), admin, edit); err != nil {
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

func TestUnknownByThePluginsAbsence(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		time.Sleep(2 * time.Second)
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.put(entry)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := b.results(c)[0]; !r.Unknown || r.Cause != engine.CausePluginGone || !strings.Contains(r.Error, "probe.lua") {
			t.Errorf("result %+v", r)
		}
		entry.Orphaned = false
		b.plugins.put(entry)
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
		if _, err := b.e.SaveSettings(b.t.Context(), admin, settings); err != nil {
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
		if err := b.e.ResumePlugin(b.t.Context(), admin, "probe"); err != nil {
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
		if why, held := b.e.PluginSuspended("probe"); !held || !strings.Contains(why, "too much memory") {
			t.Fatalf("suspended %v %q", held, why)
		}
		if r := b.results(c)[0]; r.Cause != engine.CauseSuspended {
			t.Errorf("a check of a suspended plugin: %+v", r)
		}
		entry, _ := b.plugins.Plugin("probe")
		for _, name := range []string{"a", "b", "c"} {
			b.set(name, "")
		}
		next := *entry.Plugin.(*fakePlugin)
		next.meta.Hash = "h2"
		entry.Plugin = &next
		b.plugins.put(entry)
		time.Sleep(time.Second)
		synctest.Wait()
		if _, held := b.e.PluginSuspended("probe"); held {
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

func TestStoreThatRefuses(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(2 * time.Second)
		var full atomic.Bool
		full.Store(true)
		b.store.SetFail(func(*engine.Batch) error {
			if full.Load() {
				return errDisk
			}
			return nil
		})
		b.set("web", "ERROR")
		time.Sleep(15 * time.Second)
		if b.e.Ready() == nil {
			t.Error("ready though the store refuses")
		}
		b.wantHeard("mail firing") // from memory
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Config = "new", "probe", form.Values{"target": "x", "password": "hunter22"}
		if _, err := b.e.SaveCheck(b.t.Context(), admin, c); engine.KindOf(err) != engine.Unavailable {
			t.Errorf("a save while the store refuses: %v", err)
		}
		full.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if err := b.e.Ready(); err != nil {
			t.Errorf("still not ready: %v", err)
		}
		if d := b.deliveries(engine.DeliverySent); len(d) != 1 || d[0].Durable {
			t.Errorf("what was sent from memory is stored, and marked: %+v", d)
		}
	})
}

func TestSecretsAreSealedBeforeAnythingIsStored(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		v, _ := b.e.Check(c.ID)
		if got := v.Config["password"]; got == "hunter22" || got == nil {
			t.Errorf("the view shows %v", got)
		}
		edit, _ := b.e.StoredCheck(c.ID)
		if _, sealed := edit.Config["password"].(form.Sealed); !sealed {
			t.Errorf("stored as %T", edit.Config["password"])
		}
		edit.Name = "renamed"
		saved, err := b.e.SaveCheck(b.t.Context(), admin, edit)
		if err != nil || saved.Config["password"] != edit.Config["password"] {
			t.Errorf("an edit of the name touched the secret: %v", err)
		}
	})
}

func TestValidation(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.check("taken", nil)
		tests := map[string]struct {
			change   func(*engine.Check)
			location string
			code     string
		}{
			"no name":          {func(c *engine.Check) { c.Name = " " }, "name", "required"},
			"long name":        {func(c *engine.Check) { c.Name = strings.Repeat("x", 201) }, "name", "max"},
			"name taken":       {func(c *engine.Check) { c.Name = "taken" }, "name", "unique"},
			"no plugin":        {func(c *engine.Check) { c.Plugin = "" }, "plugin", "required"},
			"unknown plugin":   {func(c *engine.Check) { c.Plugin = "nosuch" }, "plugin", "not_found"},
			"alert plugin":     {func(c *engine.Check) { c.Plugin = "mail" }, "plugin", "invalid"},
			"interval of 0":    {func(c *engine.Check) { c.Interval = 0 }, "interval", "min"},
			"two years":        {func(c *engine.Check) { c.Interval = engine.Duration(2 * 365 * 24 * time.Hour) }, "interval", "max"},
			"importance":       {func(c *engine.Check) { c.Importance = "PASSING" }, "importance", "invalid"},
			"debounce":         {func(c *engine.Check) { c.Debounce = -1 }, "debounce", "min"},
			"recover_after":    {func(c *engine.Check) { c.RecoverAfter = 0 }, "recover_after", "min"},
			"no_data":          {func(c *engine.Check) { c.NoData = "maybe" }, "no_data", "invalid"},
			"runbook_link":     {func(c *engine.Check) { c.RunbookLink = "javascript:x" }, "runbook_link", "invalid"},
			"config required":  {func(c *engine.Check) { c.Config = form.Values{"password": "hunter22"} }, "config.target", "required"},
			"config unknown":   {func(c *engine.Check) { c.Config["bone"] = 1.0 }, "config.bone", "unknown"},
			"config wrong":     {func(c *engine.Check) { c.Config["target"] = 1.0 }, "config.target", "type"},
			"tags":             {func(c *engine.Check) { c.Tags = []string{""} }, "tags[0]", "required"},
			"revision, but no": {func(c *engine.Check) { c.ID, c.Revision = "nosuch", 3 }, "", ""},
		}
		for name, tt := range tests {
			c := engine.NewCheck()
			c.Name, c.Plugin, c.Config = "new", "probe", form.Values{"target": "x", "password": "hunter22"}
			tt.change(&c)
			_, err := b.e.SaveCheck(b.t.Context(), admin, c)
			var problem *engine.Error
			if e, ok := err.(*engine.Error); ok {
				problem = e
			}
			if tt.location == "" {
				if engine.KindOf(err) != engine.NotFound {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if problem == nil || problem.Kind != engine.Invalid || len(problem.Fields) != 1 || problem.Fields[0].Location != tt.location || problem.Fields[0].Code != tt.code {
				t.Errorf("%s: got %v, want %s at %s", name, err, tt.code, tt.location)
			}
			if err != nil && strings.Contains(err.Error(), "hunter22") {
				t.Errorf("%s: the error echoes a value", name)
			}
		}
		if n := len(b.e.Checks()); n != 1 {
			t.Errorf("%d checks: something was written", n)
		}
	})
}

func TestLastAdmin(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		u, err := b.e.SetUp(b.t.Context(), engine.User{Username: "root", TimeZone: "UTC"}, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.e.DeleteUser(b.t.Context(), admin, u.ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting the last admin: %v", err)
		}
		edit, _ := b.e.StoredUser(u.ID)
		edit.Role = "viewer"
		if _, err := b.e.SaveUser(b.t.Context(), admin, edit, "", ""); engine.KindOf(err) != engine.Conflict {
			t.Errorf("demoting the last admin: %v", err)
		}
		if _, err := b.e.SetUp(b.t.Context(), engine.User{Username: "two"}, "correct horse battery"); engine.KindOf(err) != engine.Conflict {
			t.Errorf("a second set-up: %v", err)
		}
		secret, s, err := b.e.OpenSession(b.t.Context(), u.ID, "127.0.0.1", "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, got, ok := b.e.SessionUser(secret); !ok || got.ID != u.ID {
			t.Error("the session does not open")
		}
		edit, _ = b.e.StoredUser(u.ID)
		if _, err := b.e.SaveUser(b.t.Context(), admin, edit, "another long password", ""); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.e.SessionUser(secret); ok {
			t.Errorf("session %s outlived a change of password", s.ID)
		}
	})
}

func TestPluginData(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		d, ctx, s := b.e.PluginData(), b.t.Context(), engine.Scope{Plugin: "probe", Subject: "c1"}
		if _, found, err := d.Get(ctx, s, "k"); found || err != nil {
			t.Fatal(found, err)
		}
		if err := d.Set(ctx, s, "k", []byte(`{"a":1}`), time.Minute); err != nil {
			t.Fatal(err)
		}
		if v, found, _ := d.Get(ctx, s, "k"); !found || string(v) != `{"a":1}` {
			t.Errorf("got %s", v)
		}
		if _, found, _ := d.Get(ctx, engine.Scope{Plugin: "probe"}, "k"); found {
			t.Error("the shared scope sees a check's key")
		}
		time.Sleep(time.Minute)
		if _, found, _ := d.Get(ctx, s, "k"); found {
			t.Error("the key outlived its ttl")
		}
		for range 3 {
			d.Increment(ctx, s, "n", 2)
		}
		if v, _, _ := d.Get(ctx, s, "n"); string(v) != "6" {
			t.Errorf("incremented to %s", v)
		}
		if err := d.Set(ctx, s, "big", make([]byte, 16<<10+1), 0); err == nil {
			t.Error("a value over 16 KiB was taken")
		}
		for i := range 99 {
			if err := d.Set(ctx, s, fmt.Sprint("key", i), []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Set(ctx, s, "one more", []byte("1"), 0); err == nil {
			t.Error("the 101st key was taken")
		}
		if err := d.Delete(ctx, s, "key0"); err != nil {
			t.Fatal(err)
		}
		b.e.Stop()
		b.start()
		if v, _, _ := b.e.PluginData().Get(ctx, s, "n"); string(v) != "6" {
			t.Errorf("after a restart %s", v)
		}
	})
}

func TestBuiltInServiceTellsAdminsOfTheMonitorsOwnTrouble(t *testing.T) {
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.SelfURL = "http://127.0.0.1:1" }
		http := &fakePlugin{meta: engine.PluginMeta{Slug: "http", Kind: engine.CheckPlugin, Hash: "h", Forms: map[engine.FormName]form.Form{
			engine.ConfigForm: {Fields: []form.Field{{Type: form.URL, Name: "endpoint"}, {Type: form.Boolean, Name: "verify_ssl_certificate"}}}}}}
		http.run = b.run
		b.plugins.put(engine.PluginEntry{Slug: "http", Plugin: http})
		b.start()
		if _, err := b.e.SetUp(b.t.Context(), engine.User{Username: "root", TimeZone: "UTC"}, "correct horse battery"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		services := b.e.Services()
		if len(services) != 1 || services[0].Name != "Moonwatch" || services[0].OverallStatus != engine.StatusPassing || len(services[0].StatusChecks) != 1 {
			t.Fatalf("the first service: %+v", services)
		}
		if err := b.e.DeleteService(b.t.Context(), admin, services[0].ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting it: %v", err)
		}
		c := b.check("web", nil)
		b.service("Shop", []string{"mail"}, c)
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.put(entry)
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

func TestPluginVersionsAreKept(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		sources, ctx := b.e.PluginSources(), b.t.Context()
		for i, text := range []string{"one", "two", "two", "three"} {
			s := engine.PluginSource{Path: "a.lua", Hash: text, Files: map[string]string{"": text}, Slugs: []string{"a"}}
			if err := sources.KeepSource(ctx, s); err != nil {
				t.Fatal(i, err)
			}
			time.Sleep(time.Second)
		}
		versions, err := b.e.PluginVersions(ctx, "a.lua")
		if err != nil || len(versions) != 3 || versions[0].Source.Files[""] != "three" || versions[2].Source.Files[""] != "one" {
			t.Errorf("versions %+v %v", versions, err)
		}
		if b.e.CanEditPlugins() {
			t.Error("this registry cannot be written")
		}
	})
}
