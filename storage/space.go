package storage

import (
	"fmt"
	"time"
)

// lookEvery is how often the free space is asked for at most.
const lookEvery = 200 * time.Millisecond

// check reports that too little space is left.
func (g *spaceGuard) check() error {
	if g.least == 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now().UnixNano()
	if now < g.next {
		return g.err
	}
	g.next = now + int64(lookEvery)
	g.err = nil
	free, err := freeSpace(g.path)
	if err == nil && free < g.least {
		g.err = fmt.Errorf("the disk of the data folder is nearly full: %d MiB free, %d MiB must be left", free>>20, g.least>>20)
	}
	return g.err
}
