package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// problem is an error as clients see it, after RFC 9457. It never holds a value
// that the client sent.
type problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Errors form.Errors `json:"errors,omitempty"`

	header http.Header `json:"-"` // sent with it
}

func (p *problem) Error() string { return p.Detail }

// refuse makes a problem of a status and a sentence for the client.
func refuse(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// invalid makes the problem of values that were not accepted.
func invalid(errs ...form.Error) *problem {
	p := refuse(http.StatusUnprocessableEntity, "the values were not accepted")
	p.Errors = errs
	return p
}

// with adds a header to the answer.
func (p *problem) with(key, value string) *problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

// problemOf turns any error into what the client is told. unexpected says that
// the error is the server's own and is to be logged.
func problemOf(err error, conditional bool) (p *problem, unexpected bool) {
	var large *http.MaxBytesError
	var e *engine.Error
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "the body is too large"), false
	case errors.As(err, &e):
		p = refuse(statusOf(e.Kind, conditional), sentence(e.Message))
		p.Errors = e.Fields
		return p, false
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusServiceUnavailable, "the request was given up"), false
	}
	return refuse(http.StatusInternalServerError, "the server failed; its log says why"), true
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

// alsoWrong adds to the complaints about a body (a *problem) those about its
// values, so that a client reads all at one time. save is tried and changes nothing.
func (c *call) alsoWrong(bad error, save func(c *call) error) error {
	var p *problem
	var found *engine.Error
	rehearsal := *c
	rehearsal.r = c.r.WithContext(engine.Rehearse(c.r.Context()))
	if !errors.As(bad, &p) || !errors.As(save(&rehearsal), &found) || found.Kind != engine.Invalid {
		return bad
	}
	for _, more := range found.Fields {
		if len(p.Errors) < maxErrors && !slices.ContainsFunc(p.Errors, func(e form.Error) bool { return overlap(e.Location, more.Location) }) {
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

// writeProblem answers with p.
func writeProblem(w http.ResponseWriter, p *problem) {
	for key, values := range p.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, p.Status, p)
}
