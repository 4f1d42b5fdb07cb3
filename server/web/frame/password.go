package frame

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Verify checks a password. It blocks on hashing.
func (w *Frame) Verify(q *Request, username, password string) (*engine.User, error) {
	release, err := w.Options.Sessions.Guard(q.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	if len(password) > 4*access.MaxPassword { // cannot be one, and takes time to hash
		password = ""
	}
	return w.Engine.Sessions.Login(username, password)
}
