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
)

// boundMemory has the garbage collector work harder when memory grows quickly,
// as it does under plugins that allocate for ever: the runtime alone lets the
// heap double before it collects. The bound follows what is alive, so that a
// large monitor, or many runs that wait, are not slowed. GOMEMLIMIT, when set,
// stands instead.
func boundMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	for {
		metrics.Read(now)
		debug.SetMemoryLimit(memoryLimit(now[0].Value.Uint64(), now[1].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// memoryLimit is the bound for a heap of which so much is alive, and stacks: the
// heap may grow by a half between two collections, once it is large.
func memoryLimit(live, stacks uint64) int64 {
	return max(memoryLeast, int64(live+live/2+2*stacks)+64<<20)
}
