package lookup

import (
	"cmp"
	"strings"

	"moonwatch/engine"
)

// People are the names of all users at one moment.
type People struct {
	byID, byUsername map[string]string
}

// People reads the names of all users.
func (w *Lookup) People() People { return PeopleOf(w.Engine.Users.Users()) }

// PeopleOf are the names of users.
func PeopleOf(users []engine.User) People {
	p := People{map[string]string{}, map[string]string{}}
	for i := range users {
		u := &users[i]
		name := FullName(u)
		p.byID[u.ID], p.byUsername[u.Username] = name, name
	}
	return p
}

// FullName is the name of a user, or the username of one who has none.
func FullName(u *engine.User) string {
	return cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Username)
}

// Name is the name of the user with an id; one who is gone keeps the id.
func (p People) Name(id string) string { return cmp.Or(p.byID[id], id) }

// Named is the name of the user with a username, which one who is gone keeps.
func (p People) Named(username string) string { return cmp.Or(p.byUsername[username], username) }

// Names are those of several users.
func (p People) Names(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, p.Name(id))
	}
	return out
}
