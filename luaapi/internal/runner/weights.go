package runner

import (
	"sync"

	"moonwatch/luaapi/internal/permit"
)

// checkWeights remembers of one version of a plugin the checks whose runs were
// heavy when they were last weighed, so that the scheduler knows before it begins
// another, and those whose last run did much work, which wait for a permit behind
// the others. A new version begins without: what a plugin took before it was
// changed says nothing of what it takes now. Its zero value is ready.
type checkWeights struct {
	mu    sync.Mutex // guards what follows
	heavy map[string]uint64
	busy  map[string]bool // of every check that has run
}

const (
	// lightRun is what a run may hold, in bytes, without being remembered.
	lightRun = 256 << 10
	// plainRun is taken for what any other run holds: most hold much less.
	plainRun = 32 << 10
	// maxHeavy bounds the checks that are remembered; beyond it all are forgotten.
	maxHeavy = 100_000
)

// note takes the weight of a run of a check, 0 for one that was not weighed, and
// whether it did much work.
func (w *checkWeights) note(check string, held uint64, busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy == nil || len(w.busy) >= maxHeavy {
		w.busy = map[string]bool{}
	}
	w.busy[check] = busy
	if held == 0 {
		return
	}
	if held <= lightRun {
		delete(w.heavy, check)
		return
	}
	if w.heavy == nil || len(w.heavy) >= maxHeavy {
		w.heavy = map[string]uint64{}
	}
	w.heavy[check] = held
}

// rank is how the next run of a check waits for its first permit.
func (w *checkWeights) rank(check string) permit.Rank {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch busy, known := w.busy[check]; {
	case busy:
		return permit.Sliced
	case known && w.heavy[check] == 0:
		return permit.Light
	}
	return permit.Fresh
}

// LightCheck reports whether a check has run, and its last run did little work
// and held little. It does not block.
func (v *Version) LightCheck(check string) bool { return v.weights.rank(check) == permit.Light }

// ExpectedMemory is how many bytes a run of a check is likely to hold: what the
// last one did that was weighed; of no version, what a plain run does. It does
// not block.
func (v *Version) ExpectedMemory(check string) uint64 {
	if v == nil {
		return plainRun
	}
	v.weights.mu.Lock()
	defer v.weights.mu.Unlock()
	return max(v.weights.heavy[check], plainRun)
}
