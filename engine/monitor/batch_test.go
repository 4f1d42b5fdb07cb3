package monitor_test

import (
	"fmt"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestResultsThatMoveNothingShareBatches holds what a batch waits for: results
// that move no status for one another, a tenth of a second at most, and what
// anybody waits for, or moves a status, for nothing.
func TestResultsThatMoveNothingShareBatches(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		var checks []*engine.Check
		for i := range 100 {
			checks = append(checks, b.check(fmt.Sprint("check ", i), nil))
		}
		pass(3 * time.Second) // the first results are there
		before, results := b.store.Applied(), 0
		pass(10 * time.Second)
		for _, c := range checks {
			results += len(b.results(c))
		}
		if got := b.store.Applied() - before; got > 110 {
			t.Errorf("10 s of 100 checks made %d batches, want at most 110", got)
		}
		if results < 1200 {
			t.Errorf("%d results in 13 s of 100 checks", results)
		}
		// A status that moves is durable and seen at once.
		c := checks[0]
		b.set(c.Name, "ERROR")
		runs := len(b.started(c.Name))
		until := time.Now().Add(2 * time.Second)
		for len(b.started(c.Name)) == runs && time.Now().Before(until) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Millisecond)
		b.wantStatus(c, engine.CheckFailing, "a millisecond after the run")
		// So are an edit, and a run that somebody asked for.
		for what, ask := range map[string]func() error{
			"an edit": func() error { b.editCheck(checks[1], func(c *engine.Check) { c.Tags = []string{"x"} }); return nil },
			"a run":   func() error { _, err := b.e.RunCheck(b.t.Context(), checks[2].ID); return err },
		} {
			for range 20 {
				asked := time.Now()
				if err := ask(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(asked); took > 0 {
					t.Errorf("%s waited %v for results", what, took)
				}
				time.Sleep(7 * time.Millisecond)
			}
		}
	})
}
