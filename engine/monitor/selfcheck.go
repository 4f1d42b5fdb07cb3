package monitor

import (
	"context"
	"sync"
	"time"

	"moonwatch/engine"
)

// selfCheck asks the self-check target, at most every five seconds.
type selfCheck struct {
	mu      sync.Mutex
	asked   time.Time
	target  string
	failing bool
}

const (
	selfCheckEvery = 5 * time.Second
	selfCheckTime  = 3 * time.Second
)

func (s *selfCheck) offline(ctx context.Context, target string, now func() time.Time, p engine.Prober) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.target == target && now().Sub(s.asked) < selfCheckEvery {
		return s.failing
	}
	ctx, cancel := context.WithTimeout(ctx, selfCheckTime)
	defer cancel()
	s.failing = p.Probe(ctx, target) != nil
	s.target, s.asked = target, now()
	return s.failing
}
