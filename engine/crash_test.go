package engine_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
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
