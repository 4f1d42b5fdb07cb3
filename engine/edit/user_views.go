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
func (us *Users) User(id string) (engine.User, error) {
	return state.OneView(us.State, engine.KindUser, us.Tables.Users, id, us.userView)
}

// Users returns all users in order of id, without their passwords' hashes.
func (us *Users) Users() []engine.User { return state.AllViews(us.State, us.Tables.Users, us.userView) }

// StoredUser returns the user as stored: what an edit begins from.
func (us *Users) StoredUser(id string) (engine.User, error) {
	return state.OneView(us.State, engine.KindUser, us.Tables.Users, id, state.AsStored)
}

// UserNamed returns the id of the user with a username, in any case.
func (us *Users) UserNamed(username string) (string, bool) {
	us.Mu.RLock()
	defer us.Mu.RUnlock()
	u := us.Tables.UserNamed(username)
	if u == nil {
		return "", false
	}
	return u.ID, true
}

func (us *Users) userView(u *engine.User) engine.User {
	v := *u
	v.PasswordHash, v.FeedToken = "", ""
	v.IsFallback = oncall.IsFallback(u.ID, us.Tables.Site(), maps.All(us.Tables.Rotas))
	v.Settings = map[string]form.Values{}
	for slug, values := range u.Settings {
		v.Settings[slug] = us.Public(slug, engine.UserConfigForm, values)
	}
	return v
}

// Tokens returns all tokens in order of id, without their hashes.
func (ts *Tokens) Tokens() []engine.Token {
	return state.AllViews(ts.State, ts.Tables.Tokens, tokenView)
}

// Token returns one token, without its hash.
func (ts *Tokens) Token(id string) (engine.Token, error) {
	return state.OneView(ts.State, engine.KindToken, ts.Tables.Tokens, id, tokenView)
}

func tokenView(t *engine.Token) engine.Token {
	v := *t
	v.Hash = ""
	return v
}

// Sessions returns the sessions of a user, the newest first.
func (ss *Sessions) Sessions(user string) []engine.Session {
	ss.Mu.RLock()
	defer ss.Mu.RUnlock()
	var out []engine.Session
	for _, s := range ss.Tables.Sessions {
		if s.User == user {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b engine.Session) int { return b.Created.Compare(a.Created) })
	return out
}
