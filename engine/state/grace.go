package state

import (
	"sync"
	"time"
)

// Grace keeps firings and repeats back after a start, until each failing
// check of the incident has a new result: what failed before the stop may have
// recovered meanwhile.
type Grace struct {
	mu       sync.Mutex
	awaited  map[string]map[string]bool // incident → checks without a new result
	deadline time.Time
}

// MaxGrace is how long an incident is held back at the most.
const MaxGrace = 2 * time.Minute

func (h *Grace) Begin(awaited map[string]map[string]bool, deadline time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awaited, h.deadline = awaited, deadline
}

// InGrace reports whether firings and repeats of an incident are held back.
func (st *State) InGrace(incident string) bool {
	h := &st.Grace
	h.mu.Lock()
	defer h.mu.Unlock()
	checks, ok := h.awaited[incident]
	if !ok {
		return false
	}
	if len(checks) == 0 || !st.Now().Before(h.deadline) {
		delete(h.awaited, incident)
		return false
	}
	return true
}

// ResultSeen notes a new result of a check.
func (st *State) ResultSeen(x *Tx, check string) {
	h := &st.Grace
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, checks := range h.awaited {
		if !checks[check] {
			continue
		}
		delete(checks, check)
		if in := x.Incidents.Get(id); len(checks) == 0 && in != nil {
			st.WakeAt(Timer{At: x.Now, Ref: in.Subject})
		}
	}
}
