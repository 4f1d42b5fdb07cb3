package server

import (
	"net/http"

	"moonwatch/engine"
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
	engine *engine.Engine
	auth   *Sessions
}

func (s *setups) routes(known shapes) []*route {
	return []*route{{method: "POST", path: "/setup", tag: "session", summary: "Make the first admin",
		note:  "Takes the secret of the one-time set-up link. Once a user exists, this address is gone (404).",
		input: shapeOf[setupInput](known), required: []string{"token", "username", "password"},
		output: shapeOf[userView](known), status: http.StatusCreated, tagged: true, handle: s.setUp}}
}

func (s *setups) setUp(c *call) (answer, error) {
	var in setupInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if err := s.auth.attempt(c.r, ""); err != nil {
		return answer{}, err
	}
	user := engine.NewUser()
	user.Username, user.Email = in.Username, in.Email
	saved, err := s.auth.firstAdmin(c.r.Context(), in.Token, user, in.Password)
	if err != nil {
		return answer{}, err
	}
	view, err := s.engine.User(saved.ID)
	return answer{body: userView{User: view}, etag: &view.Revision, location: apiRoot + "/users/" + view.ID}, err
}
