package records

import (
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Pages are the pages of what was: the report, the audit log and revisions.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs.
func (w *Pages) Routes(get, post frame.Registering) {
	get("/report", w.Need(access.Viewer, w.report))
	get("/audit", w.Need(access.Admin, w.audit))
	get("/revisions/{kind}/{id}", w.Need(access.Viewer, w.revisionsPage))
	post("/revisions/{kind}/{id}/{n}/revert", w.Need(access.Viewer, w.revert))
}
