package schedule

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
)

// crowd is a scheduler whose runs end when a test says so.
type crowd struct {
	*Scheduler
	t   *testing.T
	now time.Time
	in  map[string][]*Slot // runs in flight by plugin
	got chan *Slot
}

func newCrowd(t *testing.T, limit int) *crowd {
	c := &crowd{t: t, now: epoch, in: map[string][]*Slot{}, got: make(chan *Slot, 1000)}
	c.Scheduler = New(func() time.Time { return c.now }, limit, func(s *Slot) { c.got <- s })
	t.Cleanup(c.Close)
	return c
}

// add schedules checks of one plugin that are due after wait.
func (c *crowd) add(plugin string, n int, wait, timeout time.Duration) {
	for range n {
		c.Set(&engine.Check{Meta: engine.Meta{ID: fmt.Sprintf("%s-%d", plugin, len(c.Entries))}, Plugin: plugin, Active: true,
			Interval: engine.Duration(24 * time.Hour), Timeout: engine.Duration(timeout)}, wait)
	}
}

// gather waits for the runs that were started, and returns how many of a plugin are in flight.
func (c *crowd) gather() map[string]int {
	c.t.Helper()
	inFlight := map[string]int{}
	c.Mu.Lock()
	for slug, p := range c.plugins {
		inFlight[slug] = p.inFlight
	}
	c.Mu.Unlock()
	for slug, n := range inFlight {
		for len(c.in[slug]) < n {
			s := <-c.got
			c.in[s.Check.Plugin] = append(c.in[s.Check.Plugin], s)
		}
	}
	return inFlight
}

// end ends n runs of a plugin.
func (c *crowd) end(plugin string, n int) {
	c.t.Helper()
	for range n {
		c.gather()
		s := c.in[plugin][0]
		c.in[plugin] = c.in[plugin][1:]
		end(c.Scheduler, s)
	}
}

func (c *crowd) want(plugin string, n int, when string) {
	c.t.Helper()
	if got := c.gather()[plugin]; got != n {
		c.t.Errorf("%s: %d runs of %s in flight, want %d", when, got, plugin, n)
	}
}

// TestFairShare holds that one plugin with more runs than there is room for
// leaves room to the others, before and after its runs end.
func TestFairShare(t *testing.T) {
	c := newCrowd(t, 8)
	c.add("hog", 30, 0, time.Hour)
	c.add("meek", 5, time.Minute, time.Hour)
	c.turn()
	c.want("hog", 6, "at first")
	c.end("hog", 5)
	c.want("hog", 6, "after five have ended, with many waiting")
	c.now = c.now.Add(time.Minute)
	c.turn()
	c.want("meek", 2, "when its checks come due")
	c.end("hog", 2)
	c.want("meek", 4, "as the other's end: up to its share")
	c.want("hog", 4, "as the other's end")
	c.end("meek", 2)
	c.want("meek", 3, "its last one")
	c.want("hog", 4, "no more than its share while a quarter is not free")
	c.end("meek", 2)
	c.want("hog", 5, "three quarters of all again")
	c.end("meek", 1)
	c.want("hog", 6, "alone again")
	if n := c.Skipped.Load(); n != 0 {
		t.Errorf("%d skipped", n)
	}
}

// TestSharesOfMany holds that a plugin alone has all the room there is.
func TestSharesOfMany(t *testing.T) {
	c := newCrowd(t, 8)
	c.add("only", 30, 0, time.Hour)
	c.turn()
	c.want("only", 8, "alone")
}

// TestNoTurnBeforeTheDeadline holds that a run that gets none is skipped and
// counted, also behind one that may wait longer, and whoever asked is told.
func TestNoTurnBeforeTheDeadline(t *testing.T) {
	c := newCrowd(t, 1)
	c.add("a", 1, 0, time.Hour)
	c.turn()
	c.want("a", 1, "the first")
	c.add("a", 1, 0, time.Hour)
	c.turn() // waits, and may for long
	check := &engine.Check{Meta: engine.Meta{ID: "short"}, Plugin: "a", Active: true, Interval: engine.Duration(24 * time.Hour), Timeout: engine.Duration(10 * time.Second)}
	asked := c.RunNow(check)
	select {
	case <-c.wakeup:
	default:
		t.Error("the loop was not told that a run waits")
	}
	c.now = c.now.Add(11 * time.Second)
	c.end("a", 1)
	c.want("a", 1, "the one that may wait for long")
	c.end("a", 1)
	c.want("a", 0, "the one whose deadline has passed")
	select {
	case r := <-asked:
		if r != nil {
			t.Errorf("result %+v", r)
		}
	default:
		t.Error("whoever asked for the run was not told")
	}
	if n := c.Skipped.Load(); n != 1 {
		t.Errorf("%d skipped, want 1", n)
	}
	if c.Started.Load() != 2 {
		t.Errorf("%d started, want 2", c.Started.Load())
	}
}

// TestRunUnderWayIsNotStale holds that a run which may still end in time is
// waited for, and one that does not end is not.
func TestRunUnderWayIsNotStale(t *testing.T) {
	c := newCrowd(t, 4)
	c.Set(&engine.Check{Meta: engine.Meta{ID: "slow"}, Plugin: "a", Active: true, Interval: engine.Duration(time.Minute), Timeout: engine.Duration(20 * time.Minute)}, 0)
	c.Set(&engine.Check{Meta: engine.Meta{ID: "daily"}, Plugin: "a", Active: true, Timeout: engine.Duration(time.Minute), Schedule: &engine.Schedule{Cron: "0 12 * * *", TimeZone: "UTC"}}, -1)
	stale := func(after time.Duration, want ...string) {
		t.Helper()
		c.now = epoch.Add(after)
		c.turn()
		var got []string
		for _, check := range c.StaleChecks() {
			got = append(got, check.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("after %s %q are stale, want %q", after, got, want)
		}
	}
	c.turn()
	c.gather()
	stale(10 * time.Minute)
	stale(20*time.Minute+time.Second, "slow")
	stale(30 * time.Minute) // it is said once
	c.end("a", 1)
	stale(31 * time.Minute)
	c.Remove("slow")
	c.add("b", 4, 0, 100*time.Hour) // no place is left
	stale(71 * time.Hour)
	stale(72*time.Hour+time.Second, "daily") // its third slot
}
