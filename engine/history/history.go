package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Progress is what the engine knows of its own bookkeeping: how far results are
// summed up, from when on they are complete, and when the monitor last ran.
type Progress struct {
	mu      sync.Mutex
	summed  time.Time // a full hour: aggregates hold all before it; zero before the first pass
	rawFrom time.Time // results before it may have been dropped
	dropped time.Time // results before it have been dropped
	beat    time.Time // when the monitor last said that it runs

	// The goroutine of historyLoop alone:
	aggregatesBefore time.Time // aggregates before it have been deleted
	partsBefore      time.Time // incidents and what else is history likewise
}

// The ids of the marks that history is kept under.
const (
	summedMark = "summed"
	rawMark    = "raw"
	beatMark   = "alive"
)

// rawKept is the mark of the raw results.
type rawKept struct {
	From    time.Time `json:"from"`
	Dropped time.Time `json:"dropped"`
}

const (
	// aggregateGrace is how long after its end an hour is summed up: by then the runs
	// begun in it have ended, but for those with a longer timeout.
	aggregateGrace = 5 * time.Minute
	// historyDelay is how long after a start the bookkeeping begins.
	historyDelay = 2 * time.Minute
	// beatEvery is how often the monitor says that it runs; a silence of
	// minStop counts as a stop, whose time is unknown.
	beatEvery = time.Minute
	minStop   = 3 * time.Minute
)

// Load reads the marks.
func (h *Progress) Load(ctx context.Context, store engine.Store) error {
	var raw rawKept
	err := errors.Join(readMark(ctx, store, summedMark, &h.summed), readMark(ctx, store, rawMark, &raw), readMark(ctx, store, beatMark, &h.beat))
	h.rawFrom, h.dropped = raw.From, raw.Dropped
	return err
}

func readMark(ctx context.Context, store engine.Store, id string, to any) error {
	r, err := store.Get(ctx, engine.KindMark, id)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(r.Data, to)
	}
	if err != nil {
		return fmt.Errorf("read the mark %s: %w", id, err)
	}
	return nil
}

// Start notes how long the monitor did not run, and begins the bookkeeping.
func (hist *History) Start(ctx context.Context) error {
	if err := hist.beat(ctx); err != nil {
		return fmt.Errorf("note the start: %w", err)
	}
	hist.GoLoop(hist.beatLoop)
	hist.GoLoop(hist.historyLoop)
	return nil
}

// beatLoop says every minute, and at a stop, that the monitor runs.
func (hist *History) beatLoop() {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		stopping := false
		select {
		case <-ticker.C:
		case <-hist.Work.Done():
			stopping = true
		}
		if !hist.MemoryOnly.Load() {
			if err := hist.beat(context.Background()); err != nil {
				hist.Log.Warn("the monitor could not note that it runs", "error", err)
			}
		}
		if stopping {
			return
		}
	}
}

// beat stores that the monitor runs. After a stop, or when the machine slept, it
// records since when it did not.
func (hist *History) beat(ctx context.Context) error {
	h := &hist.Progress
	return hist.Proceed(ctx, func(x *state.Tx) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if last := h.beat; !last.IsZero() && x.Now.Sub(last) >= minStop {
			transition(x, state.Transition{Of: monitorKey, At: last, From: monitorRunning, To: monitorStopped, Active: true})
			transition(x, state.Transition{Of: monitorKey, At: x.Now.UTC(), From: monitorStopped, To: monitorRunning, Active: true})
		}
		h.beat = x.Now.UTC()
		x.Write(engine.KindMark, beatMark, h.beat)
		return nil
	})
}

// transition records a change that may be past, under an id of its time.
func transition(x *state.Tx, t state.Transition) {
	x.Write(engine.KindTransition, t.Of+"/"+timeID(t.At)+x.State.IDs.Event()[10:], t, "of:"+t.Of)
}

// historyLoop sums up and deletes, now and then, a little at a time.
func (hist *History) historyLoop() {
	timer := time.NewTimer(historyDelay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-hist.Work.Done():
			return
		}
		if !hist.MemoryOnly.Load() {
			for _, do := range []func(context.Context) error{hist.aggregateHours, hist.retain} {
				if err := do(hist.Work); err != nil && !hist.Stopping() {
					hist.Log.Error("the upkeep of the history failed; it is tried again in an hour at most", "error", err)
				}
			}
		}
		now := hist.Now()
		next := now.Truncate(time.Hour).Add(historyMinute)
		if !next.After(now) {
			next = next.Add(time.Hour)
		}
		timer.Reset(next.Sub(now))
	}
}

// historyMinute is when in each hour the upkeep begins: after the grace, and
// off the full five minutes, at which much else happens.
const historyMinute = aggregateGrace + 20*time.Second

// errNotStored stops the upkeep while what it writes is kept in memory alone.
var errNotStored = errors.New("the store does not accept writes")

// throttle waits so that bookkeeping that began at began takes a quarter of the
// time at most. It returns an error once the engine stops or the store refuses.
func (hist *History) throttle(ctx context.Context, began time.Time) error {
	if hist.MemoryOnly.Load() {
		return errNotStored
	}
	timer := time.NewTimer(min(max(3*hist.Now().Sub(began), 5*time.Millisecond), 5*time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// History accounts for what was: results, statuses, uptime, and how long
// they are kept.
type History struct {
	*state.State
	Progress Progress
}
