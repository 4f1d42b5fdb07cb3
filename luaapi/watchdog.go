package luaapi

import (
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	watchTick = 5 * time.Millisecond
	// watchIdle is how many ticks without a run let the watchdog sleep.
	watchIdle = 40
)

// watchdog looks at the heap every 5 ms while runs are under way. When the heap
// has passed its soft limit, every run that executes weighs itself at its next
// instruction, and those that hold more than one run may are ended. How much one
// run may hold shrinks as the heap grows on, so that many runs which grow
// together are ended too. A run that holds little is never ended for what
// others, or the rest of the process, hold.
type watchdog struct {
	soft, perRun uint64
	allowed      atomic.Uint64 // what one run may hold now
	asleep       atomic.Bool
	wake         chan struct{}

	mu       sync.Mutex // guards what follows
	running  map[*vmContext]struct{}
	measured int // of them, runs that are weighed at every tick
}

func newWatchdog(soft, perRun uint64) *watchdog {
	w := &watchdog{soft: soft, perRun: perRun, wake: make(chan struct{}, 1), running: map[*vmContext]struct{}{}}
	w.allowed.Store(perRun)
	return w
}

// watch begins to look at a run.
func (w *watchdog) watch(v *vmContext) {
	w.mu.Lock()
	w.running[v] = struct{}{}
	w.measured += measuredRuns(v)
	w.mu.Unlock()
	if w.asleep.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// leave ends what watch began.
func (w *watchdog) leave(v *vmContext) {
	w.mu.Lock()
	delete(w.running, v)
	w.measured -= measuredRuns(v)
	w.mu.Unlock()
}

func measuredRuns(v *vmContext) int {
	if v.measured {
		return 1
	}
	return 0
}

// measure asks the runs whose memory is to be shown to weigh themselves.
// w.mu is held.
func (w *watchdog) measure() {
	if w.measured == 0 {
		return
	}
	for v := range w.running {
		if v.measured {
			v.weigh.Store(true)
		}
	}
}

// loop runs until stop is closed.
func (w *watchdog) loop(stop <-chan struct{}) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	ticker := time.NewTicker(watchTick)
	defer ticker.Stop()
	idle, threshold := 0, w.soft
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		busy := len(w.running) > 0
		w.measure()
		w.mu.Unlock()
		if busy {
			idle = 0
			threshold = w.tick(sample, threshold)
			continue
		}
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

// tick asks the runs to weigh themselves when the heap has passed threshold. It
// returns the next threshold: an eighth more than what was seen, so that a heap
// that is large for other reasons does not have every run weighed all the time,
// and the soft limit again once the heap has shrunk.
func (w *watchdog) tick(sample []metrics.Sample, threshold uint64) uint64 {
	metrics.Read(sample)
	heap := sample[0].Value.Uint64()
	if heap < w.soft {
		return w.soft
	}
	if heap < threshold {
		return max(w.soft, min(threshold, heap+heap/4))
	}
	w.allowed.Store(allowance(heap, w.soft, w.perRun))
	w.mu.Lock()
	for v := range w.running {
		v.enforce.Store(true)
		v.weigh.Store(true)
	}
	w.mu.Unlock()
	return heap + heap/8
}

// allowance is what one run may hold at a heap: perRun at the soft limit, and
// from there on less, to a third of it at four times the soft limit.
func allowance(heap, soft, perRun uint64) uint64 {
	over := float64(heap)/float64(soft) - 1
	return uint64(float64(perRun) * min(max(1-over*2/9, 1./3), 1))
}
