package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"

	"moonwatch/engine"
	"moonwatch/server/rest"
)

// awaitsSetup reports whether the one-time set-up is offered.
func (s *Sessions) awaitsSetup() bool { return s.offered && s.engine.Users.Empty() }

// isSetupToken compares in constant time.
func (s *Sessions) isSetupToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.setupHash[:]) == 1
}

// FirstAdmin makes the first admin for who knows the secret of the set-up link.
func (s *Sessions) FirstAdmin(ctx context.Context, token string, user engine.User, password string) (*engine.User, error) {
	s.setup.Lock()
	defer s.setup.Unlock()
	if !s.awaitsSetup() {
		return nil, rest.Refuse(http.StatusNotFound, "the monitor is set up already")
	}
	if !s.isSetupToken(token) {
		return nil, rest.Refuse(http.StatusForbidden, "this is not the secret of the set-up link")
	}
	release, err := s.Guard(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.engine.Users.SetUp(ctx, user, password)
}
