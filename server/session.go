package server

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// cookieName is the cookie that holds a session's secret.
const cookieName = "moonwatch_session"

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
			note:  "Attempts are limited per address and per username: 429 with Retry-After.",
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
	from := s.remote(c.r)
	if err := s.attempt(from.address, in.Username); err != nil {
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
	s.byAddress.Reset(from.address)
	s.byUsername.Reset(limitKey(user.Username))
	if err := s.openSession(c.w, c.r, user.ID); err != nil {
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

// attempt takes one attempt to log in, or says how long to wait for the next.
func (s *Server) attempt(address, username string) error {
	now, username := s.now(), limitKey(username)
	if s.byAddress.Allow(address, now) {
		if username == "" || s.byUsername.Allow(username, now) {
			return nil
		}
	}
	wait := max(s.byAddress.Wait(address, now), time.Second)
	if username != "" {
		wait = max(wait, s.byUsername.Wait(username, now))
	}
	return refuse(http.StatusTooManyRequests, "too many attempts: wait a while").
		with("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// limitKey is a username as attempts are counted: it is good in any case.
func limitKey(username string) string { return strings.ToLower(username) }

// openSession begins a session and hands its secret to the browser.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request, user string) error {
	from := s.remote(r)
	secret, session, err := s.engine.OpenSession(r.Context(), user, from.address, r.UserAgent())
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
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil, nil, false
	}
	return s.engine.SessionUser(cookie.Value)
}

func (s *Server) logout(c *call) (answer, error) { return answer{}, s.closeSession(c.w, c.r) }

func sessionCookie(secret string, expires time.Time, secure bool) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: secret, Path: "/", Expires: expires.UTC(), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: secure}
}
