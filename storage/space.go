package storage

import "fmt"

// spaceGuard keeps the disk from filling up.
type spaceGuard struct {
	path  string
	least uint64 // 0 does not look
	free  func(path string) (uint64, error)
}

func newSpaceGuard(path string, o *Options) spaceGuard {
	g := spaceGuard{path: path, least: o.MinFree, free: o.free}
	if g.free == nil {
		g.free = freeSpace
	}
	return g
}

// check reports that too little space is left to write.
func (g *spaceGuard) check() error { return g.lacks(g.least, "must be left") }

// lacks reports that less space is free than what is wanted, in bytes.
func (g *spaceGuard) lacks(wanted uint64, why string) error {
	if g.least == 0 {
		return nil
	}
	free, err := g.free(g.path)
	if err != nil || free >= wanted { // where it is not known, it is not looked at
		return nil
	}
	return fmt.Errorf("the disk of the data folder is nearly full: %d MiB free, %d MiB %s", free>>20, wanted>>20, why)
}
