// Package web draws the pages: everything that the engine does, seen and set by
// people in a browser. Pages are rendered on the server and work without
// scripts; a small module lets them follow what happens.
//
// The package knows no cookies and no limits on logins: both are behind Sessions.
package web

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
)

// Sessions knows the callers by their cookies, and bounds who tries to log in.
// Its errors are *engine.Error where they are for people.
type Sessions interface {
	// Login opens a session for the user and sets its cookie.
	Login(w http.ResponseWriter, r *http.Request, user *engine.User) error
	// Logout ends the caller's session and removes its cookie.
	Logout(w http.ResponseWriter, r *http.Request) error
	// Caller returns who is logged in.
	Caller(r *http.Request) (user *engine.User, session *engine.Session, ok bool)
	// SetUp creates the first admin when the token is that of the one-time link.
	SetUp(ctx context.Context, token, username, email, password string) (*engine.User, error)
	// IsSetUpToken reports whether a token is that of the one-time link.
	IsSetUpToken(token string) bool
	// AllowLogin takes one attempt to log in, or with no username to set up; when
	// there was none left it says how long to wait.
	AllowLogin(r *http.Request, username string) (ok bool, retryAfter time.Duration)
	// Guard bounds the passwords that are hashed at once; it blocks until one
	// more may be, or fails.
	Guard(ctx context.Context) (release func(), err error)
}

// Options are what the pages are built from. Source, Env, Now and PluginDir may
// be left out.
type Options struct {
	Engine  *monitor.Monitor
	Logger  *slog.Logger
	Version string // of the program, shown at the foot of the pages

	// Sessions knows who calls, and lets people in.
	Sessions Sessions

	// Source reads a plugin's file, by its name as PluginProblem has it; nil: no
	// excerpts are shown.
	Source func(file string) ([]byte, error)
	// PluginDir is where plugins are saved, as shown to people who have none.
	PluginDir string
	// Runs gives counts on runs of plugins; nil: what they took is not shown.
	Runs func() engine.RunStats
	// Env tells whether an environment variable is set; nil is os.LookupEnv.
	Env func(name string) (string, bool)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (o *Options) validate() error {
	var errs []error
	if o.Engine == nil {
		errs = append(errs, errors.New("option Engine is missing"))
	}
	if o.Sessions == nil {
		errs = append(errs, errors.New("option Sessions is missing"))
	}
	return errors.Join(errs...)
}

// frame is what every page is drawn in, and reached through: the layout, who
// calls, errors.
type frame struct {
	o      Options
	engine *monitor.Monitor
	log    *slog.Logger
	assets *assets
	pages  map[string]*template.Template
}
