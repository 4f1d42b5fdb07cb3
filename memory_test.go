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
