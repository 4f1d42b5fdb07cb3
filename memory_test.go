package main

import "testing"

func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct{ live, want int64 }{
		{0, memoryLeast}, {100 << 20, memoryLeast}, {256 << 20, memoryLeast}, {1 << 30, 2560 << 20},
	} {
		if got := memoryLimit(c.live); got != c.want {
			t.Errorf("of %d MB alive: %d MB, want %d", c.live>>20, got>>20, c.want>>20)
		}
	}
}
