package vm

import (
	"fmt"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	watchTick = 5 * time.Millisecond
	// watchIdle is how many ticks without a run let the watchdog sleep.
	watchIdle = 40
	// lookEvery is how often it looks at runs whatever the heap does, while the
	// heap is above the soft limit.
	lookEvery = time.Second
	// lookPause is how many times as long as a look took the next one is put off.
	lookPause = 4
	// minGrowth is the growth of the heap, in bytes, that is worth a look.
	minGrowth = 4 << 20
)

// watchdog looks at the heap every 5 ms while runs are under way. When the heap
// has passed its soft limit, every run is measured: one that executes measures
// itself at its next instruction, one that waits is measured where it stands. One
// that holds more than one run may is ended. When all of them together hold more
// than they may, the heaviest are ended until the rest fits. A run that holds
// little is never ended for what others, or the rest of the process, hold.
type watchdog struct {
	soft, PerRun, Together uint64
	Held                   atomic.Uint64 // by all runs, at the last look
	Ended                  atomic.Int64  // runs that were ended for what all held together
	asleep                 atomic.Bool
	wake                   chan struct{}

	mu      sync.Mutex // guards what follows
	running map[*Context]struct{}
	watched int  // of them, runs that are measured at every tick
	looking bool // a look is under way: it may hold runs that have left since

	// The loop's own.
	runs   []runSize
	mark   uint64 // the heap at the last look, or less when it was less since
	last   time.Time
	rested time.Time // no look before
}

// runSize is what a run held at a look.
type runSize struct {
	v    *Context
	held uint64
}

func NewWatchdog(soft, perRun, together uint64) *watchdog {
	return &watchdog{soft: soft, PerRun: perRun, Together: together, wake: make(chan struct{}, 1), running: map[*Context]struct{}{}}
}

// watch begins to look at a run.
func (w *watchdog) watch(v *Context) {
	w.mu.Lock()
	w.running[v] = struct{}{}
	w.watched += watchedRuns(v)
	w.mu.Unlock()
	if w.asleep.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// leave ends what watch began. held reports whether a look may touch the run still.
func (w *watchdog) leave(v *Context) (held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, v)
	w.watched -= watchedRuns(v)
	if held := w.Held.Load(); v.counted > 0 {
		w.Held.Store(held - min(held, v.counted))
	}
	return w.looking
}

func watchedRuns(v *Context) int {
	if v.Watched {
		return 1
	}
	return 0
}

// askWatched asks the runs whose memory is to be shown to measure themselves.
// w.mu is held.
func (w *watchdog) askWatched() {
	if w.watched == 0 {
		return
	}
	for v := range w.running {
		if v.Watched {
			v.measure.Store(true)
		}
	}
}

// Loop runs until stop is closed.
func (w *watchdog) Loop(stop <-chan struct{}) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	ticker := time.NewTicker(watchTick)
	defer ticker.Stop()
	idle := 0
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		busy := len(w.running) > 0
		w.askWatched()
		w.mu.Unlock()
		if busy {
			idle = 0
			metrics.Read(sample)
			w.tick(sample[0].Value.Uint64(), time.Now())
			continue
		}
		w.Held.Store(0)
		if idle++; idle < watchIdle {
			continue
		}
		ticker.Stop()
		w.asleep.Store(true)
		select {
		case <-stop:
			return
		case <-w.wake:
		}
		w.asleep.Store(false)
		idle = 0
		ticker.Reset(watchTick)
	}
}

// tick looks at the runs when the heap, in bytes, is above the soft limit and
// has grown by an eighth since the last look, or by a part of what is left for
// all runs together; and every second.
func (w *watchdog) tick(heap uint64, now time.Time) {
	if heap < w.soft {
		w.mark = w.soft - minGrowth
		w.Held.Store(0)
		return
	}
	w.mark = min(w.mark, heap)
	held := w.Held.Load()
	step := max(min(heap/8, (w.Together-min(held, w.Together))/4), minGrowth)
	if now.Before(w.rested) || heap < w.mark+step && now.Sub(w.last) < lookEvery {
		return
	}
	w.mark, w.last = heap, now
	w.Look()
	w.rested = time.Now().Add(lookPause * time.Since(now))
}

// Look measures all runs and ends those that are too heavy.
func (w *watchdog) Look() {
	w.mu.Lock()
	w.runs = w.runs[:0]
	for v := range w.running {
		w.runs = append(w.runs, runSize{v: v})
	}
	w.looking = true
	w.mu.Unlock()
	defer w.looked()
	alive := uint64(0)
	for i := range w.runs {
		one := &w.runs[i]
		one.held = one.v.measureFrom(w.PerRun)
		if one.v.killed.Load() == nil {
			alive += one.held
		}
	}
	w.count()
	if alive > w.Together {
		w.lighten(alive)
	}
}

// looked ends a look: it holds no run any more.
func (w *watchdog) looked() {
	clear(w.runs)
	w.mu.Lock()
	w.looking = false
	w.mu.Unlock()
}

// count notes what the runs held that are still under way, so that those which
// leave take theirs along.
func (w *watchdog) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := uint64(0)
	for _, one := range w.runs {
		if _, there := w.running[one.v]; there {
			one.v.counted = one.held
			all += one.held
		}
	}
	w.Held.Store(all)
}

// lighten ends the heaviest runs, which together with the others hold so many
// bytes, until an eighth of what they may hold is free.
func (w *watchdog) lighten(held uint64) {
	slices.SortFunc(w.runs, func(a, b runSize) int {
		switch {
		case a.held > b.held:
			return -1
		case a.held < b.held:
			return 1
		}
		return 0
	})
	before := held
	for _, heavy := range w.runs {
		if held <= w.Together-w.Together/8 {
			return
		}
		if heavy.v.killed.Load() != nil {
			continue
		}
		heavy.v.kill(LimitError(fmt.Sprintf("stopped: too much memory: all runs together held %s and may hold %s; this one was among the heaviest, with %s",
			inMiB(before), inMiB(w.Together), inMiB(heavy.held))))
		held -= heavy.held
		w.Ended.Add(1)
	}
}

func inMiB(bytes uint64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// measureFrom returns what the run holds, in bytes, as far as another goroutine
// can tell: it measures a run that waits, and asks one that executes to measure
// itself. A run that waits with more than limit is ended.
func (v *Context) measureFrom(limit uint64) uint64 {
	p := &v.parking
	p.mu.Lock()
	if !p.parked {
		p.mu.Unlock()
		v.enforce.Store(true)
		v.measure.Store(true)
		return v.reach.Load()
	}
	if p.fresh {
		v.run.MeasureAll(limit)
		p.fresh = p.back.Load()
	}
	held := v.reach.Load() + v.run.Call.outside()
	v.run.Held = max(v.run.Held, held)
	p.mu.Unlock()
	if held > limit {
		v.kill(ErrMemory)
	}
	return held
}
