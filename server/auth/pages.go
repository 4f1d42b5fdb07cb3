package auth

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/server/rest"
)

// Pages are the sessions as pages use them: what is refused comes as an error of
// the engine.
type Pages struct{ sessions *Sessions }

// ForPages returns the sessions for pages.
func (s *Sessions) ForPages() Pages { return Pages{s} }

// Login opens a session for the user and sets its cookie.
func (p Pages) Login(w http.ResponseWriter, r *http.Request, user *engine.User) error {
	return forPages(p.sessions.OpenSession(w, r, user))
}

// Logout ends the caller's session and removes its cookie.
func (p Pages) Logout(w http.ResponseWriter, r *http.Request) error {
	return p.sessions.CloseSession(w, r)
}

// Caller returns who is logged in.
func (p Pages) Caller(r *http.Request) (user *engine.User, session *engine.Session, ok bool) {
	session, user, ok = p.sessions.SessionOf(r)
	return user, session, ok
}

// SetUp creates the first admin when the token is that of the one-time link.
func (p Pages) SetUp(ctx context.Context, token, username, email, password string) (*engine.User, error) {
	user := engine.NewUser()
	user.Username, user.Email = username, email
	saved, err := p.sessions.FirstAdmin(ctx, token, user, password)
	return saved, forPages(err)
}

// IsSetUpToken reports whether a token is that of the one-time link.
func (p Pages) IsSetUpToken(token string) bool {
	return p.sessions.awaitsSetup() && p.sessions.isSetupToken(token)
}

// AllowLogin takes one attempt to log in, or with no username to set up; when
// there was none left it says how long to wait.
func (p Pages) AllowLogin(r *http.Request, username string) (ok bool, retryAfter time.Duration) {
	err := p.sessions.Attempt(r, username)
	var refused *rest.Problem
	if !errors.As(err, &refused) {
		return err == nil, 0
	}
	wait, _ := strconv.Atoi(refused.Header.Get("Retry-After"))
	return false, time.Duration(min(wait, math.MaxInt32)) * time.Second
}

// Guard bounds the passwords that are hashed at once; it blocks until one more
// may be, or fails with an *engine.Error.
func (p Pages) Guard(ctx context.Context) (release func(), err error) { return p.sessions.Guard(ctx) }

// forPages turns what the API refuses into what pages show.
func forPages(err error) error {
	var refused *rest.Problem
	if !errors.As(err, &refused) {
		return err
	}
	kind := engine.Conflict
	switch refused.Status {
	case http.StatusForbidden:
		kind = engine.Forbidden
	case http.StatusTooManyRequests:
		kind = engine.Unavailable
	}
	return &engine.Error{Kind: kind, Message: refused.Detail}
}
