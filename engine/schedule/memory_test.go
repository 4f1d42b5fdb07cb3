package schedule

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moonwatch/engine"
)

// gauge tells a scheduler that runs of plugins named "heavy" take fifteen
// megabytes and others little, and what runs hold.
type gauge struct{ held, most atomic.Uint64 }

func (g *gauge) RunMemory() (held, most uint64) { return g.held.Load(), g.most.Load() }
func (g *gauge) Expected(c *engine.Check) (memory uint64, light bool) {
	if strings.HasPrefix(c.ID, "heavy") {
		return 15 << 20, false
	}
	return 32 << 10, strings.HasPrefix(c.ID, "light")
}

func newGauge(c *crowd, most uint64) *gauge {
	g := &gauge{}
	g.most.Store(most)
	c.Memory = g
	return g
}

// TestHeavyRunsAreHeldBack holds that of checks that are known to be heavy no
// more are begun than fit, that light ones keep their slots meanwhile, and that
// a heavy one that finds no room until its deadline is skipped and counted.
func TestHeavyRunsAreHeldBack(t *testing.T) {
	c := newCrowd(t, 1000)
	newGauge(c, 200<<20)
	c.add("heavy", 150, 0, 30*time.Second)
	c.add("light", 200, time.Second, 30*time.Second)
	c.turn()
	c.want("heavy", 10, "where 150 MiB are for heavy ones") // 3/4 of 200 MiB
	c.now = c.now.Add(time.Second)
	c.wakes = c.now // it is not late
	c.turn()
	c.want("light", 200, "beside heavy ones that wait")
	c.want("heavy", 10, "after a second")
	c.end("heavy", 3)
	c.turn()
	c.want("heavy", 9, "when three have ended, and light ones have taken a little") // 200 × 32 KiB = 6.25 MiB
	if n := c.Skipped.Load(); n != 0 {
		t.Errorf("%d slots are skipped before their deadline", n)
	}
	c.now = c.now.Add(30 * time.Second)
	c.wakes = c.now
	c.turn()
	if n := c.Skipped.Load(); n != 138 || len(c.AwaitingMemory) != 0 {
		t.Errorf("%d slots are skipped at the deadline, and %d wait; want 138 and 0", n, len(c.AwaitingMemory))
	}
	c.end("heavy", 9)
	c.end("light", 200)
	if c.claimed != 0 || c.heavy != 0 {
		t.Errorf("when all have ended, %d bytes are claimed by %d heavy runs", c.claimed, c.heavy)
	}
}

// TestMeasuredMemoryHoldsRunsBack holds that what runs were found to hold counts
// more than what was expected: near the bound light ones wait, too.
func TestMeasuredMemoryHoldsRunsBack(t *testing.T) {
	c := newCrowd(t, 1000)
	g := newGauge(c, 200<<20)
	g.held.Store(225 << 20)
	c.add("light", 10, 0, 30*time.Second)
	c.turn()
	c.want("light", 0, "at 225 of 200 MiB")
	g.held.Store(200 << 20)
	c.turn()
	c.want("light", 10, "at 200 of 200 MiB, where the heaviest are about to be ended")
	c.add("heavy", 2, 0, 30*time.Second)
	c.turn()
	c.want("heavy", 0, "at 200 of 200 MiB")
	g.held.Store(50 << 20)
	c.turn()
	c.want("heavy", 2, "at 50 of 200 MiB")
}

// TestOneHeavyRunMayAlwaysBegin holds that a check that is expected to take more
// than the share of heavy ones runs all the same, alone.
func TestOneHeavyRunMayAlwaysBegin(t *testing.T) {
	c := newCrowd(t, 1000)
	newGauge(c, 16<<20)
	c.add("heavy", 3, 0, 30*time.Second)
	c.turn()
	c.want("heavy", 1, "where none fits")
	c.end("heavy", 1)
	c.turn()
	c.want("heavy", 1, "when the first has ended")
}

// TestALateTurnStartsLightRuns holds that where the processors have more to do
// than they can, checks whose runs take next to nothing are begun all the same.
func TestALateTurnStartsLightRuns(t *testing.T) {
	c := newCrowd(t, 1000)
	newGauge(c, 1<<40)
	c.add("other", 100, time.Second, 30*time.Second)
	c.add("light", 100, time.Second, 30*time.Second)
	c.turn()
	c.now = c.now.Add(time.Second + 2*late)
	c.turn()
	if got := c.gather(); got["light"] < lightBurst || got["other"] > lateBurst || got["light"]+got["other"] > lightBurst+lateBurst {
		t.Errorf("a late turn starts %v, want %d light ones and %d of any kind", got, lightBurst, lateBurst)
	}
}

// TestLightRunsBeyondAreBounded holds that late turns start no more light runs than
// can be under way to any use, and go on when some have ended.
func TestLightRunsBeyondAreBounded(t *testing.T) {
	c := newCrowd(t, 10_000)
	newGauge(c, 1<<40)
	const turns = 20
	for i := range 3 * turns { // more are due at each turn than it starts
		c.add("light", 50, time.Second+time.Duration(i)*2*late, 30*time.Second)
	}
	c.turn()
	c.now = c.now.Add(time.Second)
	late20 := func() {
		for range turns {
			c.now = c.now.Add(2 * late)
			c.turn()
		}
	}
	late20()
	if got := c.gather()["light"]; got < maxBeyond || got > maxBeyond+turns*lateBurst {
		t.Errorf("late turns have %d light runs in flight, want %d, and %d a turn of any kind", got, maxBeyond, lateBurst)
	}
	before := c.Started.Load()
	late20()
	if got := c.Started.Load() - before; got > turns*lateBurst {
		t.Errorf("with %d in flight, late turns start %d more", maxBeyond, got)
	}
	c.end("light", maxBeyond)
	before = c.Started.Load()
	c.now = c.now.Add(2 * late)
	if c.turn(); c.Started.Load()-before < lateBurst {
		t.Errorf("when %d have ended, a late turn starts %d", maxBeyond, c.Started.Load()-before)
	}
}

// TestManualRunWaitsForMemory holds that a run asked for by hand waits for
// memory like any other, and is given up at its deadline.
func TestManualRunWaitsForMemory(t *testing.T) {
	c := newCrowd(t, 1000)
	g := newGauge(c, 200<<20)
	g.held.Store(300 << 20)
	done := c.RunNow(&engine.Check{Meta: engine.Meta{ID: "heavy-x"}, Plugin: "heavy", Timeout: engine.Duration(time.Second)})
	c.turn()
	c.want("heavy", 0, "without memory")
	c.now = c.now.Add(time.Second)
	c.turn()
	if r := <-done; r != nil {
		t.Errorf("got %+v", r)
	}
}
