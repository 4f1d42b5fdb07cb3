package web

import (
	"net/url"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// revisable are the kinds that have such a page, with the role that may bring a
// revision back. Users are for themselves and admins.
func revisable() map[engine.Kind]access.Role {
	return map[engine.Kind]access.Role{engine.KindService: access.Editor, engine.KindInstance: access.Editor, engine.KindCheck: access.Editor,
		engine.KindRota: access.Editor, engine.KindSilence: access.Operator, engine.KindUser: access.Viewer, engine.KindSettings: access.Admin, engine.KindPluginSettings: access.Admin}
}

// deleted leads to the list that an object was deleted from, where the way back
// is offered.
func (q *request) deleted(kind engine.Kind) error {
	return q.redirect("/" + string(kind) + "s?done=deleted&was=" + url.QueryEscape(string(kind)+"/"+q.id()))
}

// undo is the history of what was just deleted, for those who may bring it back.
func (q *request) undo() string {
	kind, id, _ := strings.Cut(q.URL.Query().Get("was"), "/")
	role, known := revisable()[engine.Kind(kind)]
	if !known || id == "" || !q.user.Role.Can(role) {
		return ""
	}
	return "/revisions/" + kind + "/" + url.PathEscape(id)
}
