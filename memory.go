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
	memoryLeast = 704 << 20
	memoryEvery = 10 * time.Second
)

// boundMemory has the garbage collector work harder when memory grows quickly,
// as it does under plugins that allocate for ever: the runtime alone lets the
// heap double before it collects. The bound follows what is alive, so that a
// large monitor is not slowed. GOMEMLIMIT, when set, stands instead.
func boundMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(int64(live[0].Value.Uint64())))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// memoryLimit is the bound for a heap of which so much is alive.
func memoryLimit(live int64) int64 { return max(memoryLeast, live*2+live/2) }
