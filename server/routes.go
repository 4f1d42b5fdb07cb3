package server

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// apiRoot is where all routes lie.
const apiRoot = "/api/v1"

// route is one endpoint: what is served and what the document says of it.
type route struct {
	method  string
	path    string      // below apiRoot, with {id} and the like
	role    access.Role // the least that a caller needs; "" lets anybody in
	tag     string      // the noun it belongs to
	summary string
	note    string // further words for the document

	input    *shape // of the body; nil: there is none
	required []string
	ignored  map[string]bool // fields of the body that the server alone sets
	output   *shape          // of the answer, or of its items; nil: there is none
	list     bool            // answers {"items", "next"}
	status   int             // of success
	params   []param         // of the query
	tagged   bool            // answers with ETag; writes honour If-Match
	stream   bool            // the handler writes the answer itself, as events
	download bool            // the handler writes the answer itself, a file
	takes    []string        // media types of a body that is no JSON; the first is the one to send
	most     int64           // bytes of such a body
	gives    []string        // media types of the answer besides, or without an output in place of, JSON
	headers  []param         // of the request
	handle   func(c *call) (answer, error)
}

// param is one parameter of a query.
type param struct {
	name  string
	shape *shape
	note  string
}

// answer is what a handler gives back.
type answer struct {
	body     any // nil: no content
	etag     *uint64
	location string
	raw      []byte // written as it is, in place of body
	media    string // type of raw; "" is JSON
}

// call is one request to a route.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	route *route
	who   caller
	query url.Values
	body  map[string]any // of routes with input
	text  []byte         // of routes that take another media type

	router *Router
}

// id is the {id} of the path.
func (c *call) id() string { return mux.Vars(c.r)["id"] }

func (c *call) variable(name string) string { return mux.Vars(c.r)[name] }

// decode sets the fields of *into that the body names.
func (c *call) decode(into any) error {
	errs := overlay(c.route.input, reflect.ValueOf(into).Elem(), c.body, c.route.ignored)
	if len(errs) > 0 {
		return invalid(errs...)
	}
	return nil
}

// values are the body of a form that a plugin defines, as its cleaning takes it.
func (c *call) values() (form.Values, error) {
	d := &decoder{}
	raw, _ := d.free(c.body, "").(map[string]any)
	if len(d.errs) > 0 {
		return nil, invalid(d.errs...)
	}
	return raw, nil
}

// ifMatch returns the revision that the client counts on; nil when it does not say.
func (c *call) ifMatch(now uint64) (*uint64, error) {
	header := strings.Join(c.r.Header.Values("If-Match"), ",")
	if header == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || one == etag(now) {
			return &now, nil
		}
	}
	return nil, refuse(http.StatusPreconditionFailed, "the object is not as If-Match says")
}

func etag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// endpoint serves the methods of one path.
func (s *Router) endpoint(path string, routes map[string]*route, trusted bool) http.Handler {
	var methods []string
	for method := range routes {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nameRoute(w, apiRoot+path)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		rt := routes[method]
		if rt == nil {
			writeProblem(w, refuse(http.StatusMethodNotAllowed, "this address does not take this method").with("Allow", allow))
			return
		}
		c := &call{router: s, w: w, r: r, route: rt}
		ans, err := s.perform(c, trusted)
		if err != nil {
			s.answerError(c, err)
			return
		}
		if !rt.stream && !rt.download {
			c.answer(ans)
		}
	})
}

// perform checks the caller and the request, and calls the handler.
func (s *Router) perform(c *call, trusted bool) (answer, error) {
	if err := c.admit(trusted); err != nil {
		return answer{}, err
	}
	if err := c.readQuery(); err != nil {
		return answer{}, err
	}
	if c.route.input != nil || c.route.takes != nil {
		if err := c.readBody(); err != nil {
			return answer{}, err
		}
	}
	if !plausibleID(c.id()) {
		return answer{}, refuse(http.StatusNotFound, "there is nothing with this id")
	}
	return c.route.handle(c)
}

// admit finds out who calls and whether they may.
func (c *call) admit(trusted bool) error {
	if trusted {
		c.who = console()
		return nil
	}
	who, err := c.router.auth.Authenticate(c.r)
	if err != nil {
		return err
	}
	c.who = who
	if c.route.role != "" {
		return c.who.need(c.route.role)
	}
	return nil
}

// readQuery refuses parameters that the route does not have.
func (c *call) readQuery() error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "the query is malformed")
	}
	c.query = query
	var errs form.Errors
	var names []string
	for _, p := range c.route.params {
		names = append(names, p.name)
	}
	for _, name := range sortedKeys(query) {
		if slices.Contains(names, name) {
			if slices.ContainsFunc(query[name], unusable) {
				errs = append(errs, form.Error{Location: name, Code: form.CodeInvalid, Message: "this is too long, or no text"})
			}
			continue
		}
		message := "there is no such parameter"
		if near := form.Nearest(name, names); near != "" {
			message += "; did you mean " + near + "?"
		}
		errs = append(errs, form.Error{Location: shortened(name), Code: form.CodeUnknown, Message: message})
	}
	if len(errs) > 0 {
		return invalid(errs...)
	}
	return nil
}

// unusable reports whether the value of a parameter can mean nothing.
func unusable(value string) bool {
	return len(value) > maxParameter || !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0
}

// maxParameter bounds the value of a parameter of a query, in bytes: a cursor
// holds a name, which may have 200 characters.
const maxParameter = 4096

// openBody bounds the body of a request by somebody who is not known yet, in bytes.
const openBody = 128 << 10

// readBody reads the body: as one JSON object, or as the text that the route takes.
func (c *call) readBody() error {
	takes, most := []string{"application/json"}, c.router.o.MaxBody
	switch {
	case c.route.takes != nil:
		takes, most = c.route.takes, c.route.most
	case c.route.role == "":
		most = min(most, openBody)
	case c.r.Method == http.MethodPatch:
		takes = append(takes, "application/merge-patch+json")
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(takes, kind) {
		return refuse(http.StatusUnsupportedMediaType, "send the body as "+takes[0])
	}
	data, err := c.bytes(most)
	if err != nil {
		return err
	}
	if c.route.takes != nil {
		c.text = data
		return nil
	}
	v, err := parseJSON(data)
	if err != nil {
		return err
	}
	body, ok := v.(map[string]any)
	if !ok {
		return bodyError()
	}
	c.body = body
	return nil
}

// bytes reads a body of at most so many bytes.
func (c *call) bytes(most int64) ([]byte, error) {
	if c.r.ContentLength > most {
		swallow(c.w, c.r)
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is too large").with("Connection", "close")
	}
	body := io.Reader(http.MaxBytesReader(c.w, c.r.Body, most))
	if c.route.role != "" { // known callers may send long bodies over slow lines
		http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(c.router.o.Patience.body)) // not every connection has deadlines
	} else {
		paid := &charged{Reader: body, budget: c.router.o.Bodies, key: c.router.auth.Remote(c.r).visitor()}
		defer paid.release()
		body = paid
	}
	data, err := io.ReadAll(body)
	if err != nil {
		if _, ok := err.(*http.MaxBytesError); ok {
			swallow(c.w, c.r)
			return nil, err
		}
		if err == errBodies {
			return nil, tooManyBodies()
		}
		return nil, refuse(http.StatusBadRequest, "the body ended too early")
	}
	if len(data) == 0 {
		return nil, refuse(http.StatusBadRequest, "the body is empty")
	}
	return data, nil
}

// answer writes what a handler gave back.
func (c *call) answer(a answer) {
	h := c.w.Header()
	if a.etag != nil && c.route.tagged {
		h.Set("ETag", etag(*a.etag))
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	switch {
	case a.raw != nil:
		h.Set("Content-Type", cmp.Or(a.media, "application/json"))
		h.Set("Content-Length", strconv.Itoa(len(a.raw)))
		c.w.WriteHeader(c.route.status)
		c.w.Write(a.raw)
	case a.body == nil:
		c.w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(c.w, c.route.status, a.body)
	}
}

// answerError tells the client what went wrong, and the log what it must not know.
func (s *Router) answerError(c *call, err error) {
	p, unexpected := problemOf(err, c.r.Header.Get("If-Match") != "")
	if unexpected {
		s.log.Error("a request failed", "method", c.r.Method, "route", apiRoot+c.route.path, "error", err)
	}
	writeProblem(c.w, p)
}

// actor is on whose behalf the call changes something.
func (c *call) actor() engine.Actor { return c.who.Actor }

// ReadBody reads the whole body of a request that anybody may make, as it is.
// release says that it is done with, in any case.
func (s *Router) ReadBody(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	in := &charged{Reader: http.MaxBytesReader(w, r.Body, s.o.MaxBody), budget: s.o.Bodies, key: s.auth.Remote(r).visitor()}
	if r.ContentLength > s.o.MaxBody {
		swallow(w, r)
		return nil, in.release, refuse(http.StatusRequestEntityTooLarge, "the body is too large").with("Connection", "close")
	}
	body, err = io.ReadAll(in)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		swallow(w, r)
	case errors.Is(err, errBodies):
		err = tooManyBodies()
	case err != nil:
		err = refuse(http.StatusBadRequest, "the body ended too early")
	}
	return body, in.release, err
}
