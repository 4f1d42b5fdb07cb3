package vm

import (
	"context"
	"sync"
	"sync/atomic"
)

// Rank says who goes first when a turn is free.
type Rank int

const (
	Light     Rank = iota // known to take little, or an alert
	Returning             // comes back from a wait: what has begun is to end before more begins
	Fresh                 // waits for its first turn
	Spent                 // comes back from a wait, after much work or many waits
	Sliced                // has used up its slice, or is known to use much
	ranks
)

const (
	// MuchWork is how many instructions make a run one that waits behind those
	// that have done little: a few milliseconds of a core.
	MuchWork = 200_000
	// littleWork is up to how many instructions a light run stays one.
	littleWork = 20_000
	// waitWork is what one wait counts as: who waits for nothing again and again
	// takes turns as well.
	waitWork = 1000
)

// Turns limits how many runs execute Lua at one time. A quarter of them is kept
// for light runs, so that those which take all they can get hold up none that takes
// next to nothing. Of nine turns one goes to the longest waiting of each lower rank,
// or beside light ones to one of them, so that nobody starves.
type Turns struct {
	Waiting atomic.Int32 // read without the lock, to see whether anybody wants a turn

	Mu     sync.Mutex // guards what follows
	Free   int
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

func NewTurns(n int) *Turns { return &Turns{Free: n, kept: n / 4} }

// takes reports whether there is a turn for one of a rank. The lock is held.
func (t *Turns) takes(r Rank) bool {
	return t.Free > t.kept || r == Light && t.Free > 0
}

// Acquire blocks until there is a turn or ctx ends; then it returns ctx's error.
func (t *Turns) Acquire(ctx context.Context, r Rank) error {
	t.Mu.Lock()
	if t.takes(r) {
		t.Free--
		t.Mu.Unlock()
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
	t.Waiting.Add(1)
	t.Mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	t.Mu.Lock()
	granted := len(w.granted) > 0
	if !granted {
		w.gone = true
		q.live--
		t.Waiting.Add(-1)
	}
	t.Mu.Unlock()
	if granted { // in the same moment
		t.Release()
	}
	return ctx.Err()
}

// Release gives a turn back, to a waiter if there is one.
func (t *Turns) Release() {
	t.Mu.Lock()
	defer t.Mu.Unlock()
	t.Free++
	q := t.next()
	if q == nil {
		return
	}
	t.Free--
	t.served++
	t.Waiting.Add(-1)
	q.pop().granted <- struct{}{}
}

// next is the queue whose turn it is, nil when nobody waits for one that is free.
func (t *Turns) next() *waiters {
	if q := &t.queues[Light]; q.live > 0 && (t.Free <= t.kept || t.served%9 != 8) {
		return q
	}
	if t.Free <= t.kept {
		return nil
	}
	if t.queues[Light].live > 0 {
		for i := range int(ranks - Returning) {
			if q := &t.queues[Returning+Rank((t.served/9+i)%int(ranks-Returning))]; q.live > 0 {
				return q
			}
		}
	}
	for low := Sliced; low > Returning; low-- {
		if t.served%9 == 8-int(Sliced-low) && t.queues[low].live > 0 {
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

// Turn is one run's hold on turns. It is used by the run's goroutine alone.
type Turn struct {
	Of   *Turns
	Held bool
}

// Try takes a turn as one of a rank, if there is one.
func (t *Turn) Try(r Rank) bool {
	t.Of.Mu.Lock()
	if t.Of.takes(r) {
		t.Of.Free--
		t.Held = true
	}
	t.Of.Mu.Unlock()
	return t.Held
}

// Acquire takes a turn as one of a rank; a turn that is held stays.
func (t *Turn) Acquire(ctx context.Context, r Rank) error {
	if t.Held {
		return nil
	}
	if err := t.Of.Acquire(ctx, r); err != nil {
		return err
	}
	t.Held = true
	return nil
}

func (t *Turn) Release() {
	if t.Held {
		t.Held = false
		t.Of.Release()
	}
}
