package luaapi

import (
	"context"
	"sync"
	"sync/atomic"
)

// rank says who goes first when a turn is free.
type rank int

const (
	light     rank = iota // known to take little, or an alert
	returning             // comes back from a wait: what has begun is to end before more begins
	fresh                 // waits for its first turn
	spent                 // comes back from a wait, after much work or many waits
	sliced                // has used up its slice, or is known to use much
	ranks
)

const (
	// muchWork is how many instructions make a run one that waits behind those
	// that have done little: a few milliseconds of a core.
	muchWork = 200_000
	// littleWork is up to how many instructions a light run stays one.
	littleWork = 20_000
	// waitWork is what one wait counts as: who waits for nothing again and again
	// takes turns as well.
	waitWork = 1000
)

// turns limits how many runs execute Lua at one time. A quarter of them is kept
// for light runs, so that those which take all they can get hold up none that takes
// next to nothing. Of nine turns one goes to the longest waiting of each lower rank,
// or beside light ones to one of them, so that nobody starves.
type turns struct {
	waiting atomic.Int32 // read without the lock, to see whether anybody wants a turn

	mu     sync.Mutex // guards what follows
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

// waiter waits for a turn. Its gone is guarded by the turns' lock.
type waiter struct {
	granted chan struct{}
	gone    bool
}

func newTurns(n int) *turns { return &turns{free: n, kept: n / 4} }

// takes reports whether there is a turn for one of a rank. The lock is held.
func (t *turns) takes(r rank) bool {
	return t.free > t.kept || r == light && t.free > 0
}

// acquire blocks until there is a turn or ctx ends; then it returns ctx's error.
func (t *turns) acquire(ctx context.Context, r rank) error {
	t.mu.Lock()
	if t.takes(r) {
		t.free--
		t.mu.Unlock()
		return nil
	}
	w := &waiter{granted: make(chan struct{}, 1)}
	q := &t.queues[r]
	if q.live == 0 { // none but those who gave up
		clear(q.list)
		q.list = q.list[:0]
	}
	q.list = append(q.list, w)
	q.live++
	t.waiting.Add(1)
	t.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	granted := len(w.granted) > 0
	if !granted {
		w.gone = true
		q.live--
		t.waiting.Add(-1)
	}
	t.mu.Unlock()
	if granted { // in the same moment
		t.release()
	}
	return ctx.Err()
}

// release gives a turn back, to a waiter if there is one.
func (t *turns) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	q := t.next()
	if q == nil {
		return
	}
	t.free--
	t.served++
	t.waiting.Add(-1)
	q.pop().granted <- struct{}{}
}

// next is the queue whose turn it is, nil when nobody waits for one that is free.
func (t *turns) next() *waiters {
	if q := &t.queues[light]; q.live > 0 && (t.free <= t.kept || t.served%9 != 8) {
		return q
	}
	if t.free <= t.kept {
		return nil
	}
	if t.queues[light].live > 0 {
		for i := range int(ranks - returning) {
			if q := &t.queues[returning+rank((t.served/9+i)%int(ranks-returning))]; q.live > 0 {
				return q
			}
		}
	}
	for low := sliced; low > returning; low-- {
		if t.served%9 == 8-int(sliced-low) && t.queues[low].live > 0 {
			return &t.queues[low]
		}
	}
	for r := range t.queues {
		if t.queues[r].live > 0 {
			return &t.queues[r]
		}
	}
	return nil
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

// turn is one run's hold on turns. It is used by the run's goroutine alone.
type turn struct {
	of   *turns
	held bool
}

// try takes a turn as one of a rank, if there is one.
func (t *turn) try(r rank) bool {
	t.of.mu.Lock()
	if t.of.takes(r) {
		t.of.free--
		t.held = true
	}
	t.of.mu.Unlock()
	return t.held
}

// acquire takes a turn as one of a rank; a turn that is held stays.
func (t *turn) acquire(ctx context.Context, r rank) error {
	if t.held {
		return nil
	}
	if err := t.of.acquire(ctx, r); err != nil {
		return err
	}
	t.held = true
	return nil
}

func (t *turn) release() {
	if t.held {
		t.held = false
		t.of.release()
	}
}
