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
func (m *Monitor) Stats() Stats {
	s := Stats{Checks: map[engine.CheckStatus]int{}, Subjects: map[engine.Status]int{}, Deliveries: map[engine.DeliveryState]int{},
		MemoryOnly: m.MemoryOnly.Load(), Since: m.StartAt}
	m.Mu.RLock()
	for id, c := range m.Tables.Checks {
		if !c.Active {
			continue
		}
		status := engine.CheckPending
		if state := m.Tables.States[id]; state != nil {
			status = state.Status
		}
		s.Checks[status]++
	}
	for _, state := range m.Tables.Subjects {
		s.Subjects[state.Overall]++
	}
	for _, in := range m.Tables.Incidents {
		if in.Closed == nil {
			s.OpenIncidents++
		}
	}
	for _, d := range m.Tables.Deliveries {
		s.Deliveries[d.State]++
	}
	m.Mu.RUnlock()
	m.Sched.Mu.Lock()
	s.Scheduled, s.UnderWay = len(m.Sched.Entries), m.Sched.InFlight
	s.MaxUnderWay, s.Hungry = m.Sched.Limit, len(m.Sched.AwaitingMemory)
	m.Sched.Mu.Unlock()
	if m.Options.Memory != nil {
		s.Memory, s.MaxMemory = m.Options.Memory.RunMemory()
	}
	s.Started, s.Skipped = m.Sched.Started.Load(), m.Sched.Skipped.Load()
	l := &m.Sched.Lag
	l.Mu.Lock()
	s.LagBounds, s.LagBuckets, s.LagSum, s.LagMax = schedule.LagBounds[:], slices.Clone(l.Buckets[:]), l.Sum, l.Max
	l.Mu.Unlock()
	return s
}
