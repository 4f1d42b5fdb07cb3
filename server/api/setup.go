package api

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// setupInput makes the first admin.
type setupInput struct {
	Token    string `json:"token"`
	Username string `json:"username"`
	Password string `json:"password"`
	Email    string `json:"email"`
}

// setups is the route that makes the first admin.
type setups struct {
	engine *monitor.Monitor
	auth   *auth.Sessions
}

func (s *setups) routes(known rest.Shapes) []*rest.Route {
	return []*rest.Route{{Method: "POST", Path: "/setup", Tag: "session", Summary: "Make the first admin",
		Note:  "Takes the secret of the one-time set-up link. Once a user exists, this address is gone (404).",
		Input: rest.ShapeOf[setupInput](known), Required: []string{"token", "username", "password"},
		Output: rest.ShapeOf[userView](known), Status: http.StatusCreated, Tagged: true, Handle: s.setUp}}
}

func (s *setups) setUp(c *rest.Call) (rest.Answer, error) {
	var in setupInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	if err := s.auth.Attempt(c.Request, ""); err != nil {
		return rest.Answer{}, err
	}
	user := engine.NewUser()
	user.Username, user.Email = in.Username, in.Email
	saved, err := s.auth.FirstAdmin(c.Request.Context(), in.Token, user, in.Password)
	if err != nil {
		return rest.Answer{}, err
	}
	view, err := s.engine.Users.User(saved.ID)
	return rest.Answer{Body: userView{User: view}, ETag: &view.Revision, Location: rest.Root + "/users/" + view.ID}, err
}
