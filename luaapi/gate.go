package luaapi

import (
	"context"
	"sync"
	"sync/atomic"
)

// turns limits how many runs execute Lua at one time. Runs that wait for their
// first turn, or come back from a wait, go before runs that were interrupted
// because they had used up their slice; of nine turns one goes to the latter, so
// that nobody starves.
type turns struct {
	waiting atomic.Int32 // read without the lock, to see whether anybody wants a turn

	mu     sync.Mutex // guards what follows
	free   int
	first  []chan struct{}
	again  []chan struct{}
	served int
}

func newTurns(n int) *turns { return &turns{free: n} }

// acquire blocks until there is a turn or ctx ends; then it returns ctx's error.
func (t *turns) acquire(ctx context.Context, sliced bool) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	granted := make(chan struct{}, 1)
	if sliced {
		t.again = append(t.again, granted)
	} else {
		t.first = append(t.first, granted)
	}
	t.waiting.Add(1)
	t.mu.Unlock()
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	removed := remove(&t.first, granted) || remove(&t.again, granted)
	t.mu.Unlock()
	if removed {
		t.waiting.Add(-1)
	} else {
		t.release() // it was granted in the same moment
	}
	return ctx.Err()
}

// release gives a turn back, to a waiter if there is one.
func (t *turns) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := &t.first
	if len(t.first) == 0 || (len(t.again) > 0 && t.served%9 == 8) {
		queue = &t.again
	}
	if len(*queue) == 0 {
		t.free++
		return
	}
	t.served++
	t.waiting.Add(-1)
	next := (*queue)[0]
	*queue = (*queue)[1:]
	next <- struct{}{}
}

func remove(queue *[]chan struct{}, c chan struct{}) bool {
	for i, other := range *queue {
		if other == c {
			*queue = append((*queue)[:i:i], (*queue)[i+1:]...)
			return true
		}
	}
	return false
}

// turn is one run's hold on turns. It is used by the run's goroutine alone.
type turn struct {
	of   *turns
	held bool
}

// try takes a turn if one is free.
func (t *turn) try() bool {
	t.of.mu.Lock()
	if t.of.free > 0 {
		t.of.free--
		t.held = true
	}
	t.of.mu.Unlock()
	return t.held
}

func (t *turn) acquire(ctx context.Context) error { return t.take(ctx, false) }

func (t *turn) take(ctx context.Context, sliced bool) error {
	if t.held {
		return nil
	}
	if err := t.of.acquire(ctx, sliced); err != nil {
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
