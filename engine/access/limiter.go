package access

import (
	"crypto/sha256"
	"net/netip"
	"sort"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What a Limiter remembers at most: so many keys, of so many bytes.
const (
	maxKeys     = 10_000
	maxKeyBytes = 64
)

// Limiter bounds attempts per key (an address, a username): a number at once,
// and then one per interval, counted by a token bucket of its own. It is safe for
// concurrent use and never blocks. It remembers 10,000 keys, longer ones than 64
// bytes by their hash, until they are full again; beyond that it forgets those
// with most attempts left.
type Limiter struct {
	burst int
	every time.Duration

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // those that may not be full; guarded by mu
	swept   time.Time                // when full keys were last dropped; guarded by mu
}

// NewLimiter allows burst attempts at once, and one more after each interval.
// It panics when either is not positive.
func NewLimiter(burst int, every time.Duration) *Limiter {
	if burst <= 0 || every <= 0 {
		panic("access: a limiter needs a positive burst and interval")
	}
	return &Limiter{burst: burst, every: every, buckets: map[string]*rate.Limiter{}}
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
	if !known {
		b = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.buckets[key] = b
	}
	return b.AllowN(now, 1)
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
	missing := max(0, 1-b.TokensAt(now))
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
	b.AllowN(now, -1)
	if l.isFull(b, now) {
		delete(l.buckets, key)
	}
}

// isFull reports whether b has all its attempts, as a key that is not known.
func (l *Limiter) isFull(b *rate.Limiter, now time.Time) bool {
	return b.TokensAt(now) >= float64(l.burst)
}

// full is how long a spent key takes to be full again.
func (l *Limiter) full() time.Duration { return time.Duration(l.burst) * l.every }

// shortKey is a key in the bytes that one may take: visitors choose their length.
func shortKey(key string) string {
	if len(key) <= maxKeyBytes {
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

// forget drops the keys that are full again, and if need be the fuller half.
func (l *Limiter) forget(now time.Time) {
	type held struct {
		key  string
		left float64
	}
	l.swept = now
	rest := make([]held, 0, len(l.buckets))
	for key, b := range l.buckets {
		if l.isFull(b, now) {
			delete(l.buckets, key)
			continue
		}
		rest = append(rest, held{key, b.TokensAt(now)})
	}
	if len(rest) < maxKeys/2 {
		return
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i].left > rest[j].left })
	for _, h := range rest[:len(rest)/2] {
		delete(l.buckets, h.key)
	}
}
