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

// Semaphore limits how many runs execute Lua at one time, light runs and the others
// each for themselves. Those which take all they can get use up their time on a
// processor each time they get it; a light run's turn comes once for many of them, and
// with few permits the light ones would wait for one another at that pace, however
// little they take. And where light runs are more than the processors can execute, the
// others go on as well: what they hold (a connection, say) light ones may wait for.
type Semaphore struct {
	light, others pool
}

// pool is the permits for one kind of runs, and who waits for them. Of nine permits one
// goes to the longest waiting of each lower rank, so that nobody starves.
type pool struct {
	waiting atomic.Int32 // read without the lock, to see whether anybody wants a permit

	mu     sync.Mutex // guards what follows
	all    int
	free   int
	queues [ranks]waiters
	served int
}

// waiters is a queue in which who gave up stays until it is reached.
type waiters struct {
	list []*waiter
	live int
}

// waiter waits for a permit. Its gone is guarded by the pool's lock.
type waiter struct {
	granted chan struct{}
	gone    bool
}

// forLight is how many permits light runs have, as a multiple of those of the others.
const forLight = 4

// NewSemaphore is a semaphore of n permits, and of four times as many for light runs.
func NewSemaphore(n int) *Semaphore {
	s := &Semaphore{}
	s.light.all, s.light.free = forLight*n, forLight*n
	s.others.all, s.others.free = n, n
	return s
}

// pool is the permits for a rank.
func (s *Semaphore) pool(r Rank) *pool {
	if r == Light {
		return &s.light
	}
	return &s.others
}

// Held is how many permits runs hold.
func (s *Semaphore) Held() int { return s.light.held() + s.others.held() }

// Waiting is how many runs wait for a permit, and WaitingLight how many of them are
// light.
func (s *Semaphore) Waiting() int      { return int(s.light.waiting.Load() + s.others.waiting.Load()) }
func (s *Semaphore) WaitingLight() int { return int(s.light.waiting.Load()) }

func (p *pool) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all - p.free
}

// try takes a permit, if there is one.
func (p *pool) try() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == 0 {
		return false
	}
	p.free--
	return true
}

// acquire blocks until there is a permit or ctx ends; then it returns ctx's error.
func (p *pool) acquire(ctx context.Context, r Rank) error {
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	w := &waiter{granted: make(chan struct{}, 1)}
	q := &p.queues[r]
	if q.live == 0 { // none but those who gave up
		clear(q.list)
		q.list = q.list[:0]
	}
	q.list = append(q.list, w)
	q.live++
	p.waiting.Add(1)
	p.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	granted := len(w.granted) > 0
	if !granted {
		w.gone = true
		q.live--
		p.waiting.Add(-1)
	}
	p.mu.Unlock()
	if granted { // in the same moment
		p.release()
	}
	return ctx.Err()
}

// release gives a permit back, to a waiter if there is one.
func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.next()
	if !ok {
		p.free++
		return
	}
	p.served++
	p.waiting.Add(-1)
	p.queues[r].pop().granted <- struct{}{}
}

// next is the rank whose turn it is; ok is false when nobody waits.
func (p *pool) next() (r Rank, ok bool) {
	for low := Sliced; low > Returning; low-- {
		if p.served%9 == 8-int(Sliced-low) && p.queues[low].live > 0 {
			return low, true
		}
	}
	for r := range p.queues {
		if p.queues[r].live > 0 {
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
	from *pool // of which it is held
}

// Try takes a permit as one of a rank, if there is one.
func (p *Permit) Try(r Rank) bool {
	p.from = p.Of.pool(r)
	p.Held = p.from.try()
	return p.Held
}

// Acquire takes a permit as one of a rank; a permit that is held stays. It blocks until
// there is one or ctx ends; then it returns ctx's error.
func (p *Permit) Acquire(ctx context.Context, r Rank) error {
	if p.Held {
		return nil
	}
	p.from = p.Of.pool(r)
	if err := p.from.acquire(ctx, r); err != nil {
		return err
	}
	p.Held = true
	return nil
}

// Release gives the permit back, if it is held.
func (p *Permit) Release() {
	if p.Held {
		p.Held = false
		p.from.release()
	}
}

// Wanted reports whether the permit is held and somebody waits for one like it.
func (p *Permit) Wanted() bool { return p.Held && p.from.waiting.Load() > 0 }
