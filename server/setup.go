package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
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

func (s *Server) setupRoutes() []*route {
	return []*route{{method: "POST", path: "/setup", tag: "session", summary: "Make the first admin",
		note:  "Takes the secret of the one-time set-up link. Once a user exists, this address is gone (404).",
		input: shapeOf[setupInput](s.shapes), required: []string{"token", "username", "password"},
		output: shapeOf[userView](s.shapes), status: http.StatusCreated, tagged: true, handle: s.setUp}}
}

// awaitsSetup reports whether the one-time set-up is offered.
func (s *Server) awaitsSetup() bool { return s.o.SetupToken != "" && s.engine.Empty() }

// isSetupToken compares in constant time.
func (s *Server) isSetupToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.setupHash[:]) == 1
}

func (s *Server) setUp(c *call) (answer, error) {
	var in setupInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if err := s.attempt(c.r, ""); err != nil {
		return answer{}, err
	}
	saved, err := s.firstAdmin(c.r.Context(), in)
	if err != nil {
		return answer{}, err
	}
	view, err := s.engine.User(saved.ID)
	return answer{body: userView{User: view}, etag: &view.Revision, location: apiRoot + "/users/" + view.ID}, err
}

// firstAdmin makes the first admin for who knows the secret of the set-up link.
func (s *Server) firstAdmin(ctx context.Context, in setupInput) (*engine.User, error) {
	s.setup.Lock()
	defer s.setup.Unlock()
	if !s.awaitsSetup() {
		return nil, refuse(http.StatusNotFound, "the monitor is set up already")
	}
	if !s.isSetupToken(in.Token) {
		return nil, refuse(http.StatusForbidden, "this is not the secret of the set-up link")
	}
	user := engine.NewUser()
	user.Username, user.Email = in.Username, in.Email
	release, err := s.guard(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.engine.SetUp(ctx, user, in.Password)
}
