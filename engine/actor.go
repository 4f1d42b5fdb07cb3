package engine

import (
	"errors"
	"fmt"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// Actor is on whose behalf something is done.
type Actor struct {
	User string // user id; "" for the engine and for the command line
	Name string // as shown in the audit log
	Role access.Role
	Via  string // page, api, cli, engine
}

// System is the actor of what the engine does by itself.
var System = Actor{Name: "moonwatch", Role: access.Admin, Via: "engine"}

// ErrorKind tells callers what to do about an Error.
type ErrorKind string

// The kinds of Error.
const (
	Invalid     ErrorKind = "invalid"     // Fields says where
	NotFound    ErrorKind = "not_found"   // no such object
	Conflict    ErrorKind = "conflict"    // the object's state does not allow it
	Stale       ErrorKind = "stale"       // the object was changed meanwhile
	Forbidden   ErrorKind = "forbidden"   // the role does not allow it
	Unavailable ErrorKind = "unavailable" // the store does not accept writes, or the engine stops
)

// Error is what the engine's commands and queries return for a person to read.
type Error struct {
	Kind    ErrorKind
	Message string
	Fields  form.Errors
}

func (e *Error) Error() string {
	if len(e.Fields) > 0 {
		return e.Message + ": " + e.Fields.Error()
	}
	return e.Message
}

// KindOf returns the kind of err when it is an *Error, else "".
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func Missing(kind Kind) error {
	return &Error{Kind: NotFound, Message: fmt.Sprintf("no such %s", Words(kind))}
}

func Conflictf(format string, args ...any) error {
	return &Error{Kind: Conflict, Message: fmt.Sprintf(format, args...)}
}

func Words(kind Kind) string {
	switch kind {
	case KindPluginSettings, KindPluginSource:
		return "plugin"
	}
	return string(kind)
}

// ErrChanged is returned inside a save when the object is no longer what the
// values were cleaned against.
var ErrChanged = &Error{Kind: Stale, Message: "the object was changed meanwhile"}
