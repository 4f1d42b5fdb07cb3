package rest

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

// Root is where all routes lie.
const Root = "/api/v1"

// Route is one endpoint: what is served and what the document says of it.
type Route struct {
	Method  string
	Path    string      // below Root, with {id} and the like
	Role    access.Role // the least that a caller needs; "" lets anybody in
	Tag     string      // the noun it belongs to
	Summary string
	Note    string // further words for the document

	Input    *Shape // of the body; nil: there is none
	Required []string
	Ignored  map[string]bool // fields of the body that the server alone sets
	Output   *Shape          // of the answer, or of its items; nil: there is none
	List     bool            // answers {"items", "next"}
	Status   int             // of success
	Params   []Param         // of the query
	Tagged   bool            // answers with ETag; writes honour If-Match
	Stream   bool            // the handler writes the answer itself, as events
	Download bool            // the handler writes the answer itself, a file
	Takes    []string        // media types of a body that is no JSON; the first is the one to send
	MaxBody  int64           // bytes of such a body
	Gives    []string        // media types of the answer besides, or without an output in place of, JSON
	Headers  []Param         // of the request
	Handle   func(c *Call) (Answer, error)
}

// Param is one parameter of a query.
type Param struct {
	Name  string
	Shape *Shape
	Note  string
}

// NewParam returns a parameter with the words that the document says of it.
func NewParam(name string, shape *Shape, note string) Param { return Param{name, shape, note} }

// Answer is what a handler gives back.
type Answer struct {
	Body     any // nil: no content
	ETag     *uint64
	Location string
	Raw      []byte // written as it is, in place of body
	Media    string // type of raw; "" is JSON
}

// Call is one request to a route.
type Call struct {
	Writer  http.ResponseWriter
	Request *http.Request
	route   *Route
	Who     Caller
	Query   url.Values
	Body    map[string]any // of routes with input
	Text    []byte         // of routes that take another media type

	router *Router
}

// ID is the {id} of the path.
func (c *Call) ID() string { return mux.Vars(c.Request)["id"] }

// Variable is a part of the path, by the name that the route gives it.
func (c *Call) Variable(name string) string { return mux.Vars(c.Request)[name] }

// Decode sets the fields of *into that the body names.
func (c *Call) Decode(into any) error {
	errs := overlay(c.route.Input, reflect.ValueOf(into).Elem(), c.Body, c.route.Ignored)
	if len(errs) > 0 {
		return Invalid(errs...)
	}
	return nil
}

// Values are the body of a form that a plugin defines, as its cleaning takes it.
func (c *Call) Values() (form.Values, error) {
	d := &decoder{}
	raw, _ := d.free(c.Body, "").(map[string]any)
	if len(d.errs) > 0 {
		return nil, Invalid(d.errs...)
	}
	return raw, nil
}

// IfMatch returns the revision that the client counts on; nil when it does not say.
func (c *Call) IfMatch(now uint64) (*uint64, error) {
	header := strings.Join(c.Request.Header.Values("If-Match"), ",")
	if header == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || one == ETag(now) {
			return &now, nil
		}
	}
	return nil, Refuse(http.StatusPreconditionFailed, "the object is not as If-Match says")
}

// ETag is a revision as headers write it.
func ETag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// endpoint serves the methods of one path.
func (s *Router) endpoint(path string, routes map[string]*Route, trusted bool) http.Handler {
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
		NameRoute(w, Root+path)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		rt := routes[method]
		if rt == nil {
			WriteProblem(w, Refuse(http.StatusMethodNotAllowed, "this address does not take this method").With("Allow", allow))
			return
		}
		c := &Call{router: s, Writer: w, Request: r, route: rt}
		ans, err := s.perform(c, trusted)
		if err != nil {
			s.answerError(c, err)
			return
		}
		if !rt.Stream && !rt.Download {
			c.answer(ans)
		}
	})
}

// perform checks the caller and the request, and calls the handler.
func (s *Router) perform(c *Call, trusted bool) (Answer, error) {
	if err := c.admit(trusted); err != nil {
		return Answer{}, err
	}
	if err := c.readQuery(); err != nil {
		return Answer{}, err
	}
	if c.route.Input != nil || c.route.Takes != nil {
		if err := c.readBody(); err != nil {
			return Answer{}, err
		}
	}
	if !plausibleID(c.ID()) {
		return Answer{}, Refuse(http.StatusNotFound, "there is nothing with this id")
	}
	return c.route.Handle(c)
}

// admit finds out who calls and whether they may.
func (c *Call) admit(trusted bool) error {
	if trusted {
		c.Who = console()
		return nil
	}
	who, err := c.router.auth.Authenticate(c.Request)
	if err != nil {
		return err
	}
	c.Who = who
	if c.route.Role != "" {
		return c.Who.Need(c.route.Role)
	}
	return nil
}

// readQuery refuses parameters that the route does not have.
func (c *Call) readQuery() error {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return Refuse(http.StatusBadRequest, "the query is malformed")
	}
	c.Query = query
	var errs form.Errors
	var names []string
	for _, p := range c.route.Params {
		names = append(names, p.Name)
	}
	for _, name := range SortedKeys(query) {
		if slices.Contains(names, name) {
			if slices.ContainsFunc(query[name], Unusable) {
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
		return Invalid(errs...)
	}
	return nil
}

// Unusable reports whether the value of a parameter can mean nothing.
func Unusable(value string) bool {
	return len(value) > maxParameter || !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0
}

// maxParameter bounds the value of a parameter of a query, in bytes: a cursor
// holds a name, which may have 200 characters.
const maxParameter = 4096

// openBody bounds the body of a request by somebody who is not known yet, in bytes.
const openBody = 128 << 10

// readBody reads the body: as one JSON object, or as the text that the route takes.
func (c *Call) readBody() error {
	takes, most := []string{"application/json"}, c.router.o.MaxBody
	switch {
	case c.route.Takes != nil:
		takes, most = c.route.Takes, c.route.MaxBody
	case c.route.Role == "":
		most = min(most, openBody)
	case c.Request.Method == http.MethodPatch:
		takes = append(takes, "application/merge-patch+json")
	}
	kind, _, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(takes, kind) {
		return Refuse(http.StatusUnsupportedMediaType, "send the body as "+takes[0])
	}
	data, err := c.bytes(most)
	if err != nil {
		return err
	}
	if c.route.Takes != nil {
		c.Text = data
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
	c.Body = body
	return nil
}

// bytes reads a body of at most so many bytes.
func (c *Call) bytes(most int64) ([]byte, error) {
	if c.Request.ContentLength > most {
		Drain(c.Writer, c.Request)
		return nil, Refuse(http.StatusRequestEntityTooLarge, "the body is too large").With("Connection", "close")
	}
	body := io.Reader(http.MaxBytesReader(c.Writer, c.Request.Body, most))
	if c.route.Role != "" { // known callers may send long bodies over slow lines
		http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(c.router.o.Patience.Body)) // not every connection has deadlines
	} else {
		paid := &charged{Reader: body, budget: c.router.o.Bodies, key: c.router.auth.Remote(c.Request).Visitor()}
		defer paid.release()
		body = paid
	}
	data, err := io.ReadAll(body)
	if err != nil {
		if _, ok := err.(*http.MaxBytesError); ok {
			Drain(c.Writer, c.Request)
			return nil, err
		}
		if err == errBodies {
			return nil, tooManyBodies()
		}
		return nil, Refuse(http.StatusBadRequest, "the body ended too early")
	}
	if len(data) == 0 {
		return nil, Refuse(http.StatusBadRequest, "the body is empty")
	}
	return data, nil
}

// answer writes what a handler gave back.
func (c *Call) answer(a Answer) {
	h := c.Writer.Header()
	if a.ETag != nil && c.route.Tagged {
		h.Set("ETag", ETag(*a.ETag))
	}
	if a.Location != "" {
		h.Set("Location", a.Location)
	}
	switch {
	case a.Raw != nil:
		h.Set("Content-Type", cmp.Or(a.Media, "application/json"))
		h.Set("Content-Length", strconv.Itoa(len(a.Raw)))
		c.Writer.WriteHeader(c.route.Status)
		c.Writer.Write(a.Raw)
	case a.Body == nil:
		c.Writer.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(c.Writer, c.route.Status, a.Body)
	}
}

// answerError tells the client what went wrong, and the log what it must not know.
func (s *Router) answerError(c *Call, err error) {
	p, unexpected := ProblemOf(err, c.Request.Header.Get("If-Match") != "")
	if unexpected {
		s.log.Error("a request failed", "method", c.Request.Method, "route", Root+c.route.Path, "error", err)
	}
	WriteProblem(c.Writer, p)
}

// Actor is on whose behalf the call changes something.
func (c *Call) Actor() engine.Actor { return c.Who.Actor }

// ReadBody reads the whole body of a request that anybody may make, as it is.
// release says that it is done with, in any case.
func (s *Router) ReadBody(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	in := &charged{Reader: http.MaxBytesReader(w, r.Body, s.o.MaxBody), budget: s.o.Bodies, key: s.auth.Remote(r).Visitor()}
	if r.ContentLength > s.o.MaxBody {
		Drain(w, r)
		return nil, in.release, Refuse(http.StatusRequestEntityTooLarge, "the body is too large").With("Connection", "close")
	}
	body, err = io.ReadAll(in)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		Drain(w, r)
	case errors.Is(err, errBodies):
		err = tooManyBodies()
	case err != nil:
		err = Refuse(http.StatusBadRequest, "the body ended too early")
	}
	return body, in.release, err
}
