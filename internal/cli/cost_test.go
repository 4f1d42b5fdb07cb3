package cli

import (
	"runtime"
	"testing"

	"moonwatch/internal/programtest"
)

// What a run may cost is held by what does not depend on the machine: what it
// allocates, and how its processor time compares with a plain client's. The
// bounds lie a third above what was measured; lower them when it becomes less.

const costRuns = 3000

func TestAllocationsOfPlainCheck(t *testing.T) {
	checkAllocations(t, plainChecks(t, 1000), 8_400, 72)
}

func TestAllocationsOfHTTPCheck(t *testing.T) {
	_, url := programtest.StartHelper(t, "target")
	checkAllocations(t, httpChecks(t, 64, url), 11_500, 160)
}

// checkAllocations holds what a run allocates, the storing of its result and all.
func checkAllocations(t *testing.T, run func(n int), mostBytes, mostObjects uint64) {
	t.Helper()
	run(costRuns) // pools and connections
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(costRuns)
	runtime.ReadMemStats(&after)
	bytes, objects := (after.TotalAlloc-before.TotalAlloc)/costRuns, (after.Mallocs-before.Mallocs)/costRuns
	t.Logf("a run allocates %d bytes in %d objects", bytes, objects)
	if programtest.RaceEnabled {
		return // it allocates, too
	}
	if bytes > mostBytes || objects > mostObjects {
		t.Errorf("a run allocates %d bytes in %d objects, want %d in %d at most", bytes, objects, mostBytes, mostObjects)
	}
}

// TestCostOfHTTPCheck holds the processor time of an HTTP check against that of a
// plain client's request, as fast as both go. Others on the machine disturb it: one
// good try is enough.
func TestCostOfHTTPCheck(t *testing.T) {
	const most = 5.5
	_, url := programtest.StartHelper(t, "target")
	ours, theirs := httpChecks(t, 64, url), plainClient(t, url)
	ours(costRuns)
	theirs(costRuns)
	used := func(run func(n int)) float64 {
		before := ownCPU(t)
		run(costRuns)
		return (ownCPU(t) - before).Seconds()
	}
	ratio := 0.0
	for range 3 {
		ratio = used(ours) / used(theirs)
		t.Logf("an HTTP check takes %.2f times what a plain request takes", ratio)
		if ratio <= most || programtest.RaceEnabled {
			return
		}
	}
	t.Errorf("an HTTP check takes %.2f times what a plain request takes, want %v at most", ratio, float64(most))
}
