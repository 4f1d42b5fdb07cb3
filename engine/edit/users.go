package edit

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/oncall"
	"moonwatch/engine/state"
)

var usernamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)

// SaveUser creates a user (ID "") or replaces the revision that u carries.
// password is the new password in plain, "" leaves it as it is; a new password
// ends the user's sessions but for the one named keepSession. Who is not active
// has no sessions, tokens and feed any more. It returns an
// *Error, and blocks on hashing, on plugins' cleaning and on the disk.
func (us *Users) SaveUser(ctx context.Context, by engine.Actor, u engine.User, password, keepSession string) (saved *engine.User, err error) {
	return us.saveUser(ctx, by, u, password, keepSession, false)
}

// SaveUserAndRevoke is SaveUser that revokes the user's API tokens, too.
func (us *Users) SaveUserAndRevoke(ctx context.Context, by engine.Actor, u engine.User, password, keepSession string) (saved *engine.User, err error) {
	return us.saveUser(ctx, by, u, password, keepSession, true)
}

func (us *Users) saveUser(ctx context.Context, by engine.Actor, u engine.User, password, keepSession string, revoke bool) (saved *engine.User, err error) {
	if u.ID == "" {
		u.ID, u.Revision = us.IDs.New(), 0
	}
	hash := ""
	err = state.Retrying(func() error {
		us.Mu.RLock()
		old := us.Tables.Users[u.ID]
		us.Mu.RUnlock()
		if err := state.AtRevision(engine.KindUser, u.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := u
		var p engine.Problems
		CleanUser(us.State, ctx, &p, &next, old)
		if password != "" {
			if err := access.CheckPassword(password, next.Username); err != nil {
				p.Add("password", "invalid", "%s", err.Error())
			} else if hash == "" && !us.dry { // hashing takes long
				if hash, err = access.HashPassword(password); err != nil {
					return err
				}
			}
			next.PasswordHash = hash
		} else if old != nil {
			next.PasswordHash = old.PasswordHash
		}
		saved = &next
		return submit(ctx, us.State, us.dry, by, func(x *state.Tx) error {
			if x.Users.Get(u.ID) != old {
				return state.ErrRetry
			}
			if x.CheckName(&p, engine.KindUser, u.ID, next.Username, "username"); p.Err() != nil {
				return p.Err()
			}
			if err := SaveUser(x, &next, old, keepSession); err != nil || !revoke {
				return err
			}
			revokeTokensOf(x, u.ID)
			return nil
		})
	})
	return engine.CopyOf(saved), err
}

func CleanUser(e *state.State, ctx context.Context, p *engine.Problems, u, old *engine.User) {
	switch {
	case u.Username == "":
		p.Add("username", "required", "This field is required.")
	case !usernamePattern.MatchString(u.Username):
		p.Add("username", "invalid", "at most 64 letters, digits and . _ @ + -, beginning with a letter or digit")
	}
	p.Personal("first_name", u.FirstName, engine.NameOf(old, func(u *engine.User) string { return u.FirstName }))
	p.Personal("last_name", u.LastName, engine.NameOf(old, func(u *engine.User) string { return u.LastName }))
	if u.Email != "" {
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > 254 {
			p.Add("email", "invalid", "write an e-mail address")
		}
	}
	if u.Role.Rank() == 0 {
		p.Add("role", "invalid", "one of viewer, operator, editor and admin")
	}
	p.Zone("time_zone", &u.TimeZone)
	alert.ValidateContact(u, p)
	u.IsFallback = false // derived
	settings := map[string]form.Values{}
	for slug, raw := range u.Settings {
		var stored form.Values
		if old != nil {
			stored = old.Settings[slug]
		}
		location := "settings." + slug
		if stored != nil && SameValues(raw, stored) {
			settings[slug] = stored
			continue
		}
		entry, known := e.PluginEntry(slug)
		if !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.AlertPlugin {
			p.Add(location, "not_found", "no alert plugin has this slug")
			continue
		}
		values, errs := CleanValues(e, ctx, slug, engine.UserConfigForm, u.ID, location, raw, stored)
		p.List = append(p.List, errs...)
		settings[slug] = values
	}
	u.Settings = settings
}

func SaveUser(x *state.Tx, u, old *engine.User, keepSession string) error {
	if err := x.Unique(engine.KindUser, u.ID, u.Username, "username"); err != nil {
		return err
	}
	if old != nil && engine.IsAdmin(old) && !engine.IsAdmin(u) && admins(x) == 1 {
		return engine.Conflictf("%s is the last admin: name another one first", u.Username)
	}
	if old == nil {
		x.SetRevision(engine.KindUser, &u.Meta, nil)
		u.FeedToken = ""
		x.Audit("create", engine.KindUser, u.ID, u.Username, nil, u)
	} else {
		x.SetRevision(engine.KindUser, &u.Meta, &old.Meta)
		u.FeedToken = old.FeedToken
		x.Audit("update", engine.KindUser, u.ID, u.Username, old, u)
		if old.PasswordHash != u.PasswordHash || !u.Active {
			endSessionsOf(x, u.ID, keepSession)
		}
		if !u.Active { // what was given out before is not good again by itself when they are
			revokeTokensOf(x, u.ID)
			u.FeedToken = ""
		}
	}
	x.Users.Put(u.ID, u)
	alert.RetryWaiting(x, func(d *engine.Delivery) bool { return alert.Recipients(d)[u.ID] != "" }, nil)
	if engine.IsAdmin(u) {
		x.WhenDurable(func() { x.State.Hooks.AdminMade() })
	}
	return nil
}

func admins(x *state.Tx) int {
	n := 0
	for _, u := range x.Users.All() {
		if engine.IsAdmin(u) {
			n++
		}
	}
	return n
}

// DeleteUser deletes a user, unlinks them, and ends their sessions and tokens.
func (us *Users) DeleteUser(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	return us.Submit(ctx, by, func(x *state.Tx) error {
		u, err := state.Current(&x.Users, id, revision)
		switch {
		case err != nil:
			return err
		case engine.IsAdmin(u) && admins(x) == 1:
			return engine.Conflictf("%s is the last admin: name another one first", u.Username)
		case oncall.IsFallback(id, x.Site(), x.Rotas.All()):
			return engine.Conflictf("%s is a fallback user: name another one first", u.Username)
		}
		unlinkUser(x, id)
		revokeTokensOf(x, id)
		endSessionsOf(x, id, "")
		state.Remove(x, &x.Users, id, u.Username)
		return nil
	})
}

func revokeTokensOf(x *state.Tx, user string) {
	for id, t := range x.Tokens.All() {
		if t.User == user {
			x.Tokens.Delete(id)
			x.Audit("delete", engine.KindToken, id, t.Name, t, nil)
		}
	}
}

func endSessionsOf(x *state.Tx, user, keep string) {
	for id, s := range x.Sessions.All() {
		if s.User == user && id != keep {
			x.Sessions.Delete(id)
		}
	}
}

// Login checks a username, in any case, and a password. It takes as long for a user who is not
// there. It blocks on hashing.
func (ss *Sessions) Login(username, password string) (*engine.User, error) {
	ss.Mu.RLock()
	u := ss.Tables.UserNamed(username)
	ss.Mu.RUnlock()
	hash := ""
	if u != nil {
		hash = u.PasswordHash
	}
	ok := access.VerifyPassword(hash, password)
	if !ok || u == nil || !u.Active {
		return nil, &engine.Error{Kind: engine.Forbidden, Message: "the username or the password is wrong"}
	}
	return u, nil
}

// sessionTime is how long a login lasts.
const sessionTime = 30 * 24 * time.Hour

// How many sessions and tokens a user has at most. One more session ends the
// oldest; one more token is refused.
const (
	maxSessions = 50
	maxTokens   = 100
)

// OpenSession begins a session of a user and returns the secret for the cookie.
func (ss *Sessions) OpenSession(ctx context.Context, user, address, agent string) (secret string, s *engine.Session, err error) {
	secret, hash := access.NewToken("")
	now := ss.Now().UTC()
	if len(agent) > 200 {
		agent = strings.Clone(strings.ToValidUTF8(agent[:200], "")) // not the whole header
	}
	s = &engine.Session{ID: hash, User: user, Created: now, Expires: now.Add(sessionTime), Address: address, Agent: agent}
	err = ss.Submit(ctx, engine.System, func(x *state.Tx) error {
		makeRoom(x, user)
		x.Sessions.Put(s.ID, s)
		return nil
	})
	return secret, engine.CopyOf(s), err
}

// makeRoom ends the oldest sessions of a user until one more may begin.
func makeRoom(x *state.Tx, user string) {
	var own []*engine.Session
	for _, s := range x.Sessions.All() {
		if s.User == user {
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(a, b *engine.Session) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	for _, s := range own[:max(0, len(own)+1-maxSessions)] {
		x.Sessions.Delete(s.ID)
	}
}

// LoggedInFrom reports whether the user with a username, in any case, has a
// session whose address satisfies from.
func (ss *Sessions) LoggedInFrom(username string, from func(address string) bool) bool {
	ss.Mu.RLock()
	defer ss.Mu.RUnlock()
	u := ss.Tables.UserNamed(username)
	if u == nil {
		return false
	}
	now := ss.Now()
	for _, s := range ss.Tables.Sessions {
		if s.User == u.ID && now.Before(s.Expires) && from(s.Address) {
			return true
		}
	}
	return false
}

// SessionUser returns the session and the active user of a cookie's secret.
func (ss *Sessions) SessionUser(secret string) (*engine.Session, *engine.User, bool) {
	ss.Mu.RLock()
	defer ss.Mu.RUnlock()
	s := ss.Tables.Sessions[access.HashToken(secret)]
	if s == nil || !ss.Now().Before(s.Expires) {
		return nil, nil, false
	}
	u := ss.Tables.Users[s.User]
	return s, u, u != nil && u.Active
}

// CloseSession ends a session; one that is not there is no error.
func (ss *Sessions) CloseSession(ctx context.Context, id string) error {
	return ss.Submit(ctx, engine.System, func(x *state.Tx) error {
		if x.Sessions.Get(id) != nil {
			x.Sessions.Delete(id)
		}
		return nil
	})
}

func EndSessions(e *state.State) {
	now := e.Now()
	e.Mu.RLock()
	var over []string
	for id, s := range e.Tables.Sessions {
		if !now.Before(s.Expires) {
			over = append(over, id)
		}
	}
	e.Mu.RUnlock()
	if len(over) == 0 {
		return
	}
	e.Enqueue(func(x *state.Tx) error {
		for _, id := range over {
			x.Sessions.Delete(id)
		}
		return nil
	})
}

// CreateToken creates an API token of a user and returns its secret, which is
// not kept.
func (ts *Tokens) CreateToken(ctx context.Context, by engine.Actor, t engine.Token) (secret string, saved *engine.Token, err error) {
	secret, t.Hash = access.NewToken(access.TokenPrefix)
	t.ID = ts.IDs.New()
	err = submit(ctx, ts.State, ts.dry, by, func(x *state.Tx) error {
		var p engine.Problems
		p.Name("name", t.Name, "")
		switch u := x.Users.Get(t.User); {
		case t.User == "":
			p.Add("user", "required", "This field is required.")
		case u == nil:
			p.Add("user", "not_found", "no such user")
		case t.Role != "" && t.Role.Rank() == 0:
			p.Add("role", "invalid", "one of viewer, operator, editor and admin")
		case t.Role.Rank() > u.Role.Rank():
			p.Add("role", "max", "a token cannot do more than its user")
		}
		if t.Expires != nil && !t.Expires.After(x.Now) {
			p.Add("expires", "min", "this is in the past")
		}
		if err := p.Err(); err != nil {
			return err
		}
		if n := tokensOf(x, t.User); n >= maxTokens {
			return engine.Conflictf("%s has %d tokens, which is as many as a user may have: revoke one first", x.Users.Get(t.User).Username, n)
		}
		x.SetRevision(engine.KindToken, &t.Meta, nil)
		x.Tokens.Put(t.ID, &t)
		x.Audit("create", engine.KindToken, t.ID, t.Name, nil, &t)
		return nil
	})
	return secret, engine.CopyOf(&t), err
}

func tokensOf(x *state.Tx, user string) (n int) {
	for _, t := range x.Tokens.All() {
		if t.User == user {
			n++
		}
	}
	return n
}

// SaveToken changes a token's name, role or expiry.
func (ts *Tokens) SaveToken(ctx context.Context, by engine.Actor, t engine.Token) (saved *engine.Token, err error) {
	err = submit(ctx, ts.State, ts.dry, by, func(x *state.Tx) error {
		old, err := state.Current(&x.Tokens, t.ID, &t.Revision)
		if err != nil {
			return err
		}
		next := *old
		next.Name, next.Role, next.Expires = t.Name, t.Role, t.Expires
		var p engine.Problems
		p.Name("name", t.Name, old.Name)
		if u := x.Users.Get(old.User); t.Role != "" && (t.Role.Rank() == 0 || u != nil && t.Role.Rank() > u.Role.Rank()) {
			p.Add("role", "invalid", "one of the roles that its user includes")
		}
		if err := p.Err(); err != nil {
			return err
		}
		x.SetRevision(engine.KindToken, &next.Meta, &old.Meta)
		x.Tokens.Put(t.ID, &next)
		x.Audit("update", engine.KindToken, t.ID, t.Name, old, &next)
		saved = &next
		return nil
	})
	return engine.CopyOf(saved), err
}

// DeleteToken revokes a token.
func (ts *Tokens) DeleteToken(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	return ts.Submit(ctx, by, func(x *state.Tx) error {
		t, err := state.Current(&x.Tokens, id, revision)
		if err != nil {
			return err
		}
		state.Remove(x, &x.Tokens, id, t.Name)
		return nil
	})
}

// TokenUser returns the token and the active user behind an API token's
// secret, and the role that the token grants.
func (ts *Tokens) TokenUser(secret string) (*engine.Token, *engine.User, access.Role, bool) {
	hash := access.HashToken(secret)
	ts.Mu.RLock()
	defer ts.Mu.RUnlock()
	id := ts.Tables.TokenHash[hash]
	t := ts.Tables.Tokens[id]
	if t == nil || t.Expires != nil && !ts.Now().Before(*t.Expires) {
		return nil, nil, "", false
	}
	u := ts.Tables.Users[t.User]
	if u == nil || !u.Active {
		return nil, nil, "", false
	}
	role := u.Role
	if t.Role != "" && t.Role.Rank() < role.Rank() {
		role = t.Role
	}
	return t, u, role, true
}

// Empty reports whether no user exists: the monitor waits to be set up.
func (us *Users) Empty() bool {
	us.Mu.RLock()
	defer us.Mu.RUnlock()
	return len(us.Tables.Users) == 0
}

// SetUp creates the first admin. It fails with Conflict when a user exists.
func (us *Users) SetUp(ctx context.Context, u engine.User, password string) (*engine.User, error) {
	if !us.Empty() {
		return nil, engine.Conflictf("the monitor is set up already")
	}
	u.Role, u.Active = access.Admin, true
	if password == "" {
		return nil, &engine.Error{Kind: engine.Invalid, Message: "the values were not accepted",
			Fields: form.Errors{{Location: "password", Code: "required", Message: "This field is required."}}}
	}
	saved, err := us.SaveUser(ctx, engine.System, u, password, "")
	if err != nil && !errors.Is(err, engine.ErrChanged) {
		return nil, err
	}
	return engine.CopyOf(saved), err
}

// Users knows and edits users, their sessions and their tokens.
type Users struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}

// Tokens knows and edits API tokens.
type Tokens struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}

// Sessions logs people in, and knows their sessions.
type Sessions struct{ *state.State }
