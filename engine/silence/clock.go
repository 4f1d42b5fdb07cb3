package silence

import (
	"sync"
	"time"

	"moonwatch/engine"
)

// Clock remembers of silences whether they hold, until that changes: to
// find it out of a rule takes as long as many evaluations. Its zero value is ready.
type Clock struct {
	mu    sync.Mutex // guards known
	known map[string]silenceHolds
}

// silenceHolds is what was found of a silence as it was, which is never changed
// but replaced: it is so from an instant on, until another.
type silenceHolds struct {
	of          *engine.Silence
	from, until time.Time
	holds       bool
}

// maxKnownSilences bounds what is remembered; beyond it all is forgotten.
const maxKnownSilences = 10_000

// At is Silence.at.
func (c *Clock) At(s *engine.Silence, now time.Time) (holds bool, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.known[s.ID]; ok && k.of == s && !now.Before(k.from) && now.Before(k.until) {
		return k.holds, k.until
	}
	holds, next = At(s, now)
	if c.known == nil || len(c.known) >= maxKnownSilences {
		c.known = map[string]silenceHolds{}
	}
	c.known[s.ID] = silenceHolds{s, now, next, holds}
	return holds, next
}
