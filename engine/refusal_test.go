package engine_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

func TestStoreThatRefuses(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		web := b.check("web", nil)
		b.service("Shop", []string{"mail"}, web)
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
		time.Sleep(8 * time.Second)
		if err := b.e.Ready(); err != nil {
			t.Errorf("not ready before 10 s: %v", err)
		}
		b.wantHeard()
		time.Sleep(7 * time.Second)
		if b.e.Ready() == nil {
			t.Error("ready though the store refuses")
		}
		b.wantHeard("mail firing") // from memory
		runs := len(b.started("web"))
		b.set("web", "")
		time.Sleep(10 * time.Second)
		b.wantHeard("mail recovery") // as is what follows
		if n := len(b.started("web")) - runs; n != 10 {
			t.Errorf("%d runs in 10 s: checks go on", n)
		}
		if v, _ := b.e.Check(web.ID); v.Status != engine.CheckPassing {
			t.Errorf("the check is %s", v.Status)
		}
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
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 2 || d[0].Durable || d[1].Durable {
			t.Errorf("what was sent from memory is stored, and marked: %+v", d)
		}
		if list := b.incidents(nil); len(list) != 1 || list[0].Closed == nil {
			t.Errorf("incidents %+v", list)
		}
		n, runs := len(b.results(web)), len(b.started("web"))
		if n != runs {
			t.Errorf("%d results of %d runs were stored in the end", n, runs)
		}
		b.e.Stop() // nothing but the disk is left
		b.start()
		if got := len(b.results(web)); got != n {
			t.Errorf("%d results after a restart, want %d", got, n)
		}
		b.set("web", "ERROR")
		time.Sleep(3 * time.Second)
		b.wantHeard("mail firing")
		for _, d := range b.deliveries(engine.DeliverySent)[:1] {
			if !d.Durable {
				t.Errorf("a delivery after the refusal is marked: %+v", d)
			}
		}
	})
}
