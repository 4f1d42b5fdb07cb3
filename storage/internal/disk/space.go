package disk

import "fmt"

// Guard keeps the disk of a folder from filling up.
type Guard struct {
	Path string // of the folder
	// Least is what must be left for writing, in bytes; 0 does not look at all.
	Least uint64
	// Free is how much is left; it is the function Free but in tests.
	Free func(path string) (uint64, error)
}

// Check reports that too little space is left to write.
func (g *Guard) Check() error { return g.Lacks(g.Least, "must be left") }

// Lacks reports that less space is free than what is wanted, in bytes; why goes
// behind the number.
func (g *Guard) Lacks(wanted uint64, why string) error {
	if g.Least == 0 {
		return nil
	}
	free, err := g.Free(g.Path)
	if err != nil || free >= wanted { // where it is not known, it is not looked at
		return nil
	}
	return fmt.Errorf("the disk of the data folder is nearly full: %d MiB free, %d MiB %s", free>>20, wanted>>20, why)
}
