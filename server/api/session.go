package api

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// loginInput is what logs somebody in.
type loginInput struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// sessions are the routes to log in and out.
type sessions struct {
	engine *monitor.Monitor
	auth   *auth.Sessions
}

// sessionView says who is logged in.
type sessionView struct {
	User     string      `json:"user"` // id; "" on the console
	Username string      `json:"username"`
	Role     access.Role `json:"role"`
}

func (s *sessions) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[sessionView](known)
	return []*rest.Route{
		{Method: "GET", Path: "/session", Role: access.Viewer, Tag: "session", Summary: "Who the caller is, and with what role",
			Output: view, Handle: s.show},
		{Method: "POST", Path: "/session", Tag: "session", Summary: "Log in: sets the session's cookie",
			Note: "Attempts are limited per address (of IPv6 per /64): 429 with Retry-After. After many wrong ones for one username, further ones from where " +
				"its user has no session take 2 s each, a few at a time. A user has 50 sessions at most: one more ends the oldest.",
			Input: rest.ShapeOf[loginInput](known), Required: []string{"username", "password"}, Output: view, Handle: s.login},
		{
			Method:  "DELETE",
			Path:    "/session",
			Role:    access.Viewer,
			Tag:     "session",
			Summary: "Log out",
			Status:  http.StatusNoContent,
			Handle:  s.logout,
		},
	}
}

func (s *sessions) show(c *rest.Call) (rest.Answer, error) {
	return rest.Answer{Body: sessionView{User: c.Who.User, Username: c.Who.Name, Role: c.Who.Role}}, nil
}

func (s *sessions) login(c *rest.Call) (rest.Answer, error) {
	var in loginInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	if errs := missingTexts(map[string]string{"username": in.Username, "password": in.Password}); errs != nil {
		return rest.Answer{}, rest.Invalid(errs...)
	}
	if err := s.auth.Attempt(c.Request, in.Username); err != nil {
		return rest.Answer{}, err
	}
	release, err := s.auth.Guard(c.Request.Context())
	if err != nil {
		return rest.Answer{}, err
	}
	user, err := s.engine.Sessions.Login(in.Username, in.Password)
	release()
	if engine.KindOf(err) == engine.Forbidden {
		return rest.Answer{}, rest.Refuse(http.StatusUnauthorized, err.Error())
	}
	if err != nil {
		return rest.Answer{}, err
	}
	if err := s.auth.OpenSession(c.Writer, c.Request, user); err != nil {
		return rest.Answer{}, err
	}
	return rest.Answer{Body: sessionView{User: user.ID, Username: user.Username, Role: user.Role}}, nil
}

// missingTexts complains about texts that are empty, in order of their names.
func missingTexts(texts map[string]string) (errs form.Errors) {
	for _, name := range rest.SortedKeys(texts) {
		if texts[name] == "" {
			errs = append(errs, form.Error{Location: name, Code: form.CodeRequired, Message: "This field is required."})
		}
	}
	return errs
}

func (s *sessions) logout(c *rest.Call) (rest.Answer, error) {
	return rest.Answer{}, s.auth.CloseSession(c.Writer, c.Request)
}
