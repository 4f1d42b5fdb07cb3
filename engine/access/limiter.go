package access

import (
	"sort"
	"sync"
	"time"
)

// maxKeys bounds what a Limiter remembers.
const maxKeys = 10_000

// Limiter bounds attempts per key (an address, a username): a number at once,
// and then one per interval. It is safe for concurrent use and never blocks. It
// remembers 10,000 keys; beyond that it forgets those with most attempts left.
type Limiter struct {
	burst float64
	every time.Duration

	mu      sync.Mutex
	buckets map[string]bucket // guarded by mu
}

// bucket is what was left at an instant; it has grown since.
type bucket struct {
	left float64
	at   time.Time
}

// NewLimiter allows burst attempts at once, and one more after each interval.
// It panics when either is not positive.
func NewLimiter(burst int, every time.Duration) *Limiter {
	if burst <= 0 || every <= 0 {
		panic("access: a limiter needs a positive burst and interval")
	}
	return &Limiter{burst: float64(burst), every: every, buckets: map[string]bucket{}}
}

// Allow takes one attempt of key, and reports whether there was one left. A
// refused attempt costs nothing.
func (l *Limiter) Allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known && len(l.buckets) >= maxKeys {
		l.forget(now)
	}
	left := l.burst
	if known {
		left = l.left(b, now)
	}
	if left < 1 {
		return false
	}
	l.buckets[key] = bucket{left: left - 1, at: now}
	return true
}

// Wait is how long it takes until Allow would say yes, 0 for at once.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		return 0
	}
	missing := 1 - l.left(b, now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing * float64(l.every))
}

// Reset gives key all its attempts back, as after a login that went well.
func (l *Limiter) Reset(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.buckets, key)
}

// left is what b holds now. A clock that went back adds nothing.
func (l *Limiter) left(b bucket, now time.Time) float64 {
	grown := max(0, float64(now.Sub(b.at))/float64(l.every))
	return min(l.burst, b.left+grown)
}

// forget drops the keys that are full again, and if need be the fuller half.
func (l *Limiter) forget(now time.Time) {
	type held struct {
		key  string
		left float64
	}
	rest := make([]held, 0, len(l.buckets))
	for key, b := range l.buckets {
		left := l.left(b, now)
		if left >= l.burst {
			delete(l.buckets, key)
			continue
		}
		rest = append(rest, held{key, left})
	}
	if len(rest) < maxKeys/2 {
		return
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i].left > rest[j].left })
	for _, h := range rest[:len(rest)/2] {
		delete(l.buckets, h.key)
	}
}
