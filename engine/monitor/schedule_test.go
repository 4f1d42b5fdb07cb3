package monitor_test

import (
	"fmt"
	"sync/atomic"
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
		c := b.check("web", rarely)
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
			rarely(c)
			c.RetryInterval, c.Debounce = engine.Duration(5*time.Second), 3
		})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := len(b.results(c)); n != 4 {
			t.Errorf("%d results: debounce counts 3 retries, then the grid again", n)
		}
		v, _ := b.e.Checks.Check(c.ID)
		if v.Status != engine.CheckFailing {
			t.Errorf("status %s", v.Status)
		}
	})
}

// TestRetryRunsFromTheEnd holds when retries come: after the end of the run
// before, while debounce or recover_after counts, and then the grid again.
func TestRetryRunsFromTheEnd(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "slow 1h") // times out after 3 s, which fails
		c := b.check("web", func(c *engine.Check) {
			rarely(c)
			c.Timeout = engine.Duration(3 * time.Second)
			c.RetryInterval, c.Debounce, c.RecoverAfter = engine.Duration(10*time.Second), 2, 3
		})
		gaps := func(want ...time.Duration) {
			t.Helper()
			starts := b.started("web")
			starts = starts[len(starts)-len(want)-1:]
			for i, w := range want {
				if gap := starts[i+1].Sub(starts[i]).Round(100 * time.Millisecond); gap != w {
					t.Errorf("retry %d came %s after the start of the run before, want %s", i+1, gap, w)
				}
			}
		}
		pass(time.Minute)
		if n := len(b.started("web")); n != 3 {
			t.Fatalf("%d runs, want 3: debounce counts two retries", n)
		}
		gaps(13*time.Second, 13*time.Second)
		b.set("web", "slow 2s")
		if _, err := b.e.RunCheck(b.t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if n := len(b.started("web")); n != 6 {
			t.Fatalf("%d runs, want 6: recover_after counts two retries", n)
		}
		gaps(12*time.Second, 12*time.Second)
		if v, _ := b.e.Checks.Check(c.ID); v.Status != engine.CheckPassing {
			t.Errorf("status %s", v.Status)
		}
	})
}

// TestManualRunCounts holds that a run by hand is judged as any other.
func TestManualRunCounts(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", func(c *engine.Check) { rarely(c); c.Debounce = 2 })
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.set("web", "CRITICAL")
		for range 3 {
			if _, err := b.e.RunCheck(b.t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		if got := b.overall(s); got != engine.StatusCritical {
			t.Errorf("overall %s after debounce + 1 failed runs by hand", got)
		}
		b.wantHeard("mail firing")
		if n := len(b.results(c)); n != 4 {
			t.Errorf("%d results, want 4", n)
		}
	})
}

// TestFirstRunsAfterAStart holds that what missed its slot runs within a minute
// of the start, spread, and what did not keeps to its grid.
func TestFirstRunsAfterAStart(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		var names []string
		for i := range 30 {
			name := fmt.Sprint("web", i)
			names = append(names, name)
			b.check(name, func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Minute) })
		}
		b.check("quick", func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Second) })
		pass(25 * time.Minute)
		grid := map[string]time.Time{}
		for _, name := range names {
			grid[name] = b.started(name)[len(b.started(name))-1]
		}
		again := func(down time.Duration) (begun time.Time) {
			b.e.Stop()
			b.mu.Lock()
			clear(b.starts)
			b.mu.Unlock()
			time.Sleep(down)
			begun = time.Now()
			b.start()
			pass(21 * time.Minute)
			return begun
		}
		begun := again(11 * time.Minute) // every slot was missed
		seconds := map[time.Duration]bool{}
		for _, name := range names {
			wait := b.started(name)[0].Sub(begun)
			seconds[wait.Truncate(time.Second)] = true
			if wait > time.Minute+10*time.Millisecond {
				t.Errorf("%s ran %s after the start, want within a minute", name, wait)
			}
			if off := b.started(name)[2].Sub(grid[name]) % (10 * time.Minute); off > 10*time.Millisecond && off < 10*time.Minute-10*time.Millisecond {
				t.Errorf("%s left its grid by %s", name, off)
			}
		}
		if len(seconds) < 12 {
			t.Errorf("30 first runs fall into %d seconds", len(seconds))
		}
		if wait := b.started("quick")[0].Sub(begun); wait > 10*time.Second+10*time.Millisecond {
			t.Errorf("a check every 10s ran %s after the start", wait)
		}
		begun = again(time.Millisecond) // no slot, or hardly one, was missed
		for _, name := range names {
			first := b.started(name)[0]
			if off := first.Sub(grid[name]) % (10 * time.Minute); off > 10*time.Millisecond && off < 10*time.Minute-10*time.Millisecond {
				t.Errorf("%s has a result of its last slot, and ran %s after the start, off its grid by %s", name, first.Sub(begun), off)
			}
		}
	})
}

// TestRunGivenUpAtStopLeavesNoResult holds that a stop does not make a failure.
func TestRunGivenUpAtStopLeavesNoResult(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "slow 59m")
		c := b.check("web", func(c *engine.Check) {
			c.Timeout, c.Interval = engine.Duration(time.Hour), engine.Duration(2*time.Hour)
		})
		pass(time.Minute)
		if n := len(b.started("web")); n != 1 {
			t.Fatalf("%d runs", n)
		}
		b.e.Stop()
		b.set("web", "slow 1ms")
		b.start()
		if n := len(b.results(c)); n != 0 {
			t.Errorf("%d results of a run that was given up", n)
		}
	})
}

// TestInactiveChecksDoNotRun holds that they neither run nor count.
func TestInactiveChecksDoNotRun(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("web", "ERROR")
		c := b.check("web", nil)
		s := b.service("Shop", nil, c)
		pass(3 * time.Second)
		edit, _ := b.e.Checks.StoredCheck(c.ID)
		edit.Active = false
		if _, err := b.e.Checks.SaveCheck(b.t.Context(), admin, edit); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		n := len(b.started("web"))
		pass(time.Hour)
		if got := len(b.started("web")); got != n {
			t.Errorf("%d runs while inactive", got-n)
		}
		if got := b.overall(s); got != engine.StatusPassing {
			t.Errorf("overall %s", got)
		}
		if stats := b.e.Stats(); stats.Scheduled != 0 || len(stats.Checks) != 0 {
			t.Errorf("stats %+v", stats)
		}
		b.e.Stop()
		b.start()
		pass(time.Hour)
		if got := len(b.started("web")); got != n {
			t.Errorf("%d runs while inactive, after a restart", got-n)
		}
	})
}

// TestLatestGoesBySequence holds that results are in the order in which they
// came, also when the wall clock went back between them.
func TestLatestGoesBySequence(t *testing.T) {
	in(t, func(b *bench) {
		var set atomic.Int64
		b.options = func(o *engine.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
		}
		b.start()
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(300 * 24 * time.Hour) })
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Minute)
		set.Store(-int64(24 * time.Hour))
		b.set("web", "CRITICAL")
		if _, err := b.e.RunCheck(b.t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b.wantHeard("mail firing")
		list := b.results(c)
		if len(list) != 2 || list[0].Succeeded || !list[0].Started.Before(list[1].Started) {
			t.Fatalf("results, newest first: %+v", list)
		}
		b.e.Stop()
		b.start()
		pass(time.Second)
		if v, _ := b.e.Checks.Check(c.ID); v.Status != engine.CheckFailing || v.LastRun == nil || !v.LastRun.Equal(list[0].Started) {
			t.Errorf("after a restart: %+v", v)
		}
		if got := b.overall(s); got != engine.StatusCritical {
			t.Errorf("overall %s", got)
		}
	})
}

// TestWaitingIsLag holds that a run which waits for its turn starts late and is
// counted so, and that a slot without a turn is counted and does not fail.
func TestWaitingIsLag(t *testing.T) {
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.RunsInFlight = 1 }
		b.start()
		b.set("hog", "slow 3s")
		b.check("hog", rarely)
		c := b.check("web", rarely)
		pass(10 * time.Second)
		stats := b.e.Stats()
		if stats.LagMax < 2900*time.Millisecond || stats.LagMax > 3100*time.Millisecond || stats.Skipped != 0 {
			t.Errorf("lag of %s, %d skipped; want 3s and none", stats.LagMax, stats.Skipped)
		}
		var late, runs int64
		for i, n := range stats.LagBuckets {
			if runs += n; i >= len(stats.LagBuckets)-2 {
				late += n
			}
		}
		if late != 1 || runs != 2 || stats.LagSum < 2900*time.Millisecond {
			t.Errorf("%d of %d runs were late by more than 2 s, want 1 of 2: %+v", late, runs, stats)
		}
		b.set("hog", "slow 59s")
		h, _ := b.e.Checks.StoredCheck(b.e.Checks.Checks()[0].ID)
		h.Timeout = engine.Duration(time.Minute)
		if _, err := b.e.Checks.SaveCheck(b.t.Context(), admin, h); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		asked := time.Now()
		if r, err := b.e.RunCheck(b.t.Context(), c.ID); r != nil || err != nil {
			t.Errorf("without a turn: %+v %v", r, err)
		}
		if waited := time.Since(asked); waited < 4*time.Second || waited > 6*time.Second {
			t.Errorf("gave up after %s, want the timeout of 5s", waited)
		}
		if stats := b.e.Stats(); stats.Skipped != 1 || stats.UnderWay != 1 {
			t.Errorf("%d skipped and %d under way, want 1 and 1", stats.Skipped, stats.UnderWay)
		}
		if list := b.results(c); len(list) != 1 || !list[0].Succeeded {
			t.Errorf("results %+v", list)
		}
	})
}
