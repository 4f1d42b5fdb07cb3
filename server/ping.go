package server

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
)

// maxPing bounds what of a ping's body is kept, in bytes; the rest is let go.
const maxPing = 100 << 10

// ping hears from a job that watches itself: /ping/TOKEN, and below it start,
// fail, log or an exit code. Whoever knows the token may.
func (s *Server) ping(w http.ResponseWriter, r *http.Request) {
	nameRoute(w, "/ping/{token}")
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, PUT")
		plain(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	p, ok := pingOf(mux.Vars(r)["what"])
	if !ok {
		plain(w, http.StatusNotFound, "not found")
		return
	}
	if p.RunID = r.URL.Query().Get("rid"); len(p.RunID) > 100 || unusable(p.RunID) {
		plain(w, http.StatusBadRequest, "rid is too long, or no text")
		return
	}
	out := http.NewResponseController(w)
	out.SetReadDeadline(time.Now().Add(bodyTime)) // not every connection has deadlines
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPing))
	out.SetReadDeadline(time.Time{})
	if err != nil {
		plain(w, http.StatusBadRequest, "the body ended too early")
		return
	}
	swallow(w, r) // what is kept is the beginning; the sender may send it all
	p.Body, p.Address = string(body), s.remote(r).address
	switch err := s.engine.Ping(r.Context(), mux.Vars(r)["token"], p); engine.KindOf(err) {
	case "":
		if err != nil {
			s.failOutside(w, "a ping failed", err)
			return
		}
		plain(w, http.StatusOK, "OK")
	case engine.NotFound:
		plain(w, http.StatusNotFound, "not found")
	default:
		w.Header().Set("Retry-After", "10")
		plain(w, http.StatusServiceUnavailable, err.Error())
	}
}

// pingOf reads what comes behind the token.
func pingOf(what string) (engine.Ping, bool) {
	switch what {
	case "":
		return engine.Ping{Kind: "success"}, true
	case "start", "fail", "log":
		return engine.Ping{Kind: what}, true
	}
	code, err := strconv.ParseUint(what, 10, 8)
	return engine.Ping{Kind: "exit", Code: int(code)}, err == nil && !strings.HasPrefix(what, "+")
}
