package server

import (
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
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
	engine *engine.Engine
}

func (s *tokens) routes(known shapes) []*route {
	k := &collection[tokenInput, engine.Token]{
		kind: engine.KindToken, plural: "tokens", one: "a token", read: access.Viewer, write: access.Viewer,
		required: []string{"name"}, order: "name",
		note:  "Users see and make their own tokens, admins all. user is the caller when left out, and stays. role is the most that the token may do; \"\" is its user's role.",
		fresh: func() tokenInput { return tokenInput{} },
		get:   s.tokenOf,
		all: func(c *call) ([]engine.Token, error) {
			var own []engine.Token
			for _, t := range s.engine.Tokens() {
				if mayToken(c.who, t) {
					own = append(own, t)
				}
			}
			return own, nil
		},
		stored: func(c *call, id string) (tokenInput, uint64, error) {
			t, err := s.tokenOf(c, id)
			return tokenInput{t.Name, t.User, t.Role, t.Expires}, t.Revision, err
		},
		save: s.saveToken,
		remove: func(c *call, id string, revision *uint64) error {
			t, err := s.tokenOf(c, id)
			if err == nil {
				err = s.within(c, t.User, t.Role)
			}
			if err != nil {
				return err
			}
			return s.engine.DeleteToken(c.r.Context(), c.actor(), id, revision)
		},
		meta:   func(v *engine.Token) *engine.Meta { return &v.Meta },
		output: func(known shapes) *shape { return shapeOf[newTokenView](known) },
	}
	k.create = func(c *call, in tokenInput) (answer, error) { return s.createToken(c, k, in) }
	return append(k.routes(known), revisionRoutes(known, s.engine, k, nil)...)
}

// mayToken reports whether the caller may know of a token.
func mayToken(who caller, t engine.Token) bool { return who.isAdmin() || t.User == who.User }

// tokenOf is a token that the caller may know of.
func (s *tokens) tokenOf(c *call, id string) (engine.Token, error) {
	t, err := s.engine.Token(id)
	if err == nil && !mayToken(c.who, t) {
		return engine.Token{}, refuse(http.StatusNotFound, "no such token")
	}
	return t, err
}

// within refuses to touch tokens that may do more than the caller: a token of
// little power must not make itself one of more.
func (s *tokens) within(c *call, user string, role access.Role) error {
	if role == "" {
		if u, err := s.engine.User(user); err == nil {
			role = u.Role
		}
	}
	if role.Rank() > c.who.Role.Rank() {
		return refuse(http.StatusForbidden, "this token may do more than you")
	}
	return nil
}

func (s *tokens) createToken(c *call, k *collection[tokenInput, engine.Token], in tokenInput) (answer, error) {
	if in.User == "" {
		in.User = c.who.User
	}
	if in.User != c.who.User && !c.who.isAdmin() {
		return answer{}, refuse(http.StatusForbidden, "only an admin makes tokens of another user")
	}
	if err := s.within(c, in.User, in.Role); err != nil {
		return answer{}, err
	}
	secret, saved, err := s.engine.CreateToken(c.r.Context(), c.actor(),
		engine.Token{Name: in.Name, User: in.User, Role: in.Role, Expires: in.Expires})
	if err != nil {
		return answer{}, err
	}
	view := newTokenView{*saved, secret}
	view.Hash = ""
	return answer{body: view, etag: &view.Revision, location: k.address(view.ID)}, nil
}

func (s *tokens) saveToken(c *call, id string, revision uint64, in tokenInput) (string, error) {
	now, err := s.tokenOf(c, id)
	if err != nil {
		return "", err
	}
	if in.User != now.User {
		return "", invalid(form.Error{Location: "user", Code: form.CodeInvalid, Message: "a token stays with its user"})
	}
	for _, role := range []access.Role{now.Role, in.Role} {
		if err := s.within(c, now.User, role); err != nil {
			return "", err
		}
	}
	t := engine.Token{Name: in.Name, Role: in.Role, Expires: in.Expires}
	t.ID, t.Revision = id, revision
	if _, err := s.engine.SaveToken(c.r.Context(), c.actor(), t); err != nil {
		return "", err
	}
	return id, nil
}
