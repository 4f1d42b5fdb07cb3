package monitor_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

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
		edit, _ := b.e.Targets.StoredService(s.ID)
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(time.Second)}
		b.e.Targets.SaveService(b.t.Context(), admin, edit)
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

// TestHoldEndsAfterTwoMinutes holds that firings and repeats wait for new results
// after a start, and for 2 minutes when none comes.
func TestHoldEndsAfterTwoMinutes(t *testing.T) {
	for _, told := range []bool{false, true} {
		t.Run(fmt.Sprint("told before: ", told), func(t *testing.T) {
			in(t, func(b *bench) {
				want := "mail repeat"
				if !told {
					want = "mail firing"
					b.answers["mail"] = slices.Repeat([]engine.AlertReport{failed("down")}, 6)
				}
				b.start()
				b.set("web", "ERROR")
				c := b.check("web", func(c *engine.Check) { c.Timeout, c.Interval = engine.Duration(time.Hour), engine.Duration(time.Hour) })
				s := b.service("Shop", []string{"mail"}, c)
				b.editService(s, func(s *engine.Service) {
					s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(10 * time.Minute)}
				})
				pass(time.Minute)
				b.e.Stop()
				b.heard()
				b.mu.Lock()
				b.answers["mail"] = nil
				b.mu.Unlock()
				b.set("web", "slow 59m") // no new result for long
				time.Sleep(2 * time.Hour)
				b.start()
				pass(2*time.Minute - time.Second)
				b.wantHeard()
				pass(2 * time.Second)
				b.wantHeard(want)
			})
		})
	}
	t.Run("each failing check has a new result", func(t *testing.T) {
		in(t, func(b *bench) {
			b.start()
			b.set("web", "ERROR")
			b.set("db", "ERROR")
			often := func(c *engine.Check) {
				c.Interval, c.Timeout = engine.Duration(5*time.Second), engine.Duration(time.Hour)
			}
			s := b.service("Shop", []string{"mail"}, b.check("web", often), b.check("db", often))
			b.editService(s, func(s *engine.Service) {
				s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(10 * time.Minute)}
			})
			pass(time.Minute)
			b.e.Stop()
			b.heard()
			b.set("db", "slow 40s")
			time.Sleep(2 * time.Hour)
			b.start()
			pass(30 * time.Second)
			b.wantHeard() // the one has results, the other's run is under way
			pass(16 * time.Second)
			b.wantHeard("mail repeat")
		})
	})
}

// TestTimesAreStored holds that what is due at a time is due over a restart:
// gathered messages, repeats and the end of an acknowledgement. (Escalation
// steps: TestEscalationStepsWiden.)
func TestTimesAreStored(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", true)
		b.start()
		often := func(c *engine.Check) { c.Interval = engine.Duration(2 * time.Second) }
		c := b.check("web", often)
		s := b.service("Shop", []string{"chat"}, c, b.check("db", often))
		b.set("web", "CRITICAL") // repeats every 10 minutes
		pass(3 * time.Second)
		b.wantHeard("chat firing")
		restart := func() {
			b.e.Stop()
			b.start()
		}
		b.set("db", "CRITICAL")
		pass(5 * time.Second)
		restart()
		pass(20 * time.Second)
		b.wantHeard()
		pass(12 * time.Second)
		b.wantHeard("chat update")
		updated := time.Now()
		pass(5 * time.Minute)
		restart()
		pass(time.Until(updated.Add(9*time.Minute + 30*time.Second)))
		b.wantHeard()
		pass(time.Minute)
		b.wantHeard("chat repeat")
		ack, err := b.e.Incidents.Acknowledge(b.t.Context(), admin, serviceRef(s), engine.AckOptions{})
		if err != nil {
			t.Fatal(err)
		}
		pass(15 * time.Minute)
		restart()
		pass(time.Until(ack.Expires.Add(-time.Second)))
		b.wantHeard("chat acknowledged")
		if v, _ := b.e.Targets.Service(s.ID); v.Acknowledgement == nil {
			t.Error("the restart ended the acknowledgement")
		}
		pass(3 * time.Second)
		b.wantHeard("chat unacknowledged", "chat repeat")
	})
}
