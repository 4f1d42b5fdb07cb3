package server

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// loginInput is what logs somebody in.
type loginInput struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// sessions are the routes to log in and out.
type sessions struct {
	engine *engine.Engine
	auth   *Sessions
}

// sessionView says who is logged in.
type sessionView struct {
	User     string      `json:"user"` // id; "" on the console
	Username string      `json:"username"`
	Role     access.Role `json:"role"`
}

func (s *sessions) routes(known shapes) []*route {
	view := shapeOf[sessionView](known)
	return []*route{
		{method: "GET", path: "/session", role: access.Viewer, tag: "session", summary: "Who the caller is, and with what role",
			output: view, handle: s.show},
		{method: "POST", path: "/session", tag: "session", summary: "Log in: sets the session's cookie",
			note: "Attempts are limited per address (of IPv6 per /64): 429 with Retry-After. After many wrong ones for one username, further ones from where " +
				"its user has no session take 2 s each, a few at a time. A user has 50 sessions at most: one more ends the oldest.",
			input: shapeOf[loginInput](known), required: []string{"username", "password"}, output: view, handle: s.login},
		{method: "DELETE", path: "/session", role: access.Viewer, tag: "session", summary: "Log out", status: http.StatusNoContent, handle: s.logout},
	}
}

func (s *sessions) show(c *call) (answer, error) {
	return answer{body: sessionView{User: c.who.User, Username: c.who.Name, Role: c.who.Role}}, nil
}

func (s *sessions) login(c *call) (answer, error) {
	var in loginInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if errs := missingTexts(map[string]string{"username": in.Username, "password": in.Password}); errs != nil {
		return answer{}, invalid(errs...)
	}
	if err := s.auth.attempt(c.r, in.Username); err != nil {
		return answer{}, err
	}
	release, err := s.auth.guard(c.r.Context())
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
	if err := s.auth.openSession(c.w, c.r, user); err != nil {
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

func (s *sessions) logout(c *call) (answer, error) { return answer{}, s.auth.closeSession(c.w, c.r) }
