package lookup

import "moonwatch/server/web/frame"

// Lookup finds what pages of several kinds show. It is safe for concurrent use.
type Lookup struct {
	*frame.Frame
	strips *strips
}

// New returns the look-ups of pages in a frame.
func New(f *frame.Frame) *Lookup {
	return &Lookup{Frame: f, strips: &strips{kept: map[string]strip{}}}
}

// NameOfUser finds a user's name; one who is gone keeps the id.
func (w *Lookup) NameOfUser(id string) string {
	if u, err := w.Engine.Users.User(id); err == nil {
		return u.Username
	}
	return id
}

// Names finds the names of users.
func (w *Lookup) Names(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, w.NameOfUser(id))
	}
	return out
}
