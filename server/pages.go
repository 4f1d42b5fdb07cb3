package server

import (
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/server/auth"
	"moonwatch/server/rest"
	"moonwatch/server/web"
	"moonwatch/server/web/frame"
)

// newPages builds the pages over the server's sessions and limits.
func newPages(o Options, sessions *auth.Sessions) (*web.Web, error) {
	return web.New(frame.Options{
		Engine: o.Engine, Logger: o.Logger, Version: o.Version, Env: o.LookupEnv, Now: o.Now, Sessions: sessions.ForPages(),
		Source: o.PluginSource, PluginDir: o.PluginDir,
		Runs: o.Runs,
	})
}

// addPages puts the pages beside the API; the log names them by their pattern.
func (s *Server) addPages(m *mux.Router) {
	pages := m.NewRoute().Subrouter()
	pages.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pattern, err := mux.CurrentRoute(r).GetPathTemplate(); err == nil {
				rest.NameRoute(w, pattern)
			}
			next.ServeHTTP(w, r)
		})
	})
	s.pages.Register(pages)
	m.NotFoundHandler, m.MethodNotAllowedHandler = s.pages.NotFound(), s.pages.MethodNotAllowed()
}
