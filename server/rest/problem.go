package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// Problem is an error as clients see it, after RFC 9457. It never holds a value
// that the client sent.
type Problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Errors form.Errors `json:"errors,omitempty"`

	Header http.Header `json:"-"` // sent with it
}

func (p *Problem) Error() string { return p.Detail }

// Refuse makes a problem of a status and a sentence for the client.
func Refuse(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Invalid makes the problem of values that were not accepted.
func Invalid(errs ...form.Error) *Problem {
	p := Refuse(http.StatusUnprocessableEntity, "the values were not accepted")
	p.Errors = errs
	return p
}

// With adds a header to the answer.
func (p *Problem) With(key, value string) *Problem {
	if p.Header == nil {
		p.Header = http.Header{}
	}
	p.Header.Set(key, value)
	return p
}

// ProblemOf turns any error into what the client is told. unexpected says that
// the error is the server's own and is to be logged.
func ProblemOf(err error, conditional bool) (p *Problem, unexpected bool) {
	var large *http.MaxBytesError
	var e *engine.Error
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &large):
		return Refuse(http.StatusRequestEntityTooLarge, "the body is too large"), false
	case errors.As(err, &e):
		p = Refuse(statusOf(e.Kind, conditional), sentence(e.Message))
		p.Errors = e.Fields
		return p, false
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Refuse(http.StatusServiceUnavailable, "the request was given up"), false
	}
	return Refuse(http.StatusInternalServerError, "the server failed; its log says why"), true
}

func statusOf(kind engine.ErrorKind, conditional bool) int {
	switch kind {
	case engine.Invalid:
		return http.StatusUnprocessableEntity
	case engine.NotFound:
		return http.StatusNotFound
	case engine.Stale:
		if conditional {
			return http.StatusPreconditionFailed
		}
		return http.StatusConflict
	case engine.Conflict:
		return http.StatusConflict
	case engine.Forbidden:
		return http.StatusForbidden
	case engine.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// AlsoWrong adds to the complaints about a body (a *Problem) those that were found about
// its values, so that a client reads all at one time.
func AlsoWrong(bad, invalid error) error {
	var p *Problem
	var found *engine.Error
	if !errors.As(bad, &p) || !errors.As(invalid, &found) || found.Kind != engine.Invalid {
		return bad
	}
	for _, more := range found.Fields {
		if len(p.Errors) < MaxErrors && !slices.ContainsFunc(p.Errors, func(e form.Error) bool { return overlap(e.Location, more.Location) }) {
			p.Errors = append(p.Errors, more)
		}
	}
	return p
}

// overlap reports whether one location is the other's, or a part of it.
func overlap(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[')
}

func sentence(s string) string { return strings.TrimSuffix(s, ".") }

// WriteProblem answers with p.
func WriteProblem(w http.ResponseWriter, p *Problem) {
	for key, values := range p.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, p.Status, p)
}
