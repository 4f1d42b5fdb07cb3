package auth

import (
	"testing"
	"time"

	"moonwatch/engine"
)

// TestAttemptsAreCountedByPerson: a username in another case is no further attempt.
func TestAttemptsAreCountedByPerson(t *testing.T) {
	limits := DefaultLimits()
	for i := range 20 {
		if !limits.ByUsername.Allow(limitKey([]string{"bob", "bOb", "Bob"}[i%3]), time.Now()) {
			t.Fatalf("attempt %d is refused", i)
		}
	}
	if limits.ByUsername.Allow(limitKey("BOB"), time.Now()) {
		t.Error("in another case there are more attempts")
	}
}

// TestHashingIsBounded: however many ask, few passwords are hashed at once, and
// who would wait long is told so.
func TestHashingIsBounded(t *testing.T) {
	s := New(Options{})
	for range cap(s.hashing) {
		if _, err := s.Guard(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.queued.Store(maxHashing)
	if _, err := s.Guard(t.Context()); engine.KindOf(err) != engine.Unavailable {
		t.Errorf("one more is answered %v", err)
	}
	if n := s.queued.Load(); n != maxHashing {
		t.Errorf("%d wait", n)
	}
}
