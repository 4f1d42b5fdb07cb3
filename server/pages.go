package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/server/web"
)

// newPages builds the pages over the server's sessions and limits.
func (s *Server) newPages() (*web.Web, error) {
	return web.New(web.Options{
		Engine: s.engine, Logger: s.log, Version: s.o.Version, Env: s.o.LookupEnv, Now: s.now,
		Source: s.o.PluginSource, PluginDir: s.o.PluginDir, Guard: s.guard,
		Cost: s.pluginCost,
		Login: func(w http.ResponseWriter, r *http.Request, user *engine.User) error {
			return forPages(s.openSession(w, r, user))
		},
		Logout: s.closeSession,
		Caller: func(r *http.Request) (*engine.User, *engine.Session, bool) {
			session, user, ok := s.sessionOf(r)
			return user, session, ok
		},
		SetUp: func(ctx context.Context, token, username, email, password string) (*engine.User, error) {
			user, err := s.firstAdmin(ctx, setupInput{Token: token, Username: username, Email: email, Password: password})
			return user, forPages(err)
		},
		IsSetUpToken: func(token string) bool { return s.awaitsSetup() && s.isSetupToken(token) },
		AllowLogin: func(r *http.Request, username string) (bool, time.Duration) {
			err := s.attempt(r, username)
			var refused *problem
			if !errors.As(err, &refused) {
				return err == nil, 0
			}
			wait, _ := strconv.Atoi(refused.header.Get("Retry-After"))
			return false, time.Duration(min(wait, math.MaxInt32)) * time.Second
		},
	})
}

// forPages turns what the API refuses into what pages show.
func forPages(err error) error {
	var refused *problem
	if !errors.As(err, &refused) {
		return err
	}
	kind := engine.Conflict
	switch refused.Status {
	case http.StatusForbidden:
		kind = engine.Forbidden
	case http.StatusTooManyRequests:
		kind = engine.Unavailable
	}
	return &engine.Error{Kind: kind, Message: refused.Detail}
}

// addPages puts the pages beside the API; the log names them by their pattern.
func (s *Server) addPages(m *mux.Router) {
	pages := m.NewRoute().Subrouter()
	pages.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pattern, err := mux.CurrentRoute(r).GetPathTemplate(); err == nil {
				nameRoute(w, pattern)
			}
			next.ServeHTTP(w, r)
		})
	})
	s.pages.Register(pages)
	m.NotFoundHandler, m.MethodNotAllowedHandler = s.pages.NotFound(), s.pages.MethodNotAllowed()
}
