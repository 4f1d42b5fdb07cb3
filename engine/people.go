package engine

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

var usernamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)

// SaveUser creates a user (ID "") or replaces the revision that u carries.
// password is the new password in plain, "" leaves it as it is; a new password
// ends the user's sessions but for the one named keepSession. Who is not active
// has no sessions, tokens and feed any more. It returns an
// *Error, and blocks on hashing, on plugins' cleaning and on the disk.
func (e *userService) SaveUser(ctx context.Context, by Actor, u User, password, keepSession string) (saved *User, err error) {
	return e.saveUser(ctx, by, u, password, keepSession, false)
}

// SaveUserAndRevoke is SaveUser that revokes the user's API tokens, too.
func (e *userService) SaveUserAndRevoke(ctx context.Context, by Actor, u User, password, keepSession string) (saved *User, err error) {
	return e.saveUser(ctx, by, u, password, keepSession, true)
}

func (e *userService) saveUser(ctx context.Context, by Actor, u User, password, keepSession string, revoke bool) (saved *User, err error) {
	if u.ID == "" {
		u.ID, u.Revision = e.newID(), 0
	}
	hash := ""
	err = retrying(func() error {
		e.mu.RLock()
		old := e.tables.users[u.ID]
		e.mu.RUnlock()
		if err := atRevision(KindUser, u.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := u
		var p problems
		e.cleanUser(ctx, &p, &next, old)
		if password != "" {
			if err := access.CheckPassword(password, next.Username); err != nil {
				p.add("password", "invalid", "%s", err.Error())
			} else if hash == "" {
				if hash, err = access.HashPassword(password); err != nil {
					return err
				}
			}
			next.PasswordHash = hash
		} else if old != nil {
			next.PasswordHash = old.PasswordHash
		}
		saved = &next
		return e.do(ctx, by, func(x *tx) error {
			if x.users.get(u.ID) != old {
				return errRetry
			}
			if x.checkName(&p, KindUser, u.ID, next.Username, "username"); p.err() != nil {
				return p.err()
			}
			if err := x.saveUser(&next, old, keepSession); err != nil || !revoke {
				return err
			}
			x.revokeTokensOf(u.ID)
			return nil
		})
	})
	return saved, err
}

func (e *State) cleanUser(ctx context.Context, p *problems, u, old *User) {
	switch {
	case u.Username == "":
		p.add("username", "required", "this is required")
	case !usernamePattern.MatchString(u.Username):
		p.add("username", "invalid", "at most 64 letters, digits and . _ @ + -, beginning with a letter or digit")
	}
	p.personal("first_name", u.FirstName, nameOf(old, func(u *User) string { return u.FirstName }))
	p.personal("last_name", u.LastName, nameOf(old, func(u *User) string { return u.LastName }))
	if u.Email != "" {
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > 254 {
			p.add("email", "invalid", "write an e-mail address")
		}
	}
	if u.Role.Rank() == 0 {
		p.add("role", "invalid", "one of viewer, operator, editor and admin")
	}
	p.zone("time_zone", &u.TimeZone)
	u.validateContact(p)
	u.IsFallback = false // derived
	settings := map[string]form.Values{}
	for slug, raw := range u.Settings {
		var stored form.Values
		if old != nil {
			stored = old.Settings[slug]
		}
		location := "settings." + slug
		if stored != nil && sameValues(raw, stored) {
			settings[slug] = stored
			continue
		}
		entry, known := e.pluginEntry(slug)
		if !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != AlertPlugin {
			p.add(location, "not_found", "no alert plugin has this slug")
			continue
		}
		values, errs := e.cleanValues(ctx, slug, UserConfigForm, u.ID, location, raw, stored)
		p.list = append(p.list, errs...)
		settings[slug] = values
	}
	u.Settings = settings
}

func (x *tx) saveUser(u, old *User, keepSession string) error {
	if err := x.unique(KindUser, u.ID, u.Username, "username"); err != nil {
		return err
	}
	if old != nil && isAdmin(old) && !isAdmin(u) && x.admins() == 1 {
		return conflictf("%s is the last admin: name another one first", u.Username)
	}
	if old == nil {
		x.stamp(KindUser, &u.Meta, nil)
		u.FeedToken = ""
		x.audit("create", KindUser, u.ID, u.Username, nil, u)
	} else {
		x.stamp(KindUser, &u.Meta, &old.Meta)
		u.FeedToken = old.FeedToken
		x.audit("update", KindUser, u.ID, u.Username, old, u)
		if old.PasswordHash != u.PasswordHash || !u.Active {
			x.endSessionsOf(u.ID, keepSession)
		}
		if !u.Active { // what was given out before is not good again by itself when they are
			x.revokeTokensOf(u.ID)
			u.FeedToken = ""
		}
	}
	x.users.put(u.ID, u)
	x.retryWaiting(func(d *Delivery) bool { return d.recipients()[u.ID] != "" }, nil)
	if isAdmin(u) {
		x.whenDurable(func() { x.e.hooks.adminMade() })
	}
	return nil
}

func (x *tx) admins() int {
	n := 0
	for _, u := range x.users.all() {
		if isAdmin(u) {
			n++
		}
	}
	return n
}

// DeleteUser deletes a user, unlinks them, and ends their sessions and tokens.
func (e *userService) DeleteUser(ctx context.Context, by Actor, id string, revision *uint64) error {
	return e.do(ctx, by, func(x *tx) error {
		u := x.users.get(id)
		switch {
		case u == nil:
			return missing(KindUser)
		case revision != nil && *revision != u.Revision:
			return errChanged
		case isAdmin(u) && x.admins() == 1:
			return conflictf("%s is the last admin: name another one first", u.Username)
		case isFallback(id, x.site(), x.rotas.all()):
			return conflictf("%s is a fallback user: name another one first", u.Username)
		}
		x.unlinkUser(id)
		x.revokeTokensOf(id)
		x.endSessionsOf(id, "")
		x.users.delete(id)
		x.deletes, x.deleter = true, x.by.Name
		x.audit("delete", KindUser, id, u.Username, u, nil)
		return nil
	})
}

func (x *tx) revokeTokensOf(user string) {
	for id, t := range x.tokens.all() {
		if t.User == user {
			x.tokens.delete(id)
			x.audit("delete", KindToken, id, t.Name, t, nil)
		}
	}
}

func (x *tx) endSessionsOf(user, keep string) {
	for id, s := range x.sessions.all() {
		if s.User == user && id != keep {
			x.sessions.delete(id)
		}
	}
}

// Login checks a username, in any case, and a password. It takes as long for a user who is not
// there. It blocks on hashing.
func (e *userService) Login(username, password string) (*User, error) {
	e.mu.RLock()
	u := e.tables.userNamed(username)
	e.mu.RUnlock()
	hash := ""
	if u != nil {
		hash = u.PasswordHash
	}
	ok := access.VerifyPassword(hash, password)
	if !ok || u == nil || !u.Active {
		return nil, &Error{Kind: Forbidden, Message: "the username or the password is wrong"}
	}
	return u, nil
}

// sessionTime is how long a login lasts.
const sessionTime = 30 * 24 * time.Hour

// How many sessions and tokens a user has at most. One more session ends the
// oldest; one more token is refused.
const (
	sessionsMost = 50
	tokensMost   = 100
)

// OpenSession begins a session of a user and returns the secret for the cookie.
func (e *userService) OpenSession(ctx context.Context, user, address, agent string) (secret string, s *Session, err error) {
	secret, hash := access.NewToken("")
	now := e.now().UTC()
	if len(agent) > 200 {
		agent = strings.Clone(strings.ToValidUTF8(agent[:200], "")) // not the whole header
	}
	s = &Session{ID: hash, User: user, Created: now, Expires: now.Add(sessionTime), Address: address, Agent: agent}
	err = e.do(ctx, system, func(x *tx) error {
		x.makeRoom(user)
		x.sessions.put(s.ID, s)
		return nil
	})
	return secret, s, err
}

// makeRoom ends the oldest sessions of a user until one more may begin.
func (x *tx) makeRoom(user string) {
	var own []*Session
	for _, s := range x.sessions.all() {
		if s.User == user {
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(a, b *Session) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	for _, s := range own[:max(0, len(own)+1-sessionsMost)] {
		x.sessions.delete(s.ID)
	}
}

// LoggedInFrom reports whether the user with a username, in any case, has a
// session whose address satisfies from.
func (e *userService) LoggedInFrom(username string, from func(address string) bool) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	u := e.tables.userNamed(username)
	if u == nil {
		return false
	}
	now := e.now()
	for _, s := range e.tables.sessions {
		if s.User == u.ID && now.Before(s.Expires) && from(s.Address) {
			return true
		}
	}
	return false
}

// SessionUser returns the session and the active user of a cookie's secret.
func (e *userService) SessionUser(secret string) (*Session, *User, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.tables.sessions[access.HashToken(secret)]
	if s == nil || !e.now().Before(s.Expires) {
		return nil, nil, false
	}
	u := e.tables.users[s.User]
	return s, u, u != nil && u.Active
}

// CloseSession ends a session; one that is not there is no error.
func (e *userService) CloseSession(ctx context.Context, id string) error {
	return e.do(ctx, system, func(x *tx) error {
		if x.sessions.get(id) != nil {
			x.sessions.delete(id)
		}
		return nil
	})
}

func (e *State) endSessions() {
	now := e.now()
	e.mu.RLock()
	var over []string
	for id, s := range e.tables.sessions {
		if !now.Before(s.Expires) {
			over = append(over, id)
		}
	}
	e.mu.RUnlock()
	if len(over) == 0 {
		return
	}
	e.post(func(x *tx) error {
		for _, id := range over {
			x.sessions.delete(id)
		}
		return nil
	})
}

// CreateToken creates an API token of a user and returns its secret, which is
// not kept.
func (e *userService) CreateToken(ctx context.Context, by Actor, t Token) (secret string, saved *Token, err error) {
	secret, t.Hash = access.NewToken(access.TokenPrefix)
	t.ID = e.newID()
	err = e.do(ctx, by, func(x *tx) error {
		var p problems
		p.name("name", t.Name, "")
		switch u := x.users.get(t.User); {
		case t.User == "":
			p.add("user", "required", "this is required")
		case u == nil:
			p.add("user", "not_found", "no such user")
		case t.Role != "" && t.Role.Rank() == 0:
			p.add("role", "invalid", "one of viewer, operator, editor and admin")
		case t.Role.Rank() > u.Role.Rank():
			p.add("role", "max", "a token cannot do more than its user")
		}
		if t.Expires != nil && !t.Expires.After(x.now) {
			p.add("expires", "min", "this is in the past")
		}
		if err := p.err(); err != nil {
			return err
		}
		if n := x.tokensOf(t.User); n >= tokensMost {
			return conflictf("%s has %d tokens, which is as many as a user may have: revoke one first", x.users.get(t.User).Username, n)
		}
		x.stamp(KindToken, &t.Meta, nil)
		x.tokens.put(t.ID, &t)
		x.audit("create", KindToken, t.ID, t.Name, nil, &t)
		return nil
	})
	return secret, &t, err
}

func (x *tx) tokensOf(user string) (n int) {
	for _, t := range x.tokens.all() {
		if t.User == user {
			n++
		}
	}
	return n
}

// SaveToken changes a token's name, role or expiry.
func (e *userService) SaveToken(ctx context.Context, by Actor, t Token) (saved *Token, err error) {
	err = e.do(ctx, by, func(x *tx) error {
		old := x.tokens.get(t.ID)
		if old == nil {
			return missing(KindToken)
		}
		if old.Revision != t.Revision {
			return errChanged
		}
		next := *old
		next.Name, next.Role, next.Expires = t.Name, t.Role, t.Expires
		var p problems
		p.name("name", t.Name, old.Name)
		if u := x.users.get(old.User); t.Role != "" && (t.Role.Rank() == 0 || u != nil && t.Role.Rank() > u.Role.Rank()) {
			p.add("role", "invalid", "one of the roles that its user includes")
		}
		if err := p.err(); err != nil {
			return err
		}
		x.stamp(KindToken, &next.Meta, &old.Meta)
		x.tokens.put(t.ID, &next)
		x.audit("update", KindToken, t.ID, t.Name, old, &next)
		saved = &next
		return nil
	})
	return saved, err
}

// DeleteToken revokes a token.
func (e *userService) DeleteToken(ctx context.Context, by Actor, id string, revision *uint64) error {
	return e.do(ctx, by, func(x *tx) error {
		t := x.tokens.get(id)
		if t == nil {
			return missing(KindToken)
		}
		if revision != nil && *revision != t.Revision {
			return errChanged
		}
		x.tokens.delete(id)
		x.deletes, x.deleter = true, x.by.Name
		x.audit("delete", KindToken, id, t.Name, t, nil)
		return nil
	})
}

// TokenUser returns the token and the active user behind an API token's
// secret, and the role that the token grants.
func (e *userService) TokenUser(secret string) (*Token, *User, access.Role, bool) {
	hash := access.HashToken(secret)
	e.mu.RLock()
	defer e.mu.RUnlock()
	id := e.tables.tokenHash[hash]
	t := e.tables.tokens[id]
	if t == nil || t.Expires != nil && !e.now().Before(*t.Expires) {
		return nil, nil, "", false
	}
	u := e.tables.users[t.User]
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
func (e *userService) Empty() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.tables.users) == 0
}

// SetUp creates the first admin. It fails with Conflict when a user exists.
func (e *userService) SetUp(ctx context.Context, u User, password string) (*User, error) {
	if !e.Empty() {
		return nil, conflictf("the monitor is set up already")
	}
	u.Role, u.Active = access.Admin, true
	if password == "" {
		return nil, &Error{Kind: Invalid, Message: "the values were not accepted",
			Fields: form.Errors{{Location: "password", Code: "required", Message: "this is required"}}}
	}
	saved, err := e.SaveUser(ctx, system, u, password, "")
	if err != nil && !errors.Is(err, errChanged) {
		return nil, err
	}
	return saved, err
}

// userService knows and edits users, their sessions and their tokens.
type userService struct{ *State }
