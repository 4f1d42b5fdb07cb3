package engine

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// State owns all that the monitor knows. One goroutine, the writer, changes it;
// everybody reads. The services that act on it share one.
type State struct {
	o        Options
	store    Store
	log      *slog.Logger
	now      func() time.Time
	ids      ids
	eventIDs ids
	startAt  time.Time
	hooks    hooks
	duty     roster
	sched    *scheduler
	hub      *hub
	plugins  Plugins
	routes   atomic.Pointer[map[string]PluginRoute]
	hold     holdback
	quiet    silenceClock

	mu     sync.RWMutex // guards tables; only the writer writes
	tables *tables

	ops        chan op
	quit       chan struct{}
	stopped    chan struct{}
	dues       dues     // the writer's
	backlog    *backlog // the writer's
	retryStore time.Time
	batches    uint64 // the writer's: batches so far
	grouped    int    // the writer's: ops in the last batch
	memoryOnly atomic.Bool

	work    context.Context // ends when nothing new is to begin
	endWork context.CancelFunc
	loopMu  sync.Mutex // makes goLoop and Stop take turns
	loops   sync.WaitGroup
	started atomic.Bool
	marked  atomic.Bool // the first service was made, or is not to be

	needsMu    sync.Mutex
	needsNoted map[string]string // guarded by needsMu: what noteNeeds logged last, by plugin

	sealMu    sync.Mutex    // guards sealQueue
	sealQueue []string      // plugins whose stored values are to be looked through for plain secrets
	sealBell  chan struct{} // holds one while the queue is not empty
}

func newState(o Options) *State {
	s := &State{o: o, store: o.Store, log: o.Logger, now: o.Now, startAt: o.Now(), tables: newTables(), ops: make(chan op, 8192),
		quit: make(chan struct{}), stopped: make(chan struct{}), sealBell: make(chan struct{}, 1)}
	s.ids.from, s.eventIDs.from = o.Random, o.Random
	if o.Random == nil {
		s.ids.from, s.eventIDs.from = rand.Reader, rand.Reader
	}
	s.work, s.endWork = context.WithCancel(context.Background())
	s.hub = newHub(uint64(s.startAt.UnixMicro()))
	s.routes.Store(&map[string]PluginRoute{})
	return s
}

// goLoop runs fn on a goroutine that Stop waits for; once the engine stops it
// does nothing.
func (e *State) goLoop(fn func()) {
	e.loopMu.Lock()
	defer e.loopMu.Unlock()
	if e.isStopping() {
		return
	}
	e.loops.Add(1)
	go func() {
		defer e.loops.Done()
		fn()
	}()
}

func (e *State) isStopping() bool { return e.work.Err() != nil }
