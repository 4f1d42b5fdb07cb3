package engine

import (
	"sync"
	"time"
)

// holdback keeps firings and repeats back after a start, until each failing
// check of the incident has a new result: what failed before the stop may have
// recovered meanwhile.
type holdback struct {
	mu       sync.Mutex
	awaited  map[string]map[string]bool // incident → checks without a new result
	deadline time.Time
}

// holdMost is how long an incident is held back at the most.
const holdMost = 2 * time.Minute

func (h *holdback) begin(awaited map[string]map[string]bool, deadline time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awaited, h.deadline = awaited, deadline
}

// holding reports whether firings and repeats of an incident are held back.
func (e *State) holding(incident string) bool {
	h := &e.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	checks, ok := h.awaited[incident]
	if !ok {
		return false
	}
	if len(checks) == 0 || !e.now().Before(h.deadline) {
		delete(h.awaited, incident)
		return false
	}
	return true
}

// heard notes a new result of a check.
func (e *State) heard(x *tx, check string) {
	h := &e.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, checks := range h.awaited {
		if !checks[check] {
			continue
		}
		delete(checks, check)
		if in := x.incidents.get(id); len(checks) == 0 && in != nil {
			e.remind(due{at: x.now, ref: in.Subject})
		}
	}
}
