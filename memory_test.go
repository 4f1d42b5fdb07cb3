package main

import "testing"

func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		live, stacks uint64
		want         int64
	}{
		{0, 0, memoryLeast}, {290 << 20, 5 << 20, memoryLeast}, {400 << 20, 200 << 20, 1064 << 20}, {1 << 30, 0, 1600 << 20},
	} {
		if got := memoryLimit(c.live, c.stacks); got != c.want {
			t.Errorf("of %d MB alive and %d MB of stacks: %d MB, want %d", c.live>>20, c.stacks>>20, got>>20, c.want>>20)
		}
	}
}

func TestHeapGrowth(t *testing.T) {
	for _, c := range []struct {
		until  int
		cycles uint64
		want   int
	}{
		{100, 0, 100}, {100, 2, 100}, {100, 3, 200}, {400, 9, 400}, {400, 1, 400}, {400, 0, 300}, {150, 0, 100},
	} {
		if got := heapGrowth(c.until, c.cycles); got != c.want {
			t.Errorf("%d%% after %d collections: %d%%, want %d%%", c.until, c.cycles, got, c.want)
		}
	}
}
