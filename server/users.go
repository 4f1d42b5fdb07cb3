package server

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// userInput is a user as clients write it.
type userInput struct {
	engine.User
	Password string `json:"password"`
}

func (s *Server) userRoutes() []*route {
	k := &collection[userInput, engine.User]{
		kind: engine.KindUser, plural: "users", one: "a user", read: access.Viewer, write: access.Admin, change: access.Viewer,
		required: []string{"username"}, derived: []string{"is_fallback"}, order: "username",
		note:  "password is only ever written. Users who are not admins change themselves, but for username, role and active.",
		fresh: func() userInput { return userInput{User: engine.NewUser()} },
		get:   func(c *call, id string) (engine.User, error) { return c.engine.User(id) },
		all:   func(c *call) ([]engine.User, error) { return c.engine.Users(), nil },
		stored: func(c *call, id string) (userInput, uint64, error) {
			stored, err := c.engine.StoredUser(id)
			return userInput{User: stored}, stored.Revision, err
		},
		save: saveUser,
		remove: func(c *call, id string, revision *uint64) error {
			return c.engine.DeleteUser(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.User) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(s), revisionRoutes(s, k, revertUser)...)
}

func saveUser(c *call, id string, revision uint64, in userInput) (string, error) {
	if !c.who.isAdmin() {
		if err := c.ownUser(id, in.User); err != nil {
			return "", err
		}
	}
	if in.Password != "" {
		release, err := c.guard(c.r.Context())
		if err != nil {
			return "", err
		}
		defer release()
	}
	in.ID, in.Revision = id, revision
	saved, err := c.engine.SaveUser(c.r.Context(), c.actor(), in.User, in.Password, c.who.session)
	if err != nil {
		return "", err
	}
	return saved.ID, nil
}

// ownUser refuses what only an admin may change. A token that may do less than
// its user does not change the user: it could make itself a way to do more.
func (c *call) ownUser(id string, next engine.User) error {
	if id == "" || id != c.who.User {
		return refuse(http.StatusForbidden, "only an admin changes another user")
	}
	if c.who.Role != c.who.own {
		return refuse(http.StatusForbidden, "this token may do less than its user, and does not change the user")
	}
	now, err := c.engine.StoredUser(id)
	if err != nil {
		return err
	}
	p := refuse(http.StatusForbidden, "only an admin changes this")
	for name, same := range map[string]bool{
		"username": next.Username == now.Username, "role": next.Role == now.Role, "active": next.Active == now.Active,
	} {
		if !same {
			p.Errors = append(p.Errors, form.Error{Location: name, Code: form.CodeInvalid, Message: "only an admin changes this"})
		}
	}
	if len(p.Errors) > 0 {
		return p
	}
	return nil
}

// revertUser turns an old revision into what a client would send to get it
// back. The password stays as it is now.
func revertUser(e *engine.Engine, old *userInput) {
	for slug, values := range old.Settings {
		old.Settings[slug] = e.Public(slug, engine.UserConfigForm, values)
	}
}
