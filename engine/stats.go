package engine

import (
	"slices"
	"time"
)

// Stats are the engine's figures for metrics and the dashboard.
type Stats struct {
	Checks        map[CheckStatus]int
	Subjects      map[Status]int
	Scheduled     int
	UnderWay      int
	MostUnderWay  int    // how many runs may be under way
	Hungry        int    // runs that wait until there is memory for them
	Memory        uint64 // bytes that all runs held when they were last weighed, 0 while that is little
	MostMemory    uint64 // bytes that they may hold; 0 when nobody knows
	Started       int64  // runs since the start
	Skipped       int64  // slots without a run since the start
	LagBounds     []time.Duration
	LagBuckets    []int64 // one more than LagBounds: the last is above all
	LagSum        time.Duration
	LagMax        time.Duration // about the last minute
	OpenIncidents int
	Deliveries    map[DeliveryState]int // active ones
	MemoryOnly    bool
	Since         time.Time
}

// Stats returns the engine's figures.
func (e *Engine) Stats() Stats {
	s := Stats{Checks: map[CheckStatus]int{}, Subjects: map[Status]int{}, Deliveries: map[DeliveryState]int{},
		MemoryOnly: e.memoryOnly.Load(), Since: e.startAt}
	e.mu.RLock()
	for id, c := range e.tables.checks {
		if !c.Active {
			continue
		}
		status := CheckPending
		if state := e.tables.states[id]; state != nil {
			status = state.Status
		}
		s.Checks[status]++
	}
	for _, state := range e.tables.subjects {
		s.Subjects[state.Overall]++
	}
	for _, in := range e.tables.incidents {
		if in.Closed == nil {
			s.OpenIncidents++
		}
	}
	for _, d := range e.tables.deliveries {
		s.Deliveries[d.State]++
	}
	e.mu.RUnlock()
	e.sched.mu.Lock()
	s.Scheduled, s.UnderWay = len(e.sched.entries), e.sched.flying
	s.MostUnderWay, s.Hungry = e.sched.limit, len(e.sched.hungry)
	e.sched.mu.Unlock()
	if e.o.Memory != nil {
		s.Memory, s.MostMemory = e.o.Memory.RunMemory()
	}
	s.Started, s.Skipped = e.sched.started.Load(), e.sched.skipped.Load()
	l := &e.sched.lag
	l.mu.Lock()
	s.LagBounds, s.LagBuckets, s.LagSum, s.LagMax = lagBounds[:], slices.Clone(l.Buckets[:]), l.Sum, l.Max
	l.mu.Unlock()
	return s
}
