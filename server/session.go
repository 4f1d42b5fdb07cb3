package server

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// The cookies that hold a session's secret: over TLS the one that browsers take
// from this very host, over TLS, alone.
const (
	cookieName       = "moonwatch_session"
	secureCookieName = "__Host-" + cookieName
)

func cookieNameFor(tls bool) string {
	if tls {
		return secureCookieName
	}
	return cookieName
}

// loginInput is what logs somebody in.
type loginInput struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// sessionView says who is logged in.
type sessionView struct {
	User     string      `json:"user"` // id; "" on the console
	Username string      `json:"username"`
	Role     access.Role `json:"role"`
}

func (s *Server) sessionRoutes() []*route {
	view := shapeOf[sessionView](s.shapes)
	return []*route{
		{method: "GET", path: "/session", role: access.Viewer, tag: "session", summary: "Who the caller is, and with what role",
			output: view, handle: func(c *call) (answer, error) { return answer{body: c.session()}, nil }},
		{method: "POST", path: "/session", tag: "session", summary: "Log in: sets the session's cookie",
			note: "Attempts are limited per address (of IPv6 per /64): 429 with Retry-After. After many wrong ones for one username, further ones from where " +
				"its user has no session take 2 s each, a few at a time. A user has 50 sessions at most: one more ends the oldest.",
			input: shapeOf[loginInput](s.shapes), required: []string{"username", "password"}, output: view, handle: s.login},
		{method: "DELETE", path: "/session", role: access.Viewer, tag: "session", summary: "Log out", status: http.StatusNoContent, handle: s.logout},
	}
}

func (c *call) session() sessionView {
	return sessionView{User: c.who.User, Username: c.who.Name, Role: c.who.Role}
}

func (s *Server) login(c *call) (answer, error) {
	var in loginInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if errs := missingTexts(map[string]string{"username": in.Username, "password": in.Password}); errs != nil {
		return answer{}, invalid(errs...)
	}
	if err := s.attempt(c.r, in.Username); err != nil {
		return answer{}, err
	}
	release, err := s.guard(c.r.Context())
	if err != nil {
		return answer{}, err
	}
	user, err := s.engine.Login(in.Username, in.Password)
	release()
	if engine.KindOf(err) == engine.Forbidden {
		return answer{}, refuse(http.StatusUnauthorized, err.Error())
	}
	if err != nil {
		return answer{}, err
	}
	if err := s.openSession(c.w, c.r, user); err != nil {
		return answer{}, err
	}
	return answer{body: sessionView{User: user.ID, Username: user.Username, Role: user.Role}}, nil
}

// missingTexts complains about texts that are empty, in order of their names.
func missingTexts(texts map[string]string) (errs form.Errors) {
	for _, name := range sortedKeys(texts) {
		if texts[name] == "" {
			errs = append(errs, form.Error{Location: name, Code: form.CodeRequired, Message: "this is required"})
		}
	}
	return errs
}

// maxUsername is the longest that a username can be, in bytes.
const maxUsername = 64

// attempt takes one attempt to log in, or with no username to set up, and says
// how long to wait for the next when there is none left. A wrong guess counts
// against the address it came from. Guesses at one username from many addresses
// lock nobody out: they are slowed down, but for whoever comes from where the
// user is logged in. It blocks as long as that takes.
func (s *Server) attempt(r *http.Request, username string) error {
	now, address := s.now(), s.visitor(r)
	if !s.byAddress.Allow(address, now) {
		return tooMany("too many attempts: wait a while", s.byAddress.Wait(address, now))
	}
	name := limitKey(username)
	if name == "" || len(name) > maxUsername || s.byUsername.Allow(name, now) || s.familiar(r, name) {
		return nil
	}
	return s.slowed.pass(r.Context(), name)
}

// familiar reports whether a request comes from a browser or an address where the
// user is logged in.
func (s *Server) familiar(r *http.Request, name string) bool {
	if _, user, ok := s.sessionOf(r); ok && limitKey(user.Username) == name {
		return true
	}
	here := s.visitor(r)
	return s.engine.LoggedInFrom(name, func(address string) bool { return access.AddressKey(address) == here })
}

func tooMany(words string, wait time.Duration) *problem {
	return refuse(http.StatusTooManyRequests, words).with("Retry-After", strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds()))))
}

// slowed has attempts at a username take time, a few at once.
type slowed struct {
	time time.Duration
	most int // at once, of one username

	mu  sync.Mutex
	now map[string]int // by username; guarded by mu
}

// pass blocks for the time, or refuses when too many do.
func (l *slowed) pass(ctx context.Context, name string) error {
	l.mu.Lock()
	if l.now[name] >= l.most {
		l.mu.Unlock()
		return tooMany("too many attempts at this username: wait a while", l.time)
	}
	l.now[name]++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		if l.now[name]--; l.now[name] == 0 {
			delete(l.now, name)
		}
		l.mu.Unlock()
	}()
	timer := time.NewTimer(l.time)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// limitKey is a username as attempts are counted: it is good in any case.
func limitKey(username string) string { return strings.ToLower(username) }

// openSession begins a session of who logged in just now, and hands its secret to
// the browser.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request, user *engine.User) error {
	from, now := s.remote(r), s.now()
	if !s.logins.Allow(user.ID, now) {
		return tooMany("too many logins: wait a while", s.logins.Wait(user.ID, now))
	}
	s.byAddress.Return(access.AddressKey(from.address), now)
	s.byUsername.Return(limitKey(user.Username), now)
	secret, session, err := s.engine.OpenSession(r.Context(), user.ID, from.address, r.UserAgent())
	if err != nil {
		return err
	}
	http.SetCookie(w, sessionCookie(secret, session.Expires, from.tls))
	return nil
}

// closeSession ends the session of the request's cookie, if there is one.
func (s *Server) closeSession(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, sessionCookie("", time.Unix(1, 0), s.remote(r).tls))
	session, _, ok := s.sessionOf(r)
	if !ok {
		return nil
	}
	return s.engine.CloseSession(r.Context(), session.ID)
}

// sessionOf returns the session of the request's cookie and its active user.
func (s *Server) sessionOf(r *http.Request) (*engine.Session, *engine.User, bool) {
	cookie, err := r.Cookie(cookieNameFor(s.remote(r).tls))
	if err != nil {
		return nil, nil, false
	}
	return s.engine.SessionUser(cookie.Value)
}

func (s *Server) logout(c *call) (answer, error) { return answer{}, s.closeSession(c.w, c.r) }

func sessionCookie(secret string, expires time.Time, secure bool) *http.Cookie {
	return &http.Cookie{Name: cookieNameFor(secure), Value: secret, Path: "/", Expires: expires.UTC(), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: secure}
}
