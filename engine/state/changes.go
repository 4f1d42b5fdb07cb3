package state

import (
	"sync"

	"moonwatch/engine"
)

// Change says that an object is different now. It holds no data: whoever is
// told looks at the object as it is.
type Change struct {
	Seq  uint64      // grows with each commit, over restarts too
	Kind engine.Kind // check, service, instance, incident, delivery, user, token, plugin_settings, settings; KindResult for a new result
	ID   string      // for results the check's
}

// KindResult marks changes that are new results; KindPlugin, plugins that were loaded.
const (
	KindResult engine.Kind = "result"
	KindPlugin engine.Kind = "plugin"
)

// Hub hands changes to whoever listens. It never waits: a listener that is slow
// loses changes and is told so.
type Hub struct {
	mu        sync.Mutex
	seq       uint64
	recent    []Change // the last ones, for those who come back; a ring once it is full
	oldest    int      // of the ring
	listeners map[*Listener]bool
	closed    bool
}

const hubRecent = 20_000

func newHub(seq uint64) *Hub {
	return &Hub{seq: seq, listeners: map[*Listener]bool{}}
}

// Listener gets changes. Close it.
type Listener struct {
	hub *Hub
	mu  sync.Mutex
	// pending holds the newest change of each object since the last Take.
	pending map[engine.Key]Change
	lost    bool
	Bell    chan struct{} // rung when there is something to take
	Done    chan struct{} // closed when the engine stops
}

const maxListener = 50_000

// Listen returns a listener for all changes after seq (0: from now on). resync
// is true when some of them are no longer known.
func (h *Hub) Listen(seq uint64) (l *Listener, resync bool) {
	l = &Listener{hub: h, pending: map[engine.Key]Change{}, Bell: make(chan struct{}, 1), Done: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(l.Done)
		return l, false
	}
	h.listeners[l] = true
	if seq == 0 || seq == h.seq {
		return l, false
	}
	if seq > h.seq || len(h.recent) == 0 || h.recent[h.oldest].Seq > seq+1 {
		return l, true
	}
	for _, c := range h.recent { // in no order: a later change of an object is the newer one by its number
		if c.Seq > seq {
			l.add(c)
		}
	}
	return l, false
}

// Seq returns the number of the last commit.
func (h *Hub) Seq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}

// Take returns the newest change of each object since the last Take, in no
// order; lost is true when there were too many to keep.
func (l *Listener) Take() (changes []Change, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.pending {
		changes = append(changes, c)
	}
	lost, l.lost = l.lost, false
	clear(l.pending)
	return changes, lost
}

// Close ends the listening.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.listeners, l)
}

func (l *Listener) add(c Change) {
	l.mu.Lock()
	if len(l.pending) >= maxListener {
		clear(l.pending)
		l.lost = true
	}
	key := engine.Key{Kind: c.Kind, ID: c.ID}
	if c.Seq > l.pending[key].Seq {
		l.pending[key] = c
	}
	l.mu.Unlock()
	select {
	case l.Bell <- struct{}{}:
	default:
	}
}

func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		close(l.Done)
	}
	clear(h.listeners)
}

// Publish numbers the changes of one commit and hands them on.
func (h *Hub) Publish(keys []engine.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	for _, k := range keys {
		c := Change{h.seq, k.Kind, k.ID}
		h.remember(c)
		for l := range h.listeners {
			l.add(c)
		}
	}
}

// remember keeps a change in place of the oldest.
func (h *Hub) remember(c Change) {
	if len(h.recent) < hubRecent {
		h.recent = append(h.recent, c)
		return
	}
	h.recent[h.oldest] = c
	h.oldest = (h.oldest + 1) % hubRecent
}

// announce tells of what x changed.
func (st *State) announce(x *Tx) {
	var keys []engine.Key
	for _, k := range kinds {
		k.changed(x, func(key engine.Key) { keys = append(keys, key) })
	}
	for id := range x.Latest {
		keys = append(keys, engine.Key{Kind: KindResult, ID: id})
	}
	if len(keys) > 0 {
		st.Hub.Publish(keys)
	}
}
