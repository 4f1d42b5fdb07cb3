package frame

import (
	"net/url"
	"strings"

	"moonwatch/engine"
	"moonwatch/server/revision"
)

// Deleted leads to the list that an object was deleted from, where the way back
// is offered.
func (q *Request) Deleted(kind engine.Kind) error {
	return q.Redirect("/" + string(kind) + "s?done=deleted&was=" + url.QueryEscape(string(kind)+"/"+q.ID()))
}

// undo is the history of what was just deleted, for those who may bring it back.
func (q *Request) undo() string {
	kind, id, _ := strings.Cut(q.URL.Query().Get("was"), "/")
	of, known := revision.Of(engine.Kind(kind))
	if !known || id == "" || !q.User.Role.Can(of.Role) {
		return ""
	}
	return "/revisions/" + kind + "/" + url.PathEscape(id)
}
