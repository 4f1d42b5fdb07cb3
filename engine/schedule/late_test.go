package schedule

import (
	"fmt"
	"testing"
	"time"

	"moonwatch/engine"
)

// While runs wait for connections, few more begin.
func TestCrowdedTurns(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(func() time.Time { return now }, 20_000, func(*Slot) {})
	crowded := true
	s.Overloaded = func() bool { return crowded }
	for i := range 10 {
		s.Set(&engine.Check{Meta: engine.Meta{ID: fmt.Sprint(i)}, Plugin: "p", Active: true, Interval: engine.Duration(24 * time.Hour), Timeout: engine.Duration(5 * time.Second)}, 0)
	}
	for turn := range 3 {
		if s.turn(); s.Started.Load() != int64(turn+1)*crowdBurst {
			t.Errorf("%d runs were started after %d crowded turns", s.Started.Load(), turn+1)
		}
		now = s.wakes
	}
	crowded = false
	if s.turn(); s.Started.Load() != 10 {
		t.Errorf("%d runs were started once there was room, want all", s.Started.Load())
	}
	s.Close()
}

// end ends a run whose result is handed over at once.
func end(s *Scheduler, t *Slot) {
	s.Settle(t)
	s.Release(t)
}

// A run keeps its place until its result is handed over, so that runs begin no faster
// than the store takes their results.
func TestPlacesAreKeptUntilTheResultIsHandedOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	begun := make(chan *Slot, 10)
	s := New(func() time.Time { return now }, 4, func(t *Slot) { begun <- t })
	for i := range 3 {
		s.Set(&engine.Check{Meta: engine.Meta{ID: fmt.Sprint(i)}, Plugin: "p", Active: true, Interval: engine.Duration(time.Second), Timeout: engine.Duration(500 * time.Millisecond)}, 0)
	}
	var ended []*Slot
	for range 20 {
		s.turn()
		now = now.Add(500 * time.Millisecond)
		for len(begun) > 0 || int(s.Started.Load()) > len(ended) {
			run := <-begun
			s.Settle(run)
			ended = append(ended, run)
		}
	}
	if len(ended) != 4 || s.InFlight != 4 {
		t.Errorf("%d runs began with room for 4 while no result was taken; %d in flight", len(ended), s.InFlight)
	}
	for _, run := range ended {
		s.Release(run)
	}
	if s.turn(); s.Started.Load() <= 4 {
		t.Error("no run began when the results were taken")
	}
	s.Close()
}

// A late turn starts few runs; the others begin as runs end, or with the next
// turn that is on time.
func TestLateTurns(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	begun := make(chan *Slot, 2000)
	s := New(func() time.Time { return now }, 20_000, func(t *Slot) { begun <- t })
	for i := range 1000 {
		s.Set(&engine.Check{Meta: engine.Meta{ID: fmt.Sprint(i)}, Plugin: fmt.Sprint(i % 3), Active: true, Interval: engine.Duration(24 * time.Hour), Timeout: engine.Duration(5 * time.Second)}, 0)
	}
	inFlight := func() int {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		return s.InFlight
	}
	s.turn()
	if got := inFlight(); got != burst {
		t.Errorf("a turn on time started %d runs, want %d", got, burst)
	}
	now = s.wakes.Add(late + time.Millisecond)
	s.turn()
	if got := inFlight(); got != burst+lateBurst {
		t.Errorf("a late turn started %d runs, want %d", got-burst, lateBurst)
	}
	for range 10 {
		end(s, <-begun)
	}
	if got := inFlight(); got != burst+lateBurst {
		t.Errorf("%d runs in flight after 10 landings, want %d: one begins for each", got, burst+lateBurst)
	}
	if ran := s.Started.Load(); ran != burst+lateBurst+10 {
		t.Errorf("%d runs were started, want %d", ran, burst+lateBurst+10)
	}
	for range 3 {
		now = s.wakes
		s.turn()
	}
	if got := s.Started.Load(); got != 1000 {
		t.Errorf("%d runs were started in the end, want all", got)
	}
	if s.Skipped.Load() != 0 {
		t.Errorf("%d slots were skipped", s.Skipped.Load())
	}
	s.Close()
}
