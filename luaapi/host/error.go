package host

import "errors"

// Kind sorts errors for programs, as plugins see it in a function's third result.
type Kind string

// The kinds of error.
const (
	Timeout     Kind = "timeout"
	Refused     Kind = "refused"
	Unreachable Kind = "unreachable"
	Closed      Kind = "closed"
	DNS         Kind = "dns"
	TLS         Kind = "tls"
	Protocol    Kind = "protocol"
	TooLarge    Kind = "too_large"
	Denied      Kind = "denied"
	Invalid     Kind = "invalid"
	NotFound    Kind = "not_found"
)

// Error is an error of a Host: a kind for programs and a message for people.
type Error struct {
	Kind    Kind
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// KindOf returns the kind of err, or "" when err is no *Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
