package frame

import (
	"errors"
	"net/http"
	"strings"

	"moonwatch/engine"
	"moonwatch/server/web/webform"
)

// errorBody is the page for what could not be served.
type errorBody struct {
	Status int
	Text   string
}

// NotFound is the page for an address that leads nowhere.
func (w *Frame) NotFound() http.Handler {
	return w.Open(func(*Request) error {
		return &engine.Error{Kind: engine.NotFound, Message: "nothing is at this address"}
	})
}

// MethodNotAllowed is the page for a method that an address does not take.
func (w *Frame) MethodNotAllowed() http.Handler {
	return w.Open(func(*Request) error { return errMethod })
}

var errMethod = errors.New("this address does not take such a request")

// fail draws the page of an error.
func (w *Frame) fail(q *Request, err error) {
	status, title, text := http.StatusInternalServerError, "Something went wrong", "This is a mistake in Moonwatch. Its log says more."
	var e *engine.Error
	switch {
	case errors.Is(err, errTooLarge):
		status, title, text = http.StatusRequestEntityTooLarge, "Too much", "The form that was sent is too large. Nothing was saved."
	case errors.Is(err, errMethod):
		status, title, text = http.StatusMethodNotAllowed, "Not like this", webform.Sentence(err.Error())
	case errors.As(err, &e):
		status, title = StatusOf(e.Kind)
		text = webform.Sentence(e.Message)
	default:
		w.Log.Error("a page failed", "method", q.Method, "path", q.URL.Path, "error", err)
	}
	p := w.NewPage(q, title, "")
	p.Body = errorBody{Status: status, Text: text}
	w.Render(q.Writer, status, "error", p)
}

// StatusOf is the status of HTTP and the title for a kind of error.
func StatusOf(kind engine.ErrorKind) (int, string) {
	switch kind {
	case engine.NotFound:
		return http.StatusNotFound, "Not found"
	case engine.Forbidden:
		return http.StatusForbidden, "Not allowed"
	case engine.Conflict:
		return http.StatusConflict, "Not possible now"
	case engine.Stale:
		return http.StatusPreconditionFailed, "Changed meanwhile"
	case engine.Unavailable:
		return http.StatusServiceUnavailable, "Not available now"
	}
	return http.StatusUnprocessableEntity, "Not accepted"
}

// AsError finds the engine's error in err.
func AsError(err error, to **engine.Error) bool { return errors.As(err, to) }

// Plainly puts what is wrong with a form of one field into the sentence of the
// error's page.
func Plainly(err error) error {
	var e *engine.Error
	if !AsError(err, &e) || len(e.Fields) == 0 {
		return err
	}
	said := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		said[i] = strings.ReplaceAll(f.Location, "_", " ") + ": " + f.Message
	}
	return &engine.Error{Kind: e.Kind, Message: strings.Join(said, "; ")}
}
