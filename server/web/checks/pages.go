package checks

import (
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Pages are the pages of checks.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs.
func (w *Pages) Routes(get, post frame.Registering) {
	get("/checks", w.Need(access.Viewer, w.checks))
	get("/checks/new", w.Need(access.Editor, w.newCheck))
	post("/checks/new", w.Need(access.Editor, w.saveNewCheck))
	get("/checks/{id}", w.Need(access.Viewer, w.checkPage))
	get("/checks/{id}/edit", w.Need(access.Editor, w.checkEditForm))
	post("/checks/{id}/edit", w.Need(access.Editor, w.saveOldCheck))
	get("/checks/{id}/duplicate", w.Need(access.Editor, w.duplicateCheck))
	get("/checks/{id}/delete", w.Need(access.Editor, w.deleteCheckPage))
	post("/checks/{id}/delete", w.Need(access.Editor, w.deleteCheck))
	post("/checks/{id}/run", w.Need(access.Operator, w.runCheck))
	post("/checks/{id}/link", w.Need(access.Editor, w.linkCheck))
	get("/checks/{id}/results/{seq}", w.Need(access.Viewer, w.resultPage))
}
