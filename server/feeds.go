package server

import (
	"bytes"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// feedView is the address of an iCal feed.
type feedView struct {
	FeedURL string `json:"feed_url"` // "" when there is none
}

// feedRoutes give rotas and users addresses for iCal feeds of their shifts.
func (s *Server) feedRoutes() []*route {
	view := shapeOf[feedView](s.shapes)
	var out []*route
	for _, of := range []struct {
		plural, words string
		kind          engine.Kind
		role          access.Role
		check         func(c *call) error
	}{
		{"rotas", "a rota's shifts", engine.KindRota, access.Editor, func(*call) error { return nil }},
		{"users", "a user's shifts", engine.KindUser, access.Viewer, (*call).ownFeed},
	} {
		path := "/" + of.plural + "/{id}/feed"
		show := func(c *call) (answer, error) {
			at, err := c.engine.FeedURL(of.kind, c.id())
			return answer{body: feedView{at}}, err
		}
		out = append(out,
			&route{method: "GET", path: path, role: of.role, tag: of.plural, summary: "Read the address of the iCal feed of " + of.words,
				note: "Whoever knows the address can read the feed.", output: view, handle: func(c *call) (answer, error) {
					if err := of.check(c); err != nil {
						return answer{}, err
					}
					return show(c)
				}},
			&route{method: "POST", path: path, role: of.role, tag: of.plural, summary: "Make a new address for the iCal feed of " + of.words,
				note: "An address given before is no longer good.", output: view, handle: func(c *call) (answer, error) {
					if err := of.check(c); err != nil {
						return answer{}, err
					}
					if err := c.engine.NewFeed(c.r.Context(), c.actor(), of.kind, c.id()); err != nil {
						return answer{}, err
					}
					return show(c)
				}},
			&route{method: "DELETE", path: path, role: of.role, tag: of.plural, summary: "Revoke the address of the iCal feed of " + of.words,
				status: http.StatusNoContent, handle: func(c *call) (answer, error) {
					if err := of.check(c); err != nil {
						return answer{}, err
					}
					return answer{}, c.engine.RevokeFeed(c.r.Context(), c.actor(), of.kind, c.id())
				}})
	}
	return out
}

// ownFeed refuses the feed of another user to all but admins.
func (c *call) ownFeed() error {
	if c.who.isAdmin() || c.id() == c.who.User {
		return nil
	}
	return refuse(http.StatusForbidden, "only an admin sees the feed of another user")
}

// feed serves /feeds/TOKEN.ics to whoever knows the token.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	nameRoute(w, "/feeds/{token}.ics")
	if !reading(w, r) {
		return
	}
	var out bytes.Buffer
	switch err := s.engine.WriteFeed(&out, mux.Vars(r)["token"], s.host(r)); {
	case engine.KindOf(err) == engine.NotFound:
		plain(w, http.StatusNotFound, "not found")
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
func (s *Server) host(r *http.Request) string {
	if u, err := url.Parse(s.engine.Settings().PublicURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}
