package schedule

import (
	"time"

	"moonwatch/engine"
)

// StaleChecks returns the checks that have had no run for max(3 intervals, 5
// min), each once until it runs again. One whose run is under way is none.
func (s *Scheduler) StaleChecks() []*engine.Check {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	now := s.now()
	var out []*engine.Check
	for _, e := range s.Entries {
		if !e.stale && now.Sub(e.lastEnd) > 5*time.Minute && now.After(thirdSlot(e.check, e.lastEnd)) && !e.busy(now) {
			e.stale = true
			out = append(out, e.check)
		}
	}
	return out
}

// busy reports whether a run is under way that may still end in time.
func (e *entry) busy(now time.Time) bool {
	return e.running != nil && !e.running.begun.IsZero() && now.Before(e.running.begun.Add(e.check.Timeout.Std()))
}

// thirdSlot is three intervals after an instant, or the check's third slot by
// its schedule.
func thirdSlot(c *engine.Check, from time.Time) time.Time {
	if c.Schedule == nil {
		return from.Add(3 * c.Interval.Std())
	}
	for range 3 {
		from = After(c, from)
	}
	return from
}
