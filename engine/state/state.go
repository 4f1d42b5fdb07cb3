package state

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/schedule"
	"moonwatch/engine/silence"
)

// State owns all that the monitor knows. One goroutine, the writer, changes it;
// everybody reads. The services that act on it share one.
type State struct {
	Options       engine.Options
	Store         engine.Store
	Log           *slog.Logger
	Now           func() time.Time
	IDs           IDs
	StartAt       time.Time
	Hooks         Hooks
	Duty          roster
	Sched         *schedule.Scheduler
	Hub           *Hub
	Registry      engine.Plugins
	Routes        Routes
	FeedAddresses FeedAddresses
	Grace         Grace
	Quiet         silence.Clock

	Mu     sync.RWMutex // guards tables; only the writer writes
	Tables *Tables

	Asked      chan command // somebody waits for these: they go first
	Commands   chan command // the rest
	Quit       chan struct{}
	Stopped    chan struct{}
	Timers     Timers // the writer's
	writer     *writer
	MemoryOnly atomic.Bool

	Work    context.Context // ends when nothing new is to begin
	EndWork context.CancelFunc
	LoopMu  sync.Mutex // makes GoLoop and Stop take turns
	Loops   sync.WaitGroup
	Started atomic.Bool
	Marked  atomic.Bool // the first service was made, or is not to be

	NeedsMu    sync.Mutex
	NeedsNoted map[string]string // guarded by NeedsMu: what was logged last of what each needs, by plugin

	SealMu    sync.Mutex    // guards SealQueue
	SealQueue []string      // plugins whose stored values are to be looked through for plain secrets
	SealBell  chan struct{} // holds one while the queue is not empty
}

func New(o engine.Options) *State {
	s := &State{
		Options:  o,
		Store:    o.Store,
		Log:      o.Logger,
		Now:      o.Now,
		StartAt:  o.Now(),
		Tables:   newTables(),
		Asked:    make(chan command, 256),
		Commands: make(chan command, 8192),
		Quit:     make(chan struct{}),
		Stopped:  make(chan struct{}),
		SealBell: make(chan struct{}, 1),
	}
	random := o.Random
	if random == nil {
		random = rand.Reader
	}
	s.IDs = IDs{now: o.Now, objects: ids{from: random}, events: ids{from: random}}
	s.FeedAddresses = FeedAddresses{s}
	s.Work, s.EndWork = context.WithCancel(context.Background())
	s.Hub = newHub(uint64(s.StartAt.UnixMicro()))
	s.writer = &writer{State: s}
	return s
}

// GoLoop runs fn on a goroutine that Stop waits for; once the engine stops it
// does nothing.
func (st *State) GoLoop(fn func()) {
	st.LoopMu.Lock()
	defer st.LoopMu.Unlock()
	if st.Stopping() {
		return
	}
	st.Loops.Add(1)
	go func() {
		defer st.Loops.Done()
		fn()
	}()
}

func (st *State) Stopping() bool { return st.Work.Err() != nil }
