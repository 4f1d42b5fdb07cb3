package permit

import (
	"context"
	"sync"
	"sync/atomic"
)

// Rank says who goes first when a permit is free.
type Rank int

const (
	Light     Rank = iota // known to take little, or an alert
	Returning             // comes back from a wait: what has begun is to end before more begins
	Fresh                 // waits for its first permit
	Spent                 // comes back from a wait, after much work or many waits
	Sliced                // has used up its slice, or is known to use much
	ranks
)

const (
	// MuchWork is how many instructions make a run one that waits behind those
	// that have done little: a few milliseconds of a core.
	MuchWork = 200_000
	// LittleWork is up to how many instructions a light run stays one.
	LittleWork = 20_000
	// WaitWork is what one wait counts as: who waits for nothing again and again
	// takes permits as well.
	WaitWork = 1000
)

// Semaphore limits how many runs execute Lua at one time: of n permits three quarters
// are for any run, and light runs have the rest and four times n beyond. Those which
// take all they can get use up their time on a processor each time they get it; a
// light run's turn comes once for many of them, and with few permits the light ones
// would wait for one another at that pace, however little they take. Of nine permits one goes to the longest waiting of each lower rank,
// or beside light ones to one of them, so that nobody starves.
type Semaphore struct {
	Waiting      atomic.Int32 // read without the lock, to see whether anybody wants a permit
	WaitingLight atomic.Int32 // of them, light runs

	mu     sync.Mutex // guards what follows
	all    int
	free   int
	kept   int // for light runs alone
	queues [ranks]waiters
	served int
}

// waiters is a queue in which who gave up stays until it is reached.
type waiters struct {
	list []*waiter
	live int
}

// waiter waits for a permit. Its gone is guarded by the semaphore's lock.
type waiter struct {
	granted chan struct{}
	gone    bool
}

// forLight is how many permits beyond n are for light runs, as a multiple of n.
const forLight = 4

// NewSemaphore is a semaphore of n permits, and those for light runs beyond them.
func NewSemaphore(n int) *Semaphore { return newSemaphore(n-n/4, n/4+forLight*n) }

func newSemaphore(any, light int) *Semaphore {
	return &Semaphore{all: any + light, free: any + light, kept: light}
}

// Held is how many permits runs hold.
func (s *Semaphore) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all - s.free
}

// takes reports whether there is a permit for one of a rank. The lock is held.
func (s *Semaphore) takes(r Rank) bool {
	return s.free > s.kept || r == Light && s.free > 0
}

// Acquire blocks until there is a permit or ctx ends; then it returns ctx's error.
func (s *Semaphore) Acquire(ctx context.Context, r Rank) error {
	s.mu.Lock()
	if s.takes(r) {
		s.free--
		s.mu.Unlock()
		return nil
	}
	w := &waiter{granted: make(chan struct{}, 1)}
	q := &s.queues[r]
	if q.live == 0 { // none but those who gave up
		clear(q.list)
		q.list = q.list[:0]
	}
	q.list = append(q.list, w)
	q.live++
	s.count(r, 1)
	s.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	granted := len(w.granted) > 0
	if !granted {
		w.gone = true
		q.live--
		s.count(r, -1)
	}
	s.mu.Unlock()
	if granted { // in the same moment
		s.Release()
	}
	return ctx.Err()
}

// Release gives a permit back, to a waiter if there is one.
func (s *Semaphore) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	r, ok := s.next()
	if !ok {
		return
	}
	s.free--
	s.served++
	s.count(r, -1)
	s.queues[r].pop().granted <- struct{}{}
}

// count counts who waits.
func (s *Semaphore) count(r Rank, n int32) {
	s.Waiting.Add(n)
	if r == Light {
		s.WaitingLight.Add(n)
	}
}

// next is the rank whose turn it is; ok is false when nobody waits for a permit
// that is free.
func (s *Semaphore) next() (r Rank, ok bool) {
	if s.queues[Light].live > 0 && (s.free <= s.kept || s.served%9 != 8) {
		return Light, true
	}
	if s.free <= s.kept {
		return 0, false
	}
	if s.queues[Light].live > 0 {
		for i := range int(ranks - Returning) {
			if r := Returning + Rank((s.served/9+i)%int(ranks-Returning)); s.queues[r].live > 0 {
				return r, true
			}
		}
	}
	for low := Sliced; low > Returning; low-- {
		if s.served%9 == 8-int(Sliced-low) && s.queues[low].live > 0 {
			return low, true
		}
	}
	for r := range s.queues {
		if s.queues[r].live > 0 {
			return Rank(r), true
		}
	}
	return 0, false
}

// pop takes out the longest waiting; there is one.
func (q *waiters) pop() *waiter {
	for {
		w := q.list[0]
		q.list[0] = nil
		q.list = q.list[1:]
		if !w.gone {
			q.live--
			return w
		}
	}
}

// Permit is one run's hold on permits. It is used by the run's goroutine alone.
type Permit struct {
	Of   *Semaphore
	Held bool
}

// Try takes a permit as one of a rank, if there is one.
func (p *Permit) Try(r Rank) bool {
	p.Of.mu.Lock()
	if p.Of.takes(r) {
		p.Of.free--
		p.Held = true
	}
	p.Of.mu.Unlock()
	return p.Held
}

// Acquire takes a permit as one of a rank; a permit that is held stays.
func (p *Permit) Acquire(ctx context.Context, r Rank) error {
	if p.Held {
		return nil
	}
	if err := p.Of.Acquire(ctx, r); err != nil {
		return err
	}
	p.Held = true
	return nil
}

// Release gives the permit back, if it is held.
func (p *Permit) Release() {
	if p.Held {
		p.Held = false
		p.Of.Release()
	}
}
