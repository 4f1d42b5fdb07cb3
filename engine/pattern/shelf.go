package pattern

import (
	"strings"
	"sync"
)

// shelfRoom is how many bytes of patterns a shelf keeps, maxShelved the most that
// one of them may take.
const (
	shelfRoom  = 8 << 20
	maxShelved = 1 << 20
)

// Shelf keeps compiled patterns. It is safe for concurrent use, and its zero
// value is empty.
type Shelf struct {
	mu     sync.Mutex // guards what follows
	kept   map[string]*Pattern
	weight int
}

// Compile returns the pattern of a text as the function Compile does, from the
// shelf if it is there. When the shelf is full it is emptied: what is in use
// comes back at once.
func (s *Shelf) Compile(text string) (*Pattern, error) {
	s.mu.Lock()
	found := s.kept[text]
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	text = strings.Clone(text) // the pattern keeps it
	made, err := Compile(text)
	if err != nil || made.weight > maxShelved {
		return made, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || s.weight+made.weight > shelfRoom {
		s.kept, s.weight = map[string]*Pattern{}, 0
	}
	if s.kept[text] == nil {
		s.kept[text] = made
		s.weight += made.weight
	}
	return made, nil
}
