package demo

import (
	"math"
	"testing"
	"time"
)

// TestStory holds that what a check finds depends on city, name and instant alone, that
// charts have no step where the history ends, and that the outage comes and goes.
func TestStory(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 3, 14, 0, 0, 0, time.UTC)
	one, other := New(1, now), New(1, now)
	one.Rehearse(Outage{First: now.Add(time.Minute), Every: 20 * time.Minute})
	if len(one.services) != 60 {
		t.Errorf("the city has %d services", len(one.services))
	}
	for name := range one.checks {
		a, _ := one.Report(name, now)
		b, _ := other.Report(name, now)
		if a.Took != b.Took || a.Succeeded != b.Succeeded || len(a.Metrics) != len(b.Metrics) {
			t.Errorf("%s: %+v and %+v", name, a, b)
		}
	}
	mean := func(from time.Time) float64 {
		sum := 0.0
		for i := range 200 {
			r, _ := one.Report("City website answers", from.Add(time.Duration(i)*3*time.Second))
			sum += r.Took.Seconds()
		}
		return sum / 200
	}
	if before, after := mean(now.Add(-10*time.Minute)), mean(now); math.Abs(before/after-1) > 0.1 {
		t.Errorf("the mean goes from %v to %v within minutes", before, after)
	}
	for minute, passes := range map[int]bool{0: true, 3: false, 12: true, 23: false, 32: true} {
		r, _ := one.Report("Payments answers", now.Add(time.Duration(minute)*time.Minute+30*time.Second))
		if r.Succeeded != passes {
			t.Errorf("after %d minutes: %+v", minute, r)
		}
	}
	if _, known := one.Report("somebody else's", now); known {
		t.Error("a check that is not the city's is told")
	}
}
