package public

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/server/rest"
)

// MaxPing bounds what of a ping's body is kept, in bytes; the rest is let go.
const MaxPing = 100 << 10

// ping hears from a job that watches itself: /ping/TOKEN, and below it start,
// fail, log or an exit code. Whoever knows the token may.
func (s *Site) ping(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/ping/{token}")
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, PUT")
		rest.Plain(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	p, ok := pingOf(mux.Vars(r)["what"])
	if !ok {
		rest.Plain(w, http.StatusNotFound, "not found")
		return
	}
	if p.RunID = strings.Clone(r.URL.Query().Get("rid")); len(p.RunID) > 100 || rest.Unusable(p.RunID) {
		rest.Plain(w, http.StatusBadRequest, "rid is too long, or no text")
		return
	}
	token := mux.Vars(r)["token"]
	check, known := s.engine.PingCheck(token)
	if !known {
		rest.Plain(w, http.StatusNotFound, "not found")
		return
	}
	if now := s.now(); !s.pings.Allow(check, now) {
		s.metrics.refusedPings.Inc()
		wait := strconv.Itoa(max(1, int(math.Ceil(s.pings.Wait(check, now).Seconds()))))
		w.Header().Set("Retry-After", wait)
		rest.Plain(w, http.StatusTooManyRequests, "too many pings of this check: this one was not counted; send it again in "+wait+" s")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPing))
	if err != nil {
		rest.Plain(w, http.StatusBadRequest, "the body ended too early")
		return
	}
	rest.Drain(w, r) // what is kept is the beginning; the sender may send it all
	p.Body, p.Address = string(body), s.auth.Remote(r).Address
	switch err := s.engine.Ping(r.Context(), token, p); engine.KindOf(err) {
	case "":
		if err != nil {
			s.failOutside(w, "a ping failed", err)
			return
		}
		rest.Plain(w, http.StatusOK, "OK")
	case engine.NotFound:
		rest.Plain(w, http.StatusNotFound, "not found")
	default:
		w.Header().Set("Retry-After", "10")
		rest.Plain(w, http.StatusServiceUnavailable, err.Error())
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
