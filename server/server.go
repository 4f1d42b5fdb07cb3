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
	"moonwatch/engine/monitor"
	"moonwatch/server/api"
	"moonwatch/server/auth"
	"moonwatch/server/public"
	"moonwatch/server/rest"
	"moonwatch/server/rest/openapi"
	"moonwatch/server/web"
)

// Options are what a Server is built from.
type Options struct {
	Engine  *monitor.Monitor
	Logger  *slog.Logger // nil is slog.Default
	Version string       // of the program, as shown
	// SetupToken is the secret of the one-time set-up; "" when none is offered.
	SetupToken string
	// Runs gives counts on runs of plugins, for metrics and pages; nil leaves them out.
	Runs func() engine.RunStats
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

	limits   auth.Limits // of attempts to log in; tests look at these
	patience rest.Patience
	pace     api.Pace     // of event streams
	bodies   *rest.Budget // what requests by nobody in particular may hold
}

func (o Options) withDefaults() (Options, error) {
	if o.Engine == nil {
		return o, errors.New("option Engine is missing")
	}
	if o.MaxBody < 0 {
		return o, errors.New("option MaxBody must not be negative")
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
	if o.limits == (auth.Limits{}) {
		o.limits = auth.DefaultLimits()
	}
	if o.bodies == nil {
		o.bodies = new(rest.Budget)
	}
	if o.patience == (rest.Patience{}) {
		o.patience = rest.DefaultPatience()
	}
	if o.pace == (api.Pace{}) {
		o.pace = api.DefaultPace()
	}
	return o, nil
}

// Server answers HTTP over one engine. It has no goroutines of its own; what it
// serves ends with the engine. It is safe for concurrent use.
type Server struct {
	*rest.Router // HTTP and Bound, among others

	auth    *auth.Sessions
	streams *rest.Streams
	site    *public.Site
	views   *api.Views
	pages   *web.Web
}

// New builds a server. It does not listen: serve Handler.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("build the server: %w", err)
	}
	s := &Server{
		auth:    auth.New(auth.Options{Engine: o.Engine, SetupToken: o.SetupToken, Limits: o.limits, Now: o.Now}),
		streams: new(rest.Streams),
	}
	metrics := public.NewMetrics(public.MetricsOptions{Engine: o.Engine, Version: o.Version, Runs: o.Runs, Streams: s.streams.Count})
	if s.pages, err = newPages(o, s.auth); err != nil {
		return nil, fmt.Errorf("build the pages: %w", err)
	}
	s.site = public.New(public.Options{
		Asset:       s.pages.Assets.URL,
		Engine:      o.Engine,
		Auth:        s.auth,
		Metrics:     metrics,
		MetricsOpen: o.MetricsOpen,
		Logger:      o.Logger,
		Now:         o.Now,
	})
	s.Router = rest.New(rest.Options{
		Auth:     s.auth,
		Logger:   o.Logger,
		MaxBody:  o.MaxBody,
		Patience: o.patience,
		Bodies:   o.bodies,
		Trusts:   s.auth.Trusts,
		Count:    metrics.Count,
	})
	routes := api.Options{
		Engine:    o.Engine,
		Auth:      s.auth,
		Router:    s.Router,
		Streams:   s.streams,
		Logger:    o.Logger,
		Open:      o.Open,
		Backup:    o.Backup,
		LookupEnv: o.LookupEnv,
		Now:       o.Now,
		Pace:      o.pace,
	}
	s.views = api.NewViews(routes)
	s.Serve(api.Routes(routes)...)
	document, err := openapi.Route(s.Routes(), openapi.About{Version: o.Version, Cookie: auth.CookieName})
	if err != nil {
		return nil, fmt.Errorf("build the OpenAPI document: %w", err)
	}
	s.Serve(document)
	return s, nil
}

// Handler serves everything: the API, metrics and health. Cross-site writes by
// browsers are refused before anything else.
func (s *Server) Handler() http.Handler {
	return rest.Compressed(s.Protected(s.paths(false), "/plugins/{slug}/{path...}")) // plugins' views decide for themselves
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
