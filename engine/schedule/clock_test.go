package schedule

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"moonwatch/engine"
)

// stepped is t as it is read after somebody set the wall clock: its monotonic
// reading goes on. The time package offers no way to make such a time; bits 30
// to 62 of its first word are the seconds of the wall clock.
func stepped(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(by/time.Second) << 30
	return t
}

// TestWallClockJumps holds that no check runs later than one interval of
// monotonic time after its last run, and that a jump costs or adds no more than
// the slot at hand, whatever the wall clock does.
func TestWallClockJumps(t *testing.T) {
	base := time.Now()
	if got := stepped(base, time.Hour); !got.Round(0).Equal(base.Round(0).Add(time.Hour)) || got.Sub(base) != 0 {
		t.Fatalf("stepped gives %s of %s", got, base)
	}
	elapsed, set := time.Duration(0), time.Duration(0) // of monotonic time; by how much the wall clock was set
	begun := make(chan *Slot, 100)
	s := New(func() time.Time { return stepped(base.Add(elapsed), set) }, 100, func(t *Slot) { begun <- t })
	defer s.Close()
	starts, interval := map[string][]time.Duration{}, map[string]time.Duration{}
	for i, every := range []time.Duration{time.Second, 7 * time.Second, time.Minute, 10 * time.Minute, time.Hour} {
		id := fmt.Sprint("c", i)
		interval[id] = every
		s.Set(&engine.Check{Meta: engine.Meta{ID: id}, Plugin: "p", Active: true, Interval: engine.Duration(every), Timeout: engine.Duration(time.Second)}, 0)
	}
	jumps := []time.Duration{24 * time.Hour, -48 * time.Hour, 30 * time.Minute, -30 * time.Minute, 365 * 24 * time.Hour, -time.Second}
	const hours = 12
	for next := 0; elapsed < hours*time.Hour; {
		before := s.Started.Load()
		sleep := s.turn()
		for range s.Started.Load() - before {
			run := <-begun
			starts[run.Check.ID] = append(starts[run.Check.ID], elapsed)
			end(s, run)
		}
		elapsed += sleep
		if next < len(jumps) && elapsed > time.Duration(next+1)*97*time.Minute {
			set += jumps[next]
			next++
		}
	}
	for id, at := range starts {
		every := interval[id]
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap > every+2*tick {
				t.Errorf("check every %s: %s between two runs", every, gap)
			}
		}
		want := int(hours * time.Hour / every)
		if n := len(at); n < want-len(jumps) || n > want+len(jumps)+1 {
			t.Errorf("check every %s: %d runs, want about %d", every, n, want)
		}
	}
	if len(starts) != len(interval) {
		t.Errorf("%d checks ran", len(starts))
	}
}
