package server

import "net/http"

// healthz answers as long as the process serves at all.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	if reading(w, r) {
		plain(w, http.StatusOK, "ok")
	}
}

// readyz says whether the monitor can be relied on, and why not.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	if !reading(w, r) {
		return
	}
	if err := s.engine.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}
