package api

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// feeds are the addresses of iCal feeds.
type feeds struct{ engine *monitor.Monitor }

// feedView is the address of an iCal feed.
type feedView struct {
	FeedURL string `json:"feed_url"` // "" when there is none
}

// routes give rotas and users addresses for iCal feeds of their shifts.
func (s *feeds) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[feedView](known)
	var out []*rest.Route
	for _, of := range []struct {
		plural, words string
		kind          engine.Kind
		role          access.Role
		check         func(c *rest.Call) error
	}{
		{"rotas", "a rota's shifts", engine.KindRota, access.Editor, func(*rest.Call) error { return nil }},
		{"users", "a user's shifts", engine.KindUser, access.Viewer, ownFeed},
	} {
		path := "/" + of.plural + "/{id}/feed"
		show := func(c *rest.Call) (rest.Answer, error) {
			at, err := s.engine.OnCall.FeedURL(of.kind, c.ID())
			return rest.Answer{Body: feedView{at}}, err
		}
		out = append(out,
			&rest.Route{Method: "GET", Path: path, Role: of.role, Tag: of.plural, Summary: "Read the address of the iCal feed of " + of.words,
				Note: "Whoever knows the address can read the feed.", Output: view, Handle: func(c *rest.Call) (rest.Answer, error) {
					if err := of.check(c); err != nil {
						return rest.Answer{}, err
					}
					return show(c)
				}},
			&rest.Route{Method: "POST", Path: path, Role: of.role, Tag: of.plural, Summary: "Make a new address for the iCal feed of " + of.words,
				Note: "An address given before is no longer good.", Output: view, Handle: func(c *rest.Call) (rest.Answer, error) {
					if err := of.check(c); err != nil {
						return rest.Answer{}, err
					}
					if err := s.engine.OnCall.NewFeed(c.Request.Context(), c.Actor(), of.kind, c.ID()); err != nil {
						return rest.Answer{}, err
					}
					return show(c)
				}},
			&rest.Route{Method: "DELETE", Path: path, Role: of.role, Tag: of.plural, Summary: "Revoke the address of the iCal feed of " + of.words,
				Status: http.StatusNoContent, Handle: func(c *rest.Call) (rest.Answer, error) {
					if err := of.check(c); err != nil {
						return rest.Answer{}, err
					}
					return rest.Answer{}, s.engine.OnCall.RevokeFeed(c.Request.Context(), c.Actor(), of.kind, c.ID())
				}})
	}
	return out
}

// ownFeed refuses the feed of another user to all but admins.
func ownFeed(c *rest.Call) error {
	if c.Who.IsAdmin() || c.ID() == c.Who.User {
		return nil
	}
	return rest.Refuse(http.StatusForbidden, "only an admin sees the feed of another user")
}
