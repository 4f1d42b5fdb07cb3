package engine

import "time"

// SilenceHolds reports whether a silence holds at an instant.
func SilenceHolds(s *Silence, at time.Time) bool {
	holds, _ := s.at(at)
	return holds
}
