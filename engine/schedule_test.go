package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

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
