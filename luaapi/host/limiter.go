package host

import (
	"context"
	"sync"
	"sync/atomic"
)

// limiter bounds how many connections to one host and port are in use.
type limiter struct {
	perHost int
	waiting atomic.Int64

	mu    sync.Mutex
	hosts map[string]*slots
}

// slots are the connections of one host. users counts those that hold or wait
// for one, so that an entry can go when nobody needs it.
type slots struct {
	users int // guarded by limiter.mu
	free  chan struct{}
}

func newLimiter(perHost int) *limiter {
	return &limiter{perHost: perHost, hosts: make(map[string]*slots)}
}

// acquire waits for a slot of key until ctx ends.
func (l *limiter) acquire(ctx context.Context, key string) error {
	l.mu.Lock()
	s := l.hosts[key]
	if s == nil {
		s = &slots{free: make(chan struct{}, l.perHost)}
		l.hosts[key] = s
	}
	s.users++
	l.mu.Unlock()
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.leave(key)
		return ctx.Err()
	}
}

// release gives a slot back.
func (l *limiter) release(key string) {
	l.mu.Lock()
	<-l.hosts[key].free // never blocks: the caller holds one
	l.mu.Unlock()
	l.leave(key)
}

// held returns how many slots of key are taken.
func (l *limiter) held(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.hosts[key]; s != nil {
		return len(s.free)
	}
	return 0
}

func (l *limiter) leave(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.hosts[key]
	s.users--
	if s.users == 0 {
		delete(l.hosts, key)
	}
}

// Waiting returns how many requests and streams wait for a connection now,
// because their host has all that it may have.
func (n *Net) Waiting() int { return int(n.limit.waiting.Load()) }
