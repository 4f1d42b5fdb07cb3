// Package frame is what surrounds every page: who asks, the layout, the shared
// templates, times and statuses as people read them, and the pages of errors.
//
// A handler gets a Request (with user and session) and returns an error or draws a
// Page through Render; Open and Need wrap it for everybody or for a role, read its
// form within bounds and turn what it returns into a page. All templates and
// assets of the pages lie here, in one set, and are parsed once.
//
// The package knows no page of its own but those of errors and of what is to be
// deleted; handlers are in the packages of the pages.
package frame

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
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

// Frame is what every page is drawn in, and reached through: the layout, who
// calls, errors.
type Frame struct {
	Options Options
	Engine  *monitor.Monitor
	Log     *slog.Logger
	Assets  *Assets
	pages   map[string]pageTemplate
}

// New prepares the assets of the pages and parses their layout; a page is parsed when it
// is drawn first.
func New(o Options) (*Frame, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Frame{Options: o, Engine: o.Engine, Log: o.Logger}
	var err error
	if f.Assets, f.pages, err = embedded(); err != nil {
		return nil, err
	}
	return f, nil
}
