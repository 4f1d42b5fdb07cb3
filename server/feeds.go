package server

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// feeds are the addresses of iCal feeds.
type feeds struct{ engine *engine.Engine }

// feedView is the address of an iCal feed.
type feedView struct {
	FeedURL string `json:"feed_url"` // "" when there is none
}

// routes give rotas and users addresses for iCal feeds of their shifts.
func (s *feeds) routes(known shapes) []*route {
	view := shapeOf[feedView](known)
	var out []*route
	for _, of := range []struct {
		plural, words string
		kind          engine.Kind
		role          access.Role
		check         func(c *call) error
	}{
		{"rotas", "a rota's shifts", engine.KindRota, access.Editor, func(*call) error { return nil }},
		{"users", "a user's shifts", engine.KindUser, access.Viewer, ownFeed},
	} {
		path := "/" + of.plural + "/{id}/feed"
		show := func(c *call) (answer, error) {
			at, err := s.engine.FeedURL(of.kind, c.id())
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
					if err := s.engine.NewFeed(c.r.Context(), c.actor(), of.kind, c.id()); err != nil {
						return answer{}, err
					}
					return show(c)
				}},
			&route{method: "DELETE", path: path, role: of.role, tag: of.plural, summary: "Revoke the address of the iCal feed of " + of.words,
				status: http.StatusNoContent, handle: func(c *call) (answer, error) {
					if err := of.check(c); err != nil {
						return answer{}, err
					}
					return answer{}, s.engine.RevokeFeed(c.r.Context(), c.actor(), of.kind, c.id())
				}})
	}
	return out
}

// ownFeed refuses the feed of another user to all but admins.
func ownFeed(c *call) error {
	if c.who.isAdmin() || c.id() == c.who.User {
		return nil
	}
	return refuse(http.StatusForbidden, "only an admin sees the feed of another user")
}
