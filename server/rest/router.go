package rest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// Options are what a Router is built from.
type Options struct {
	Auth   Authenticator
	Logger *slog.Logger
	// MaxBody bounds the body of a request in bytes.
	MaxBody int64
	// Patience is how long clients may take.
	Patience Patience
	// Bodies bound what requests by nobody in particular hold.
	Bodies *Budget
	// Trusts reports whether an address is that of a proxy whose word counts.
	Trusts func(address string) bool
	// Count hears of each request that was answered.
	Count func(method, route string, status int, took time.Duration)
}

// Authenticator finds out who makes a request, and from where.
type Authenticator interface {
	// Authenticate finds the caller by token or session. Who shows neither is not
	// known; a token that is not good is an error.
	Authenticate(r *http.Request) (Caller, error)
	// Remote is where a request comes from.
	Remote(r *http.Request) Remote
}

// Router serves a table of routes, and watches over everything that is served.
// It is safe for concurrent use once its routes are added.
type Router struct {
	o      Options
	auth   Authenticator
	log    *slog.Logger
	shapes Shapes
	routes []*Route
}

// New returns a router without routes.
func New(o Options) *Router {
	return &Router{o: o, auth: o.Auth, log: o.Logger, shapes: Shapes{}}
}

// Shapes are those of the types that the routes take and give.
func (s *Router) Shapes() Shapes { return s.shapes }

// Routes are all routes, in the order in which they were added.
func (s *Router) Routes() []*Route { return s.routes }

// Serve adds routes.
func (s *Router) Serve(routes ...*Route) {
	for _, rt := range routes {
		if rt.Status == 0 {
			rt.Status = http.StatusOK
		}
	}
	s.routes = append(s.routes, routes...)
}

// Register puts the routes under m. Callers of a trusted router are the console.
func (s *Router) Register(m *mux.Router, trusted bool) {
	paths := map[string]map[string]*Route{}
	var order []string
	for _, rt := range s.routes {
		if paths[rt.Path] == nil {
			paths[rt.Path] = map[string]*Route{}
			order = append(order, rt.Path)
		}
		paths[rt.Path][rt.Method] = rt
	}
	for _, path := range order {
		m.Handle(Root+path, s.endpoint(path, paths[path], trusted))
	}
	m.PathPrefix("/api/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, Refuse(http.StatusNotFound, "there is nothing at this address"))
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
		WriteProblem(w, CrossOrigin(r))
	})))
	return protection.Handler(s.Observed(next))
}

// CrossOrigin says why a write was taken for one from another site's page.
// Browsers that do not say so themselves are judged by two headers.
func CrossOrigin(r *http.Request) *Problem {
	words := "a write from another site's page"
	if r.Header.Get("Sec-Fetch-Site") == "" {
		words += ": the header Origin names another host than the header Host does. " +
			"If you came through a reverse proxy, have it pass the header Host on as it came (nginx: proxy_set_header Host $http_host;)"
	}
	return Refuse(http.StatusForbidden, words)
}
