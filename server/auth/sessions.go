package auth

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
)

// The cookies that hold a session's secret: over TLS the one that browsers take
// from this very host, over TLS, alone.
const (
	CookieName       = "moonwatch_session"
	SecureCookieName = "__Host-" + CookieName
)

func cookieNameFor(tls bool) string {
	if tls {
		return SecureCookieName
	}
	return CookieName
}

// Sessions knows who calls, and lets people in. It is safe for concurrent use.
type Sessions struct {
	engine *monitor.Monitor
	now    func() time.Time

	setup     sync.Mutex // held while the first admin is made
	setupHash [sha256.Size]byte
	offered   bool // the one-time set-up has a secret
	limits    Limits
	logins    *access.Limiter // by user
	hashing   chan struct{}   // bounds the passwords hashed at once: each takes 19 MiB
	queued    atomic.Int64    // who wait for that
}

// Options are what Sessions are built from.
type Options struct {
	Engine *monitor.Monitor
	// SetupToken is the secret of the one-time set-up; "" when none is offered.
	SetupToken string
	Limits     Limits
	Now        func() time.Time
}

// New returns the sessions of an engine.
func New(o Options) *Sessions {
	return &Sessions{
		engine:    o.Engine,
		now:       o.Now,
		setupHash: sha256.Sum256([]byte(o.SetupToken)),
		offered:   o.SetupToken != "",
		limits:    o.Limits,
		logins:    access.NewLimiter(30, 10*time.Second),
		hashing:   make(chan struct{}, 4),
	}
}

// OpenSession begins a session of who logged in just now, and hands its secret to
// the browser.
func (s *Sessions) OpenSession(w http.ResponseWriter, r *http.Request, user *engine.User) error {
	from, now := s.Remote(r), s.now()
	if !s.logins.Allow(user.ID, now) {
		return tooMany("too many logins: wait a while", s.logins.Wait(user.ID, now))
	}
	s.limits.ByAddress.Return(from.Visitor(), now)
	s.limits.ByUsername.Return(limitKey(user.Username), now)
	secret, session, err := s.engine.Sessions.OpenSession(r.Context(), user.ID, from.Address, r.UserAgent())
	if err != nil {
		return err
	}
	http.SetCookie(w, sessionCookie(secret, session.Expires, from.TLS))
	return nil
}

// CloseSession ends the session of the request's cookie, if there is one.
func (s *Sessions) CloseSession(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, sessionCookie("", time.Unix(1, 0), s.Remote(r).TLS))
	session, _, ok := s.SessionOf(r)
	if !ok {
		return nil
	}
	return s.engine.Sessions.CloseSession(r.Context(), session.ID)
}

// SessionOf returns the session of the request's cookie and its active user.
func (s *Sessions) SessionOf(r *http.Request) (*engine.Session, *engine.User, bool) {
	cookie, err := r.Cookie(cookieNameFor(s.Remote(r).TLS))
	if err != nil {
		return nil, nil, false
	}
	return s.engine.Sessions.SessionUser(cookie.Value)
}

func sessionCookie(secret string, expires time.Time, secure bool) *http.Cookie {
	return &http.Cookie{Name: cookieNameFor(secure), Value: secret, Path: "/", Expires: expires.UTC(), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: secure}
}
