package server

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"
)

// Options are what a Router is built from.
type routerOptions struct {
	Auth   Authenticator
	Logger *slog.Logger
	// MaxBody bounds the body of a request in bytes.
	MaxBody int64
	// Patience is how long clients may take.
	Patience patience
	// Bodies bound what requests by nobody in particular hold.
	Bodies *budget
	// Trusts reports whether an address is that of a proxy whose word counts.
	Trusts func(address string) bool
	// Count hears of each request that was answered.
	Count func(method, route string, status int, took time.Duration)
	// Version is that of the program, and Cookie the name of the session's, as
	// the document names them.
	Version, Cookie string
}

// Authenticator finds out who makes a request, and from where.
type Authenticator interface {
	// Authenticate finds the caller by token or session. Who shows neither is not
	// known; a token that is not good is an error.
	Authenticate(r *http.Request) (caller, error)
	// Remote is where a request comes from.
	Remote(r *http.Request) remote
}

// Router serves a table of routes, and watches over everything that is served.
// It is safe for concurrent use once its routes are added.
type Router struct {
	o       routerOptions
	auth    Authenticator
	log     *slog.Logger
	shapes  shapes
	routes  []*route
	openapi []byte
}

// newRouter returns a router without routes.
func newRouter(o routerOptions) *Router {
	return &Router{o: o, auth: o.Auth, log: o.Logger, shapes: shapes{}}
}

// Shapes are those of the types that the routes take and give.
func (s *Router) Shapes() shapes { return s.shapes }

// Routes are all routes, in the order in which they were added.
func (s *Router) Routes() []*route { return s.routes }

// Serve adds all routes, and one for the document that describes them.
func (s *Router) Serve(routes []*route) (err error) {
	s.routes = append(slices.Clone(routes), s.documentRoute())
	for _, rt := range s.routes {
		if rt.status == 0 {
			rt.status = http.StatusOK
		}
	}
	s.openapi, err = s.document()
	return err
}

// Register puts the routes under m. Callers of a trusted router are the console.
func (s *Router) Register(m *mux.Router, trusted bool) {
	paths := map[string]map[string]*route{}
	var order []string
	for _, rt := range s.routes {
		if paths[rt.path] == nil {
			paths[rt.path] = map[string]*route{}
			order = append(order, rt.path)
		}
		paths[rt.path][rt.method] = rt
	}
	for _, path := range order {
		m.Handle(apiRoot+path, s.endpoint(path, paths[path], trusted))
	}
	m.PathPrefix("/api/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, refuse(http.StatusNotFound, "there is nothing at this address"))
	})
}

// Protected refuses cross-site writes by browsers before anything else, but for
// those to the patterns given, which decide for themselves.
func (s *Router) Protected(next http.Handler, open ...string) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, pattern := range open {
		protection.AddInsecureBypassPattern(pattern)
	}
	protection.SetDenyHandler(s.Observed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, crossOrigin(r))
	})))
	return protection.Handler(s.Observed(next))
}

// crossOrigin says why a write was taken for one from another site's page.
// Browsers that do not say so themselves are judged by two headers.
func crossOrigin(r *http.Request) *problem {
	words := "a write from another site's page"
	if r.Header.Get("Sec-Fetch-Site") == "" {
		words += ": the header Origin names another host than the header Host does. " +
			"If you came through a reverse proxy, have it pass the header Host on as it came (nginx: proxy_set_header Host $http_host;)"
	}
	return refuse(http.StatusForbidden, words)
}
