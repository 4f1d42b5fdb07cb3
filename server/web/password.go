package web

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// verify checks a password. It blocks on hashing.
func (w *frame) verify(q *request, username, password string) (*engine.User, error) {
	release, err := w.o.Sessions.Guard(q.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	if len(password) > 4*access.MaxPassword { // cannot be one, and takes time to hash
		password = ""
	}
	return w.engine.Users.Login(username, password)
}
