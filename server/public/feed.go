package public

import (
	"bytes"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/server/rest"
)

// feed serves /feeds/TOKEN.ics to whoever knows the token.
func (s *Site) feed(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/feeds/{token}.ics")
	if !rest.Reading(w, r) {
		return
	}
	var out bytes.Buffer
	switch err := s.engine.OnCall.WriteFeed(&out, mux.Vars(r)["token"], s.host(r)); {
	case engine.KindOf(err) == engine.NotFound:
		rest.Plain(w, http.StatusNotFound, "not found")
		return
	case err != nil:
		s.failOutside(w, "a feed could not be written", err)
		return
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Cache-Control", "private, max-age=300")
	w.Write(out.Bytes())
}

// host is the name of this monitor: of its public URL, or as the client has it.
func (s *Site) host(r *http.Request) string {
	if u, err := url.Parse(s.engine.Settings().PublicURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}
