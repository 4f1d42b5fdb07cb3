package frame

import (
	"net/url"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Revisable are the kinds that have such a page, with the role that may bring a
// revision back. Users are for themselves and admins.
func Revisable() map[engine.Kind]access.Role {
	return map[engine.Kind]access.Role{engine.KindService: access.Editor, engine.KindInstance: access.Editor, engine.KindCheck: access.Editor,
		engine.KindRota: access.Editor, engine.KindSilence: access.Operator, engine.KindUser: access.Viewer, engine.KindSettings: access.Admin, engine.KindPluginSettings: access.Admin}
}

// Deleted leads to the list that an object was deleted from, where the way back
// is offered.
func (q *Request) Deleted(kind engine.Kind) error {
	return q.Redirect("/" + string(kind) + "s?done=deleted&was=" + url.QueryEscape(string(kind)+"/"+q.Id()))
}

// undo is the history of what was just deleted, for those who may bring it back.
func (q *Request) undo() string {
	kind, id, _ := strings.Cut(q.URL.Query().Get("was"), "/")
	role, known := Revisable()[engine.Kind(kind)]
	if !known || id == "" || !q.User.Role.Can(role) {
		return ""
	}
	return "/revisions/" + kind + "/" + url.PathEscape(id)
}
