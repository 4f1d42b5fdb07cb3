package web

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

// request is one request by somebody: user is nil for the pages before login.
type request struct {
	*http.Request
	rw      http.ResponseWriter
	user    *engine.User
	session *engine.Session
}

// handler serves a request or returns why it could not; the error's page is
// drawn by the caller.
type handler func(q *request) error

// What a form may post in bytes: of who is logged in, and of anybody.
const (
	maxForm     = 4 << 20
	maxOpenForm = 16 << 10
)

// open wraps a handler that nobody need be logged in for.
func (w *frame) open(h handler) http.HandlerFunc { return w.handle(withForm(maxOpenForm, h)) }

func (w *frame) handle(h handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		q := &request{Request: r, rw: rw}
		if user, session, ok := w.o.Sessions.Caller(r); ok {
			q.user, q.session = user, session
		}
		w.serve(q, h)
	}
}

// need wraps a handler for which the caller needs at least a role.
func (w *frame) need(role access.Role, h handler) http.HandlerFunc {
	h = withForm(maxForm, h)
	return w.handle(func(q *request) error {
		switch {
		case q.user == nil && w.engine.Users.Empty():
			return q.redirect("/setup")
		case q.user == nil:
			next := ""
			if q.Method == http.MethodGet && q.URL.RequestURI() != "/" {
				next = "?next=" + url.QueryEscape(q.URL.RequestURI())
			}
			return q.redirect("/login" + next)
		case !q.user.Role.Can(role):
			return &engine.Error{Kind: engine.Forbidden, Message: "your role, " + string(q.user.Role) + ", does not allow this: it needs " + string(role)}
		}
		return h(q)
	})
}

// withForm reads the form of a POST, of so many bytes at most, before the handler.
func withForm(most int64, h handler) handler {
	return func(q *request) error {
		if q.Method == http.MethodPost {
			q.Body = http.MaxBytesReader(q.rw, q.Body, most)
			if err := q.parse(most); err != nil {
				return err
			}
		}
		return h(q)
	}
}

// serve runs the handler and draws what went wrong.
func (w *frame) serve(q *request, h handler) {
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			w.log.Error("a page panicked", "path", q.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			w.fail(q, errors.New("panic"))
		}
	}()
	if err := h(q); err != nil {
		w.fail(q, err)
	}
}

func (q *request) parse(most int64) error {
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

// redirect sends the browser elsewhere with a GET.
func (q *request) redirect(to string) error {
	q.rw.Header().Set("Cache-Control", "no-store")
	http.Redirect(q.rw, q.Request, to, http.StatusSeeOther)
	return nil
}

// id is the id in the path.
func (q *request) id() string { return mux.Vars(q.Request)["id"] }

// by is on whose behalf the engine acts.
func (q *request) by() engine.Actor {
	return engine.Actor{User: q.user.ID, Name: q.user.Username, Role: q.user.Role, Via: "page"}
}

// localPath is a path of this site given by a query, "/" for anything else: a
// link to the login page must not lead away from the site.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || u.Host != "" {
		return "/"
	}
	return next
}
