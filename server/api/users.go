package api

import (
	"encoding/json"
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// userInput is a user as clients write it.
type userInput struct {
	engine.User
	Password        string `json:"password"`
	CurrentPassword string `json:"current_password"`
	RevokeTokens    bool   `json:"revoke_tokens"`
}

// userView is a user as clients read it: of other people, who is no admin sees
// the id and the names.
type userView struct {
	engine.User
	others bool
}

// AlwaysShown are the fields that everybody sees.
func (userView) AlwaysShown() []string {
	return []string{"id", "username", "first_name", "last_name"}
}

// MarshalJSON implements json.Marshaler.
func (v userView) MarshalJSON() ([]byte, error) {
	if !v.others {
		return json.Marshal(v.User)
	}
	return json.Marshal(struct {
		ID        string `json:"id"`
		Username  string `json:"username"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
	}{v.ID, v.Username, v.FirstName, v.LastName})
}

// viewUser is a user as a caller sees them. What is hidden is not there either
// for filters and orders.
func viewUser(u engine.User, who rest.Caller) userView {
	if who.IsAdmin() || u.ID == who.User {
		return userView{User: u}
	}
	seen := engine.User{Username: u.Username, FirstName: u.FirstName, LastName: u.LastName}
	seen.ID = u.ID
	return userView{User: seen, others: true}
}

// users are the routes of users.
type users struct {
	engine *monitor.Monitor
	auth   *auth.Sessions
}

func (s *users) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[userInput, userView]{
		Kind: engine.KindUser, Plural: "users", One: "a user", Read: access.Viewer, Write: access.Admin, Change: access.Viewer,
		Required: []string{"username"}, Derived: []string{"is_fallback"}, Order: "username",
		Note: "Who is no admin sees of other people id, username, first_name and last_name, and changes themselves, but for username, role and active. " +
			"password is only ever written; a change of one's own needs current_password, too. A new one ends the user's other sessions, and with " +
			"revoke_tokens true their API tokens. When active becomes false, sessions, tokens and feed end for good.",
		Fresh: func() userInput { return userInput{User: engine.NewUser()} },
		Get: func(c *rest.Call, id string) (userView, error) {
			u, err := s.engine.Users.User(id)
			return viewUser(u, c.Who), err
		},
		All: func(c *rest.Call) ([]userView, error) {
			var out []userView
			for _, u := range s.engine.Users.Users() {
				out = append(out, viewUser(u, c.Who))
			}
			return out, nil
		},
		Stored: func(c *rest.Call, id string) (userInput, uint64, error) {
			stored, err := s.engine.Users.StoredUser(id)
			return userInput{User: stored}, stored.Revision, err
		},
		Save: s.saveUser,
		Validate: func(c *rest.Call, id string, revision uint64, in userInput) error {
			if !c.Who.IsAdmin() && (id == "" || id != c.Who.User) {
				return nil
			}
			in.ID, in.Revision = id, revision
			return s.engine.Users.ValidateUser(c.Request.Context(), c.Actor(), in.User, in.Password)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Users.DeleteUser(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *userView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, func(data []byte) (*userInput, error) {
		user, err := decodeAs[engine.User](s.engine, k.Kind)(data)
		if err != nil {
			return nil, err
		}
		return &userInput{User: *user}, nil
	})...)
}

func (s *users) saveUser(c *rest.Call, id string, revision uint64, in userInput) (string, error) {
	if !c.Who.IsAdmin() {
		if err := s.ownUser(c, id, in.User); err != nil {
			return "", err
		}
	}
	if len(in.CurrentPassword) > 4*access.MaxPassword {
		return "", rest.Invalid(form.Error{Location: "current_password", Code: form.CodeMax, Message: "this is too long for a password"})
	}
	if in.Password != "" && id != "" && id == c.Who.User {
		if err := s.confirm(c, in.CurrentPassword); err != nil {
			return "", err
		}
	}
	if in.Password != "" {
		release, err := s.auth.Guard(c.Request.Context())
		if err != nil {
			return "", err
		}
		defer release()
	}
	in.ID, in.Revision = id, revision
	save := s.engine.Users.SaveUser
	if in.RevokeTokens {
		save = s.engine.Users.SaveUserAndRevoke
	}
	saved, err := save(c.Request.Context(), c.Actor(), in.User, in.Password, c.Who.Session)
	if err != nil {
		return "", err
	}
	return saved.ID, nil
}

// confirm asks for the caller's present password: a token or a browser that was
// left open is not enough to take an account over. It counts as an attempt to
// log in, and blocks on hashing.
func (s *users) confirm(c *rest.Call, present string) error {
	const field = "current_password"
	now, err := s.engine.Users.StoredUser(c.Who.User)
	if err != nil || now.PasswordHash == "" {
		return err
	}
	if present == "" {
		return rest.Invalid(form.Error{
			Location: field,
			Code:     form.CodeRequired,
			Message:  "a new password for yourself needs your present one, too",
		})
	}
	if err := s.auth.Attempt(c.Request, now.Username); err != nil {
		return err
	}
	release, err := s.auth.Guard(c.Request.Context())
	if err != nil {
		return err
	}
	defer release()
	if _, err := s.engine.Sessions.Login(now.Username, present); err != nil {
		return rest.Invalid(form.Error{Location: field, Code: form.CodeInvalid, Message: "this is not your present password"})
	}
	return nil
}

// ownUser refuses what only an admin may change. A token that may do less than
// its user does not change the user: it could make itself a way to do more.
func (s *users) ownUser(c *rest.Call, id string, next engine.User) error {
	if id == "" || id != c.Who.User {
		return rest.Refuse(http.StatusForbidden, "only an admin changes another user")
	}
	if c.Who.Role != c.Who.OwnRole {
		return rest.Refuse(http.StatusForbidden, "this token may do less than its user, and does not change the user")
	}
	now, err := s.engine.Users.StoredUser(id)
	if err != nil {
		return err
	}
	p := rest.Refuse(http.StatusForbidden, "only an admin changes this")
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
