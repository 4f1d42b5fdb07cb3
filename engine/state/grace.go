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

// Holds reports whether firings and repeats of an incident are held back now.
func (h *Grace) Holds(incident string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	checks, ok := h.awaited[incident]
	if !ok {
		return false
	}
	if len(checks) == 0 || !now.Before(h.deadline) {
		delete(h.awaited, incident)
		return false
	}
	return true
}

// ResultSeen notes a new result of a check, and has the incidents looked at that
// waited for nothing else.
func (h *Grace) ResultSeen(x *Tx, check string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, checks := range h.awaited {
		if !checks[check] {
			continue
		}
		delete(checks, check)
		if in := x.Incidents.Get(id); len(checks) == 0 && in != nil {
			x.State.WakeAt(Timer{At: x.Now, Ref: in.Subject})
		}
	}
}
