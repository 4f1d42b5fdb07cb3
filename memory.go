package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryLeast is the memory up to which the collector takes its time.
	memoryLeast = 512 << 20
	memoryEvery = 2 * time.Second
	// growthLeast and growthMost bound how much the heap may grow between two
	// collections, in percent of what is alive.
	growthLeast, growthMost = 100, 400
)

// boundMemory has the garbage collector work harder when memory grows quickly,
// as it does under plugins that allocate for ever: the runtime alone lets the
// heap double before it collects. The bound follows what is alive, so that a
// large monitor, or many runs that wait, are not slowed. Within the bound, a
// monitor that makes thousands of runs a second, and so collects all the time,
// lets its heap grow further. GOMEMLIMIT or GOGC, when set, stand instead.
func boundMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return
	}
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/automatic:gc-cycles"}}
	growth, before := growthLeast, uint64(0)
	for {
		metrics.Read(now)
		cycles := now[2].Value.Uint64()
		if next := heapGrowth(growth, cycles-before); next != growth {
			debug.SetGCPercent(next)
			growth = next
		}
		before = cycles
		debug.SetMemoryLimit(memoryLimit(now[0].Value.Uint64(), now[1].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// heapGrowth is how much the heap may grow, in percent, after so many collections
// in memoryEvery under the growth until now.
func heapGrowth(until int, cycles uint64) int {
	switch {
	case cycles > 2:
		return min(until+100, growthMost)
	case cycles == 0:
		return max(until-100, growthLeast)
	}
	return until
}

// memoryLimit is the bound for a heap of which so much is alive, and stacks: the
// heap may grow by a half between two collections, once it is large.
func memoryLimit(live, stacks uint64) int64 {
	return max(memoryLeast, int64(live+live/2+2*stacks)+64<<20)
}
