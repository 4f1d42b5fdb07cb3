package access

import (
	"crypto/sha256"
	"net/netip"
	"sort"
	"sync"
	"time"
)

// What a Limiter remembers at most: so many keys, of so many bytes.
const (
	maxKeys = 10_000
	keyMost = 64
)

// Limiter bounds attempts per key (an address, a username): a number at once,
// and then one per interval. It is safe for concurrent use and never blocks. It
// remembers 10,000 keys, longer ones than 64 bytes by their hash, until they are
// full again; beyond that it forgets those with most attempts left.
type Limiter struct {
	burst float64
	every time.Duration

	mu      sync.Mutex
	buckets map[string]bucket // guarded by mu
	swept   time.Time         // when full keys were last dropped; guarded by mu
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
	key = shortKey(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known && (len(l.buckets) >= maxKeys || now.Sub(l.swept).Abs() > l.full()) {
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
	key = shortKey(key)
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

// Return gives back one attempt of key, for one that turned out not to count.
func (l *Limiter) Return(key string, now time.Time) {
	key = shortKey(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		return
	}
	if left := l.left(b, now) + 1; left < l.burst {
		l.buckets[key] = bucket{left: left, at: now}
	} else {
		delete(l.buckets, key)
	}
}

// full is how long a spent key takes to be full again.
func (l *Limiter) full() time.Duration { return time.Duration(l.burst * float64(l.every)) }

// shortKey is a key in the bytes that one may take: visitors choose their length.
func shortKey(key string) string {
	if len(key) <= keyMost {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}

// AddressKey is an address as visitors are counted by it: of IPv6 the /64, which
// is what one customer of a provider has. What is no address stays as it is.
func AddressKey(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 bits are there
	return p.String()
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
	l.swept = now
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
