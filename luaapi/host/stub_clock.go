package host

import (
	"context"
	"time"
)

// Now is the time of the stub's clock. It stands still but for Set and Sleep.
func (s *Stub) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Set moves the clock, forwards or backwards.
func (s *Stub) Set(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// Begin says that a run has begun that must end after limit, in the stub's
// time; 0 is no end. A sleep leaves it the reserve.
func (s *Stub) Begin(limit, reserve time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until, s.reserve = time.Time{}, reserve
	if limit > 0 {
		s.until = s.now.Add(limit)
	}
}

// Left is what remains of the run that Begin told of; ok is false when it has no end.
func (s *Stub) Left() (left time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.until.Sub(s.now), 0), !s.until.IsZero()
}

// Sleep moves the clock and returns at once. A sleep beyond the run's end moves
// it there, and fails.
func (s *Stub) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.now.Add(d)
	if latest := s.until.Add(-s.reserve); !s.until.IsZero() && to.After(latest) {
		if latest.After(s.now) {
			s.now = latest
		}
		return &Error{Timeout, "timed out"}
	}
	s.now = to
	return nil
}
