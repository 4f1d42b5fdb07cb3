package server

import (
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
		output: shapeOf[engine.User](s.shapes), status: http.StatusCreated, tagged: true, handle: s.setUp}}
}

// awaitsSetup reports whether the one-time set-up is offered.
func (s *Server) awaitsSetup() bool { return s.o.SetupToken != "" && s.engine.Empty() }

// setupToken compares in constant time.
func (s *Server) isSetupToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.setupHash[:]) == 1
}

func (s *Server) setUp(c *call) (answer, error) {
	var in setupInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if !s.awaitsSetup() {
		return answer{}, refuse(http.StatusNotFound, "the monitor is set up already")
	}
	if err := s.attempt(s.remote(c.r).address, ""); err != nil {
		return answer{}, err
	}
	if !s.isSetupToken(in.Token) {
		return answer{}, refuse(http.StatusForbidden, "this is not the secret of the set-up link")
	}
	s.setup.Lock()
	defer s.setup.Unlock()
	user := engine.NewUser()
	user.Username, user.Email = in.Username, in.Email
	saved, err := s.engine.SetUp(c.r.Context(), user, in.Password)
	if err != nil {
		return answer{}, err
	}
	view, err := s.engine.User(saved.ID)
	return answer{body: view, etag: &view.Revision, location: apiRoot + "/users/" + view.ID}, err
}
