package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web"
)

// Options are what a Server is built from.
type Options struct {
	Engine  *engine.Engine
	Logger  *slog.Logger // nil is slog.Default
	Version string       // of the program, as shown
	// SetupToken is the secret of the one-time set-up; "" when none is offered.
	SetupToken string
	// Plugins gives figures on runs of plugins for /metrics; nil leaves them out.
	Plugins PluginFigures
	// MetricsOpen serves /metrics to anybody.
	MetricsOpen bool
	// PluginDir is where plugins are saved, as pages tell people who have none.
	PluginDir string
	// PluginSource reads a plugin's file by its name as PluginProblem has it, for
	// excerpts beside errors; nil: none are shown.
	PluginSource func(file string) ([]byte, error)
	// MaxBody bounds the body of a request in bytes; 0 is 1 MiB.
	MaxBody int64
	// Open opens a stored secret, for exports and imports with a passphrase; nil
	// refuses these.
	Open func(object, field string, s form.Sealed) ([]byte, error)
	// Backup writes a backup of everything; nil offers none.
	Backup func(ctx context.Context, w io.Writer) error
	// LookupEnv tells whether a plugin's variables are set; nil is os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	limits   Limits // of attempts to log in; tests look at these
	patience patience
	pace     pace    // of event streams
	bodies   *budget // what requests by nobody in particular may hold
}

func (o Options) withDefaults() (Options, error) {
	if o.Engine == nil {
		return o, errors.New("Engine is missing")
	}
	if o.MaxBody < 0 {
		return o, errors.New("MaxBody must not be negative")
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.limits == (Limits{}) {
		o.limits = DefaultLimits()
	}
	if o.bodies == nil {
		o.bodies = new(budget)
	}
	if o.patience == (patience{}) {
		o.patience = defaultPatience()
	}
	if o.pace == (pace{}) {
		o.pace = defaultPace()
	}
	return o, nil
}

// Server answers HTTP over one engine. It has no goroutines of its own; what it
// serves ends with the engine. It is safe for concurrent use.
type Server struct {
	*Router // HTTP and Bound, among others

	auth    *Sessions
	streams *streams
	site    *Site
	views   *Views
	pages   *web.Web
}

// New builds a server. It does not listen: serve Handler.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("build the server: %w", err)
	}
	s := &Server{auth: NewSessions(SessionsOptions{Engine: o.Engine, SetupToken: o.SetupToken, Limits: o.limits, Now: o.Now}), streams: new(streams)}
	metrics := NewMetrics(MetricsOptions{Engine: o.Engine, Version: o.Version, Plugins: o.Plugins, Streams: s.streams.count})
	s.site = NewSite(SiteOptions{Engine: o.Engine, Auth: s.auth, Metrics: metrics, MetricsOpen: o.MetricsOpen, Logger: o.Logger, Now: o.Now})
	s.Router = newRouter(routerOptions{Auth: s.auth, Logger: o.Logger, MaxBody: o.MaxBody, Patience: o.patience, Bodies: o.bodies, Trusts: s.auth.trusts,
		Count: metrics.Count, Version: o.Version, Cookie: cookieName})
	routes := APIOptions{Engine: o.Engine, Auth: s.auth, Router: s.Router, Streams: s.streams, Logger: o.Logger, Open: o.Open, Backup: o.Backup,
		LookupEnv: o.LookupEnv, Now: o.Now, Pace: o.pace}
	s.views = newViews(routes)
	if err := s.Serve(apiRoutes(routes)); err != nil {
		return nil, fmt.Errorf("build the OpenAPI document: %w", err)
	}
	if s.pages, err = newPages(o, s.auth); err != nil {
		return nil, fmt.Errorf("build the pages: %w", err)
	}
	return s, nil
}

// Handler serves everything: the API, metrics and health. Cross-site writes by
// browsers are refused before anything else.
func (s *Server) Handler() http.Handler {
	return s.Protected(s.paths(false), "/plugins/{slug}/{path...}") // plugins' views decide for themselves
}

// SocketHandler serves the same API to callers who are trusted because they
// reached it: over the socket in the data folder, or within the process.
func (s *Server) SocketHandler() http.Handler { return s.Observed(s.paths(true)) }

// paths leads each path to what serves it.
func (s *Server) paths(trusted bool) *mux.Router {
	m := mux.NewRouter().SkipClean(true)
	s.Register(m, trusted)
	s.site.RegisterMachines(m, trusted)
	if !trusted { // who reached the socket has no session
		s.site.Register(m)
		s.views.Register(m)
		s.addPages(m)
	}
	return m
}
