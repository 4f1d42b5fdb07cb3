package edit

import (
	"maps"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/oncall"
	"moonwatch/engine/state"
)

// User returns one user, without the password's hash.
func (e *Users) User(id string) (engine.User, error) {
	return state.OneView(e.State, engine.KindUser, e.Tables.Users, id, e.userView)
}

// Users returns all users in order of id, without their passwords' hashes.
func (e *Users) Users() []engine.User { return state.AllViews(e.State, e.Tables.Users, e.userView) }

// StoredUser returns the user as stored: what an edit begins from.
func (e *Users) StoredUser(id string) (engine.User, error) {
	return state.OneView(e.State, engine.KindUser, e.Tables.Users, id, state.AsStored)
}

// UserNamed returns the id of the user with a username, in any case.
func (e *Users) UserNamed(username string) (string, bool) {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	u := e.Tables.UserNamed(username)
	if u == nil {
		return "", false
	}
	return u.ID, true
}

func (e *Users) userView(u *engine.User) engine.User {
	v := *u
	v.PasswordHash, v.FeedToken = "", ""
	v.IsFallback = oncall.IsFallback(u.ID, e.Tables.Site(), maps.All(e.Tables.Rotas))
	v.Settings = map[string]form.Values{}
	for slug, values := range u.Settings {
		v.Settings[slug] = e.Public(slug, engine.UserConfigForm, values)
	}
	return v
}

// Tokens returns all tokens in order of id, without their hashes.
func (e *Tokens) Tokens() []engine.Token {
	return state.AllViews(e.State, e.Tables.Tokens, tokenView)
}

// Token returns one token, without its hash.
func (e *Tokens) Token(id string) (engine.Token, error) {
	return state.OneView(e.State, engine.KindToken, e.Tables.Tokens, id, tokenView)
}

func tokenView(t *engine.Token) engine.Token {
	v := *t
	v.Hash = ""
	return v
}

// Sessions returns the sessions of a user, the newest first.
func (e *Sessions) Sessions(user string) []engine.Session {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	var out []engine.Session
	for _, s := range e.Tables.Sessions {
		if s.User == user {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b engine.Session) int { return b.Created.Compare(a.Created) })
	return out
}
