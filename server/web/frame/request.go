package frame

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Request is one request by somebody: user is nil for the pages before login.
type Request struct {
	*http.Request
	Writer  http.ResponseWriter
	User    *engine.User
	Session *engine.Session
}

// Handler serves a request or returns why it could not; the error's page is
// drawn by the caller.
type Handler func(q *Request) error

// What a form may post in bytes: of who is logged in, and of anybody.
const (
	MaxForm     = 4 << 20
	maxOpenForm = 16 << 10
)

// Open wraps a handler that nobody need be logged in for.
func (w *Frame) Open(h Handler) http.HandlerFunc { return w.handle(withForm(maxOpenForm, h)) }

func (w *Frame) handle(h Handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		q := &Request{Request: r, Writer: rw}
		if user, session, ok := w.Options.Sessions.Caller(r); ok {
			q.User, q.Session = user, session
		}
		w.serve(q, h)
	}
}

// Need wraps a handler for which the caller needs at least a role.
func (w *Frame) Need(role access.Role, h Handler) http.HandlerFunc {
	h = withForm(MaxForm, h)
	return w.handle(func(q *Request) error {
		switch {
		case q.User == nil && w.Engine.Users.Empty():
			return q.Redirect("/setup")
		case q.User == nil:
			next := ""
			if q.Method == http.MethodGet && q.URL.RequestURI() != "/" {
				next = "?next=" + url.QueryEscape(q.URL.RequestURI())
			}
			return q.Redirect("/login" + next)
		case !q.User.Role.Can(role):
			return &engine.Error{
				Kind:    engine.Forbidden,
				Message: "your role, " + string(q.User.Role) + ", does not allow this: it needs " + string(role),
			}
		}
		return h(q)
	})
}

// withForm reads the form of a POST, of so many bytes at most, before the handler.
func withForm(most int64, h Handler) Handler {
	return func(q *Request) error {
		if q.Method == http.MethodPost {
			q.Body = http.MaxBytesReader(q.Writer, q.Body, most)
			if err := q.parse(most); err != nil {
				return err
			}
		}
		return h(q)
	}
}

// serve runs the handler and draws what went wrong.
func (w *Frame) serve(q *Request, h Handler) {
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			w.Log.Error("a page panicked", "path", q.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			w.fail(q, errors.New("panic"))
		}
	}()
	if err := h(q); err != nil {
		w.fail(q, err)
	}
}

func (q *Request) parse(most int64) error {
	err := q.ParseForm()
	if strings.HasPrefix(q.Header.Get("Content-Type"), "multipart/") {
		err = q.ParseMultipartForm(most)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	} else if err != nil {
		return &engine.Error{Kind: engine.Invalid, Message: "the form that was sent could not be read"}
	}
	q.Form, q.PostForm = copied(q.Form), copied(q.PostForm)
	return nil
}

// copied returns values that share nothing with the body they were read from:
// what is stored of a form, a name say, would keep all of it alive.
func copied(values url.Values) url.Values {
	own := make(url.Values, len(values))
	for name, list := range values {
		name, list = strings.Clone(name), slices.Clone(list)
		for i := range list {
			list[i] = strings.Clone(list[i])
		}
		own[name] = list
	}
	return own
}

var errTooLarge = errors.New("the form is too large")

// Redirect sends the browser elsewhere with a GET.
func (q *Request) Redirect(to string) error {
	q.Writer.Header().Set("Cache-Control", "no-store")
	http.Redirect(q.Writer, q.Request, to, http.StatusSeeOther)
	return nil
}

// ID is the id in the path.
func (q *Request) ID() string { return mux.Vars(q.Request)["id"] }

// By is on whose behalf the engine acts.
func (q *Request) By() engine.Actor {
	return engine.Actor{User: q.User.ID, Name: q.User.Username, Role: q.User.Role, Via: "page"}
}

// LocalPath is a path of this site given by a query, "/" for anything else: a
// link to the login page must not lead away from the site.
func LocalPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || u.Host != "" {
		return "/"
	}
	return next
}

// maxBack bounds the address that a quick action leads back to, in bytes.
const maxBack = 2000

// Back leads to the page that a quick action was begun on, or otherwise to a path
// of this site, and says what was done.
func (q *Request) Back(otherwise, done string) error {
	to := q.PostForm.Get("back")
	if to == "" || len(to) > maxBack {
		to = otherwise
	}
	u, err := url.Parse(LocalPath(to))
	if err != nil {
		return q.Redirect(otherwise)
	}
	query := u.Query()
	query.Set("done", done)
	u.RawQuery = query.Encode()
	return q.Redirect(u.String())
}

// MayEditUser refuses callers who are neither the user nor an admin.
func (q *Request) MayEditUser(id string) error {
	if q.User.ID == id || q.User.Role.Can(access.Admin) {
		return nil
	}
	return &engine.Error{Kind: engine.Forbidden, Message: "only an admin can look at or change another user"}
}
