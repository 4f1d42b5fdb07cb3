package runner

import (
	"sync"

	"moonwatch/luaapi/internal/permit"
)

// pastRuns remembers of one version of a plugin the checks whose runs were
// heavy when they were last measured, so that the scheduler knows before it begins
// another, and those whose last run did much work, which wait for a permit behind
// the others. A new version begins without: what a plugin took before it was
// changed says nothing of what it takes now. Its zero value is ready.
type pastRuns struct {
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

// note takes the size of a run of a check, 0 for one that was not measured, and
// whether it did much work.
func (p *pastRuns) note(check string, held uint64, busy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy == nil || len(p.busy) >= maxHeavy {
		p.busy = map[string]bool{}
	}
	p.busy[check] = busy
	if held == 0 {
		return
	}
	if held <= lightRun {
		delete(p.heavy, check)
		return
	}
	if p.heavy == nil || len(p.heavy) >= maxHeavy {
		p.heavy = map[string]uint64{}
	}
	p.heavy[check] = held
}

// rank is how the next run of a check waits for its first permit.
func (p *pastRuns) rank(check string) permit.Rank {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rankLocked(check)
}

func (p *pastRuns) rankLocked(check string) permit.Rank {
	switch busy, known := p.busy[check]; {
	case busy:
		return permit.Sliced
	case known && p.heavy[check] == 0:
		return permit.Light
	}
	return permit.Fresh
}

// Expected is how many bytes a run of a check is likely to hold: what the last one
// did that was measured; of no version, what a plain run does. light is whether the
// last run did little work and held little. It does not block.
func (v *Version) Expected(check string) (memory uint64, light bool) {
	if v == nil {
		return plainRun, false
	}
	v.past.mu.Lock()
	defer v.past.mu.Unlock()
	return max(v.past.heavy[check], plainRun), v.past.rankLocked(check) == permit.Light
}
