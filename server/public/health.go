package public

import (
	"net/http"

	"moonwatch/server/rest"
)

// healthz answers as long as the process serves at all.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	if rest.Reading(w, r) {
		rest.Plain(w, http.StatusOK, "ok")
	}
}

// readyz says whether the monitor can be relied on, and why not.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	if !rest.Reading(w, r) {
		return
	}
	if err := s.engine.Ready(); err != nil {
		rest.Plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	rest.Plain(w, http.StatusOK, "ready")
}
