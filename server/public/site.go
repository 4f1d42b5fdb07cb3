package public

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// Options are what a Site is built from.
type Options struct {
	Engine  *monitor.Monitor
	Auth    *auth.Sessions
	Metrics *Metrics
	// MetricsOpen serves /metrics to anybody.
	MetricsOpen bool
	// Asset is the address of a file that all pages share, by its name.
	Asset  func(name string) string
	Logger *slog.Logger
	Now    func() time.Time
}

// Site serves what needs no login, or none of a person. It is safe for
// concurrent use.
type Site struct {
	o       Options
	engine  *monitor.Monitor
	auth    *auth.Sessions
	log     *slog.Logger
	now     func() time.Time
	metrics *Metrics
	outside statusCache     // what the public page shows
	pings   *access.Limiter // by check
}

// New returns the public site of an engine.
func New(o Options) *Site {
	return &Site{
		o:       o,
		engine:  o.Engine,
		auth:    o.Auth,
		log:     o.Logger,
		now:     o.Now,
		metrics: o.Metrics,
		pings:   access.NewLimiter(10, time.Second),
	}
}

// RegisterMachines adds what other programs call: pings, metrics and health.
func (s *Site) RegisterMachines(m *mux.Router, trusted bool) {
	m.HandleFunc("/ping/{token}", s.ping)
	m.HandleFunc("/ping/{token}/{what}", s.ping)
	m.Handle("/metrics", s.metricsHandler(trusted))
	m.HandleFunc("/healthz", s.healthz)
	m.HandleFunc("/readyz", s.readyz)
}

// failOutside answers a caller that is no client of the API. An error that no
// caller can mend goes to the log as what.
func (s *Site) failOutside(w http.ResponseWriter, what string, err error) {
	if p, unexpected := rest.ProblemOf(err, false); !unexpected {
		rest.Plain(w, p.Status, p.Detail)
		return
	}
	s.log.Error(what, "error", err)
	rest.Plain(w, http.StatusInternalServerError, "the server failed; its log says why")
}
