package api

import (
	"encoding/json"
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// tokenInput is a token as clients write it.
type tokenInput struct {
	Name    string      `json:"name"`
	User    string      `json:"user"`
	Role    access.Role `json:"role"`
	Expires *time.Time  `json:"expires"`
}

// newTokenView is a token at the one time that its secret is shown.
type newTokenView struct {
	engine.Token
	Secret string `json:"token"`
}

// tokens are the routes of API tokens.
type tokens struct {
	engine *monitor.Monitor
}

func (s *tokens) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[tokenInput, engine.Token]{
		Kind: engine.KindToken, Plural: "tokens", One: "a token", Read: access.Viewer, Write: access.Viewer,
		Required: []string{"name"}, Order: "name",
		Note:  "Users see and make their own tokens, admins all. user is the caller when left out, and stays. role is the most that the token may do; \"\" is its user's role.",
		Fresh: func() tokenInput { return tokenInput{} },
		Get:   s.tokenOf,
		All: func(c *rest.Call) ([]engine.Token, error) {
			var own []engine.Token
			for _, t := range s.engine.Tokens.Tokens() {
				if mayToken(c.Who, t) {
					own = append(own, t)
				}
			}
			return own, nil
		},
		Stored: func(c *rest.Call, id string) (tokenInput, uint64, error) {
			t, err := s.tokenOf(c, id)
			return tokenInput{t.Name, t.User, t.Role, t.Expires}, t.Revision, err
		},
		Save: s.saveToken,
		Validate: func(c *rest.Call, id string, revision uint64, in tokenInput) error {
			if in.User == "" {
				in.User = c.Who.User
			}
			if in.User != c.Who.User && !c.Who.IsAdmin() {
				return nil
			}
			t := engine.Token{Name: in.Name, User: in.User, Role: in.Role, Expires: in.Expires}
			t.ID, t.Revision = id, revision
			return s.engine.Tokens.ValidateToken(c.Request.Context(), c.Actor(), t)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			t, err := s.tokenOf(c, id)
			if err == nil {
				err = s.within(c, t.User, t.Role)
			}
			if err != nil {
				return err
			}
			return s.engine.Tokens.DeleteToken(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta:   func(v *engine.Token) *engine.Meta { return &v.Meta },
		Output: func(known rest.Shapes) *rest.Shape { return rest.ShapeOf[newTokenView](known) },
	}
	k.Create = func(c *rest.Call, in tokenInput) (rest.Answer, error) { return s.createToken(c, k, in) }
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, func(data []byte) (*tokenInput, error) {
		in := new(tokenInput)
		return in, json.Unmarshal(data, in)
	})...)
}

// mayToken reports whether the caller may know of a token.
func mayToken(who rest.Caller, t engine.Token) bool { return who.IsAdmin() || t.User == who.User }

// tokenOf is a token that the caller may know of.
func (s *tokens) tokenOf(c *rest.Call, id string) (engine.Token, error) {
	t, err := s.engine.Tokens.Token(id)
	if err == nil && !mayToken(c.Who, t) {
		return engine.Token{}, rest.Refuse(http.StatusNotFound, "no such token")
	}
	return t, err
}

// within refuses to touch tokens that may do more than the caller: a token of
// little power must not make itself one of more.
func (s *tokens) within(c *rest.Call, user string, role access.Role) error {
	if role == "" {
		if u, err := s.engine.Users.User(user); err == nil {
			role = u.Role
		}
	}
	if role.Rank() > c.Who.Role.Rank() {
		return rest.Refuse(http.StatusForbidden, "this token may do more than you")
	}
	return nil
}

func (s *tokens) createToken(c *rest.Call, k *rest.Collection[tokenInput, engine.Token], in tokenInput) (rest.Answer, error) {
	if in.User == "" {
		in.User = c.Who.User
	}
	if in.User != c.Who.User && !c.Who.IsAdmin() {
		return rest.Answer{}, rest.Refuse(http.StatusForbidden, "only an admin makes tokens of another user")
	}
	if err := s.within(c, in.User, in.Role); err != nil {
		return rest.Answer{}, err
	}
	secret, saved, err := s.engine.Tokens.CreateToken(c.Request.Context(), c.Actor(),
		engine.Token{Name: in.Name, User: in.User, Role: in.Role, Expires: in.Expires})
	if err != nil {
		return rest.Answer{}, err
	}
	view := newTokenView{*saved, secret}
	view.Hash = ""
	return rest.Answer{Body: view, ETag: &view.Revision, Location: k.Address(view.ID)}, nil
}

func (s *tokens) saveToken(c *rest.Call, id string, revision uint64, in tokenInput) (string, error) {
	now, err := s.tokenOf(c, id)
	if err != nil {
		return "", err
	}
	if in.User != now.User {
		return "", rest.Invalid(form.Error{Location: "user", Code: form.CodeInvalid, Message: "a token stays with its user"})
	}
	for _, role := range []access.Role{now.Role, in.Role} {
		if err := s.within(c, now.User, role); err != nil {
			return "", err
		}
	}
	t := engine.Token{Name: in.Name, Role: in.Role, Expires: in.Expires}
	t.ID, t.Revision = id, revision
	if _, err := s.engine.Tokens.SaveToken(c.Request.Context(), c.Actor(), t); err != nil {
		return "", err
	}
	return id, nil
}
