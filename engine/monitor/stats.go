package monitor

import (
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/schedule"
)

// Stats are the engine's figures for metrics and the dashboard.
type Stats struct {
	Checks        map[engine.CheckStatus]int
	Subjects      map[engine.Status]int
	Scheduled     int
	UnderWay      int
	MaxUnderWay   int    // how many runs may be under way
	Hungry        int    // runs that wait until there is memory for them
	Memory        uint64 // bytes that all runs held when they were last weighed, 0 while that is little
	MaxMemory     uint64 // bytes that they may hold; 0 when nobody knows
	Started       int64  // runs since the start
	Skipped       int64  // slots without a run since the start
	LagBounds     []time.Duration
	LagBuckets    []int64 // one more than LagBounds: the last is above all
	LagSum        time.Duration
	LagMax        time.Duration // about the last minute
	OpenIncidents int
	Deliveries    map[engine.DeliveryState]int // active ones
	MemoryOnly    bool
	Since         time.Time
}

// Stats returns the engine's figures.
func (e *Monitor) Stats() Stats {
	s := Stats{Checks: map[engine.CheckStatus]int{}, Subjects: map[engine.Status]int{}, Deliveries: map[engine.DeliveryState]int{},
		MemoryOnly: e.MemoryOnly.Load(), Since: e.StartAt}
	e.Mu.RLock()
	for id, c := range e.Tables.Checks {
		if !c.Active {
			continue
		}
		status := engine.CheckPending
		if state := e.Tables.States[id]; state != nil {
			status = state.Status
		}
		s.Checks[status]++
	}
	for _, state := range e.Tables.Subjects {
		s.Subjects[state.Overall]++
	}
	for _, in := range e.Tables.Incidents {
		if in.Closed == nil {
			s.OpenIncidents++
		}
	}
	for _, d := range e.Tables.Deliveries {
		s.Deliveries[d.State]++
	}
	e.Mu.RUnlock()
	e.Sched.Mu.Lock()
	s.Scheduled, s.UnderWay = len(e.Sched.Entries), e.Sched.InFlight
	s.MaxUnderWay, s.Hungry = e.Sched.Limit, len(e.Sched.AwaitingMemory)
	e.Sched.Mu.Unlock()
	if e.Options.Memory != nil {
		s.Memory, s.MaxMemory = e.Options.Memory.RunMemory()
	}
	s.Started, s.Skipped = e.Sched.Started.Load(), e.Sched.Skipped.Load()
	l := &e.Sched.Lag
	l.Mu.Lock()
	s.LagBounds, s.LagBuckets, s.LagSum, s.LagMax = schedule.LagBounds[:], slices.Clone(l.Buckets[:]), l.Sum, l.Max
	l.Mu.Unlock()
	return s
}
