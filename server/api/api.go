package api

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// Options are what the API is built from.
type Options struct {
	Engine  *monitor.Monitor
	Auth    *auth.Sessions
	Router  *rest.Router
	Streams *rest.Streams
	Logger  *slog.Logger
	// Open opens a stored secret; nil refuses exports and imports with a passphrase.
	Open func(object, field string, s form.Sealed) ([]byte, error)
	// Backup writes a backup of everything; nil offers none.
	Backup func(ctx context.Context, w io.Writer) error
	// LookupEnv tells whether a plugin's variables are set.
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
	Pace      Pace // of event streams
}

// Routes are all routes of the API, in the order of its document.
func Routes(o Options) []*rest.Route {
	e, known := o.Engine, o.Router.Shapes()
	rotas, incidents, plugins := &rotas{e, o.Now}, &incidents{e}, &plugins{e, o.LookupEnv}
	return slices.Concat(
		(&services{e}).routes(known), (&instances{e}).routes(known), (&checks{e}).routes(known), (&runs{e}).routes(known),
		(&uptimes{e, o.Now}).routes(known), (&summaries{e, o.Now}).routes(known), (&alerting{e}).routes(known),
		(&silences{e}).routes(known), rotas.routes(known), rotas.onCallRoutes(known), (&feeds{e}).routes(known),
		(&users{e, o.Auth}).routes(known), (&tokens{e}).routes(known), incidents.routes(known), incidents.whyRoutes(known),
		(&deliveries{e}).routes(known), (&reports{e, o.Now}).routes(known), plugins.routes(known), (&sources{e}).routes(known),
		(&settings{e}).routes(known), (&audit{e}).routes(known), (&configuration{e, o.Auth.Guard, o.Open}).routes(known),
		(&backups{o.Backup, o.Logger, o.Now}).routes(known), (&events{e, o.Auth, o.Logger, o.Streams, o.Pace, plugins}).routes(known),
		(&sessions{e, o.Auth}).routes(known), (&setups{e, o.Auth}).routes(known))
}

// NewViews returns what serves the plugins' own views.
func NewViews(o Options) *Views {
	return &Views{engine: o.Engine, auth: o.Auth, router: o.Router, log: o.Logger}
}
