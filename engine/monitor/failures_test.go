package monitor_test

import (
	"fmt"
	"testing"
	"time"

	"moonwatch/engine"
)

// An incident keeps 40 failures. Those beyond are counted once, however often it is
// looked at.
func TestFailuresBeyondAreCountedOnce(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		var checks []*engine.Check
		for i := range 43 {
			name := fmt.Sprint("c", i)
			b.set(name, "ERROR")
			checks = append(checks, b.check(name, rarely))
		}
		b.service("Shop", []string{"mail"}, checks...)
		pass(2 * time.Second)
		for range 3 {
			b.turn(checks[0], "")
			pass(time.Second)
			b.turn(checks[0], "ERROR")
			pass(time.Second)
		}
		list := b.incidents(nil) // three are beyond, and the first when it fails again
		if len(list) != 1 || len(list[0].Failures) != 40 || list[0].MoreFailures != 4 {
			t.Errorf("%d incidents; of the first %d failures and %d more", len(list), len(list[0].Failures), list[0].MoreFailures)
		}
	})
}
