package engine

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// ids makes identifiers: 20 characters of Crockford's base 32, whose first ten
// are the time in milliseconds, so that they sort by age and are never reused.
type ids struct {
	mu   sync.Mutex
	last uint64 // the 50 bits of the last random part, counted up within a millisecond
	ms   int64
}

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

func (g *ids) next(now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := now.UnixMilli()
	if ms <= g.ms { // the same millisecond, or the clock went back: count on
		ms = g.ms
		g.last++
	} else {
		var b [8]byte
		rand.Read(b[:]) // never fails since Go 1.24
		g.last = binary.BigEndian.Uint64(b[:]) >> 15
	}
	g.ms = ms
	var out [20]byte
	encode(out[:10], uint64(ms))
	encode(out[10:], g.last&(1<<50-1))
	return string(out[:])
}

func encode(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = crockford[v&31]
		v >>= 5
	}
}

func (e *Engine) newID() string { return e.ids.next(e.now()) }

// incidentKey makes the key by which receivers thread an incident.
func incidentKey(id string) string { return "mw-" + strings.ToLower(id) }
