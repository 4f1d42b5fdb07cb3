package monitor

import (
	"fmt"
	"testing"
)

// TestPlacesForViewsAreShared has ten plugins take what places they get: none
// has more than eight, and one that has none yet always finds one.
func TestPlacesForViewsAreShared(t *testing.T) {
	d := newViewDispatcher()
	for i := range 10 {
		n := 0
		for d.enter(fmt.Sprint(i)) {
			n++
		}
		if n < 1 || n > viewsOfOne || i < 4 && n != viewsOfOne {
			t.Errorf("plugin %d got %d places", i, n)
		}
	}
	if d.all > viewsAtOnce {
		t.Errorf("%d calls are under way, want %d at most", d.all, viewsAtOnce)
	}
	for i := range 10 {
		for d.underWay[fmt.Sprint(i)] > 0 {
			d.leave(fmt.Sprint(i))
		}
	}
	if d.all != 0 || len(d.underWay) != 0 {
		t.Errorf("%d are under way when all have ended", d.all)
	}
}
