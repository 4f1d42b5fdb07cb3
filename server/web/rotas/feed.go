package rotas

import (
	"net/url"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
)

// FeedPart is an address under which others read shifts as a calendar.
type FeedPart struct {
	URL  string // "" when there is none, or the caller may not know it
	Path string // where it is made and revoked
	What string
}

// FeedOf makes (or with revoke takes away) the address of a feed. May decides
// whether the caller may.
func FeedOf(w *frame.Frame, kind engine.Kind, revoke bool, may func(q *frame.Request) error) frame.Handler {
	return func(q *frame.Request) error {
		if err := may(q); err != nil {
			return err
		}
		act, done := w.Engine.OnCall.NewFeed, "feed"
		if revoke {
			act, done = w.Engine.OnCall.RevokeFeed, "feed-revoked"
		}
		if err := act(q.Context(), q.By(), kind, q.ID()); err != nil {
			return err
		}
		return q.Redirect("/" + string(kind) + "s/" + url.PathEscape(q.ID()) + "?done=" + done + "#feed")
	}
}
