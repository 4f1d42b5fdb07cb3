package permit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPermitsAreLimited(t *testing.T) {
	t.Parallel()
	permits := &NewSemaphore(2).others
	var most, now atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := permits.acquire(context.Background(), Fresh); err != nil {
				t.Error(err)
				return
			}
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			permits.release()
		}()
	}
	all.Wait()
	if most.Load() != 2 || permits.free != 2 || permits.waiting.Load() != 0 {
		t.Errorf("at most %d at a time, %d free, %d waiting", most.Load(), permits.free, permits.waiting.Load())
	}
}

func TestPermitThatDoesNotCome(t *testing.T) {
	t.Parallel()
	permits := &NewSemaphore(1).others
	if err := permits.acquire(context.Background(), Fresh); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := permits.acquire(ctx, Fresh); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	permits.release()
	if permits.free != 1 || permits.waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", permits.free, permits.waiting.Load())
	}
}

// queueUp has one of a rank wait for a permit, which it notes in served and gives
// back. It returns when that one waits.
func queueUp(permits *pool, r Rank, all *sync.WaitGroup, served chan<- Rank) {
	before := permits.waiting.Load()
	all.Go(func() {
		if permits.acquire(context.Background(), r) == nil {
			served <- r
			permits.release()
		}
	})
	for permits.waiting.Load() == before {
		time.Sleep(10 * time.Microsecond)
	}
}

// What has begun ends before more begins, and nobody starves.
func TestPermitsByRank(t *testing.T) {
	t.Parallel()
	permits := &NewSemaphore(1).others
	if err := permits.acquire(context.Background(), Fresh); err != nil {
		t.Fatal(err)
	}
	served := make(chan Rank, 60)
	var all sync.WaitGroup
	for _, r := range []Rank{Sliced, Fresh, Returning} {
		for range 20 {
			queueUp(permits, r, &all, served)
		}
		gaveUp, cancel := context.WithCancel(context.Background())
		cancel()
		if err := permits.acquire(gaveUp, r); err == nil {
			t.Error("who gave up got a permit")
		}
	}
	permits.release()
	all.Wait() // the last one gives its permit back after it was served
	var got []Rank
	for range 60 {
		got = append(got, <-served)
	}
	of := func(r Rank, first int) (n int) {
		for _, s := range got[:first] {
			if s == r {
				n++
			}
		}
		return n
	}
	if of(Returning, 9) != 7 || of(Fresh, 9) != 1 || of(Sliced, 9) != 1 || of(Returning, 27) != 20 {
		t.Errorf("served %v", got)
	}
	if permits.free != 1 || permits.waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", permits.free, permits.waiting.Load())
	}
}

// Light runs have permits of their own: no number of others holds them up, and they
// hold up none of the others.
func TestLightRunsHavePermitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := NewSemaphore(3)
	held := map[Rank]int{}
	var last Permit
	for _, r := range []Rank{Light, Fresh, Returning, Light} {
		for {
			own := Permit{Of: s}
			if !own.Try(r) {
				break
			}
			held[r]++
			last = own
		}
		if r == Light && held[Fresh] == 0 && last.Wanted() {
			t.Error("a permit that nobody waits for is wanted")
		}
	}
	if held[Light] != 3*forLight || held[Fresh] != 3 || held[Returning] != 0 || s.Held() != 3+3*forLight {
		t.Errorf("of 3 permits and %d for light runs: %v, %d held", 3*forLight, held, s.Held())
	}
	ctx, cancel := context.WithCancel(context.Background())
	waiter := Permit{Of: s}
	ended := make(chan error, 1)
	go func() { ended <- waiter.Acquire(ctx, Light) }()
	for s.Waiting() == 0 {
		time.Sleep(10 * time.Microsecond)
	}
	other := Permit{Of: s, Held: true, from: &s.others}
	if s.WaitingLight() != 1 || other.Wanted() {
		t.Errorf("%d light runs wait; wanted of the others: %v", s.WaitingLight(), other.Wanted())
	}
	cancel()
	if err := <-ended; err == nil || waiter.Held {
		t.Error("a permit came from nowhere")
	}
}
