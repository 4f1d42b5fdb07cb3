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
	permits := newSemaphore(2, 0)
	var most, now atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := permits.Acquire(context.Background(), Fresh); err != nil {
				t.Error(err)
				return
			}
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			permits.Release()
		}()
	}
	all.Wait()
	if most.Load() != 2 || permits.free != 2 || permits.Waiting.Load() != 0 {
		t.Errorf("at most %d at a time, %d free, %d waiting", most.Load(), permits.free, permits.Waiting.Load())
	}
}

func TestPermitThatDoesNotCome(t *testing.T) {
	t.Parallel()
	permits := newSemaphore(1, 0)
	if err := permits.Acquire(context.Background(), Fresh); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := permits.Acquire(ctx, Fresh); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	permits.Release()
	if permits.free != 1 || permits.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", permits.free, permits.Waiting.Load())
	}
}

// queueUp has one of a rank wait for a permit, which it notes in served and gives
// back. It returns when that one waits.
func queueUp(permits *Semaphore, r Rank, all *sync.WaitGroup, served chan<- Rank) {
	before := permits.Waiting.Load()
	all.Go(func() {
		if permits.Acquire(context.Background(), r) == nil {
			served <- r
			permits.Release()
		}
	})
	for permits.Waiting.Load() == before {
		time.Sleep(10 * time.Microsecond)
	}
}

// What has begun ends before more begins, and nobody starves.
func TestPermitsByRank(t *testing.T) {
	t.Parallel()
	permits := newSemaphore(1, 0)
	if err := permits.Acquire(context.Background(), Fresh); err != nil {
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
		if err := permits.Acquire(gaveUp, r); err == nil {
			t.Error("who gave up got a permit")
		}
	}
	permits.Release()
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
	if permits.free != 1 || permits.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", permits.free, permits.Waiting.Load())
	}
}

// However many permits there are, some are for light runs alone.
func TestLightRunsHavePermitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	if s := NewSemaphore(8); s.all-s.kept != 6 || s.kept != 34 || s.Held() != 0 {
		t.Errorf("of 8: %d for any, %d for light runs, %d held", s.all-s.kept, s.kept, s.Held())
	}
	permits := newSemaphore(3, 1)
	for range 3 {
		if err := permits.Acquire(context.Background(), Fresh); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := permits.Acquire(ctx, Returning); err == nil {
		t.Error("a run that is not light took the permit that is kept")
	}
	own := Permit{Of: permits}
	if own.Try(Fresh) || !own.Try(Light) {
		t.Error("the permit that is kept is not for light runs alone")
	}
	own.Release()
	for range 3 {
		permits.Release()
	}
	if permits.free != 4 {
		t.Errorf("%d free", permits.free)
	}
}

// Light runs go first, and one of nine permits goes to one of the other ranks in turn.
func TestLightRunsGoFirst(t *testing.T) {
	t.Parallel()
	permits := newSemaphore(1, 0)
	if err := permits.Acquire(context.Background(), Fresh); err != nil {
		t.Fatal(err)
	}
	served := make(chan Rank, 80)
	var all sync.WaitGroup
	for _, r := range []Rank{Sliced, Spent, Fresh, Returning, Light} {
		for range map[bool]int{true: 36, false: 2}[r == Light] {
			queueUp(permits, r, &all, served)
		}
	}
	permits.Release()
	all.Wait()
	seen := map[Rank]int{}
	for range 36 {
		seen[<-served]++
	}
	if seen[Light] != 32 || seen[Returning] != 1 || seen[Fresh] != 1 || seen[Spent] != 1 || seen[Sliced] != 1 {
		t.Errorf("of 36 permits the ranks had %v", seen)
	}
	if permits.free != 1 || permits.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", permits.free, permits.Waiting.Load())
	}
}
