package server

import "net/http"

// healthz answers as long as the process serves at all.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if reading(w, r) {
		plain(w, http.StatusOK, "ok")
	}
}

// readyz says whether the monitor can be relied on, and why not.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if !reading(w, r) {
		return
	}
	if err := s.engine.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

// reading refuses all methods but GET and HEAD.
func reading(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	plain(w, http.StatusMethodNotAllowed, "method not allowed")
	return false
}
