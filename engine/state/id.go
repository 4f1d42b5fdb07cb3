package state

import (
	"encoding/binary"
	"io"
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
	from io.Reader // of randomness
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
		if _, err := io.ReadFull(g.from, b[:]); err != nil {
			panic(err) // the system has no randomness
		}
		g.last = binary.BigEndian.Uint64(b[:]) >> 15
	}
	g.ms = ms
	var out [20]byte
	Encode(out[:10], uint64(ms))
	Encode(out[10:], g.last&(1<<50-1))
	return string(out[:])
}

func Encode(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = crockford[v&31]
		v >>= 5
	}
}

// IDs makes the identifiers of all that is stored.
type IDs struct {
	now             func() time.Time
	objects, events ids
}

// New makes the id of an object that a command creates.
func (g *IDs) New() string { return g.objects.next(g.now()) }

// Event makes the id of what the writer creates: incidents, events,
// deliveries, history. They have a count of their own, so that the ids of
// objects, and with them the checks' slots, do not depend on what happens meanwhile.
func (g *IDs) Event() string { return g.events.next(g.now()) }

// IncidentKey makes the key by which receivers thread an incident.
func IncidentKey(id string) string { return "mw-" + strings.ToLower(id) }
