package engine

import (
	"fmt"
	"testing"
	"time"
)

// While runs wait for connections, few more begin.
func TestCrowdedTurns(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newScheduler(func() time.Time { return now }, 20_000, func(*slot) {})
	crowded := true
	s.crowded = func() bool { return crowded }
	for i := range 10 {
		s.set(&Check{Meta: Meta{ID: fmt.Sprint(i)}, Plugin: "p", Active: true, Interval: Duration(24 * time.Hour), Timeout: Duration(5 * time.Second)}, 0)
	}
	for turn := range 3 {
		if s.turn(); s.started.Load() != int64(turn+1)*crowdBurst {
			t.Errorf("%d runs were started after %d crowded turns", s.started.Load(), turn+1)
		}
		now = s.wakes
	}
	crowded = false
	if s.turn(); s.started.Load() != 10 {
		t.Errorf("%d runs were started once there was room, want all", s.started.Load())
	}
	s.close()
}

// A late turn starts few runs; the others begin as runs end, or with the next
// turn that is on time.
func TestLateTurns(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	begun := make(chan *slot, 2000)
	s := newScheduler(func() time.Time { return now }, 20_000, func(t *slot) { begun <- t })
	for i := range 1000 {
		s.set(&Check{Meta: Meta{ID: fmt.Sprint(i)}, Plugin: fmt.Sprint(i % 3), Active: true, Interval: Duration(24 * time.Hour), Timeout: Duration(5 * time.Second)}, 0)
	}
	flying := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.flying
	}
	s.turn()
	if got := flying(); got != burst {
		t.Errorf("a turn on time started %d runs, want %d", got, burst)
	}
	now = s.wakes.Add(late + time.Millisecond)
	s.turn()
	if got := flying(); got != burst+lateBurst {
		t.Errorf("a late turn started %d runs, want %d", got-burst, lateBurst)
	}
	for range 10 {
		s.landed(<-begun)
	}
	if got := flying(); got != burst+lateBurst {
		t.Errorf("%d runs in flight after 10 landings, want %d: one begins for each", got, burst+lateBurst)
	}
	if ran := s.started.Load(); ran != burst+lateBurst+10 {
		t.Errorf("%d runs were started, want %d", ran, burst+lateBurst+10)
	}
	for range 3 {
		now = s.wakes
		s.turn()
	}
	if got := s.started.Load(); got != 1000 {
		t.Errorf("%d runs were started in the end, want all", got)
	}
	if s.skipped.Load() != 0 {
		t.Errorf("%d slots were skipped", s.skipped.Load())
	}
	s.close()
}
