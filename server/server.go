package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
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
	return o, nil
}

// Server answers HTTP over one engine. It has no goroutines of its own; what it
// serves ends with the engine. It is safe for concurrent use.
type Server struct {
	o       Options
	engine  *engine.Engine
	log     *slog.Logger
	now     func() time.Time
	shapes  shapes
	routes  []*route
	metrics *metrics
	openapi []byte
	pages   *web.Web
	outside statusCache // what the public page shows

	setup      sync.Mutex // held while the first admin is made
	setupHash  [sha256.Size]byte
	byAddress  *access.Limiter // attempts to log in or set up
	byUsername *access.Limiter
	slowed     slowed
	logins     *access.Limiter // by user
	pings      *access.Limiter // by check
	hashing    chan struct{}   // bounds the passwords hashed at once: each takes 19 MiB
	queued     atomic.Int64    // who wait for that
	bodies     budget          // of requests to plugins' views
	patience   patience
	streams    streams
	pace       pace
}

// New builds a server. It does not listen: serve Handler.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("build the server: %w", err)
	}
	s := &Server{o: o, engine: o.Engine, log: o.Logger, now: o.Now, shapes: shapes{},
		setupHash: sha256.Sum256([]byte(o.SetupToken)),
		byAddress: access.NewLimiter(10, 10*time.Second), byUsername: access.NewLimiter(20, 10*time.Second),
		slowed: slowed{time: 2 * time.Second, most: 4, now: map[string]int{}},
		logins: access.NewLimiter(30, 10*time.Second), pings: access.NewLimiter(10, time.Second),
		hashing: make(chan struct{}, 4), pace: defaultPace(), patience: defaultPatience()}
	s.metrics = newMetrics(s)
	s.routes = s.table()
	if s.openapi, err = s.document(); err != nil {
		return nil, fmt.Errorf("build the OpenAPI document: %w", err)
	}
	if s.pages, err = s.newPages(); err != nil {
		return nil, fmt.Errorf("build the pages: %w", err)
	}
	return s, nil
}

// Handler serves everything: the API, metrics and health. Cross-site writes by
// browsers are refused before anything else.
func (s *Server) Handler() http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern("/plugins/{slug}/{path...}") // plugins' views decide for themselves
	protection.SetDenyHandler(s.observed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, refuse(http.StatusForbidden, crossOriginWords(r)))
	})))
	return protection.Handler(s.observed(s.router(false)))
}

// crossOriginWords says why a write was taken for one from another site's page.
// Browsers that do not say so themselves are judged by two headers.
func crossOriginWords(r *http.Request) string {
	if r.Header.Get("Sec-Fetch-Site") != "" {
		return "a write from another site's page"
	}
	return "a write from another site's page: the header Origin names another host than the header Host does. " +
		"If you came through a reverse proxy, have it pass the header Host on as it came (nginx: proxy_set_header Host $http_host;)"
}

// SocketHandler serves the same API to callers who are trusted because they
// reached it: over the socket in the data folder, or within the process.
func (s *Server) SocketHandler() http.Handler { return s.observed(s.router(true)) }

func (s *Server) router(trusted bool) *mux.Router {
	m := mux.NewRouter().SkipClean(true)
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
	m.HandleFunc("/ping/{token}", s.ping)
	m.HandleFunc("/ping/{token}/{what}", s.ping)
	m.Handle("/metrics", s.metricsHandler(trusted))
	m.HandleFunc("/healthz", s.healthz)
	m.HandleFunc("/readyz", s.readyz)
	if !trusted { // who reached the socket has no session
		s.addOutside(m)
		s.addViews(m)
		s.addPages(m)
	}
	return m
}

// plain answers with one line of text.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write(bytes.TrimRight([]byte(text), "\n"))
	w.Write([]byte("\n"))
}
