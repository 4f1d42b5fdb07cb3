package engine

import (
	"maps"
	"moonwatch/engine/form"
	"slices"
)

// User returns one user, without the password's hash.
func (e *userService) User(id string) (User, error) {
	return oneView(e.State, KindUser, e.tables.users, id, e.userView)
}

// Users returns all users in order of id, without their passwords' hashes.
func (e *userService) Users() []User { return allViews(e.State, e.tables.users, e.userView) }

// StoredUser returns the user as stored: what an edit begins from.
func (e *userService) StoredUser(id string) (User, error) {
	return oneView(e.State, KindUser, e.tables.users, id, asStored)
}

// UserNamed returns the id of the user with a username, in any case.
func (e *userService) UserNamed(username string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	u := e.tables.userNamed(username)
	if u == nil {
		return "", false
	}
	return u.ID, true
}

func (e *userService) userView(u *User) User {
	v := *u
	v.PasswordHash, v.FeedToken = "", ""
	v.IsFallback = isFallback(u.ID, e.tables.site(), maps.All(e.tables.rotas))
	v.Settings = map[string]form.Values{}
	for slug, values := range u.Settings {
		v.Settings[slug] = e.Public(slug, UserConfigForm, values)
	}
	return v
}

// Tokens returns all tokens in order of id, without their hashes.
func (e *userService) Tokens() []Token { return allViews(e.State, e.tables.tokens, tokenView) }

// Token returns one token, without its hash.
func (e *userService) Token(id string) (Token, error) {
	return oneView(e.State, KindToken, e.tables.tokens, id, tokenView)
}

func tokenView(t *Token) Token {
	v := *t
	v.Hash = ""
	return v
}

// Sessions returns the sessions of a user, the newest first.
func (e *userService) Sessions(user string) []Session {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []Session
	for _, s := range e.tables.sessions {
		if s.User == user {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Session) int { return b.Created.Compare(a.Created) })
	return out
}
