package rotas

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Pages are the pages of rotas and of who is on duty.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs.
func (w *Pages) Routes(get, post frame.Registering) {
	anybody := func(*frame.Request) error { return nil }
	get("/rotas", w.Need(access.Viewer, w.onCall))
	get("/oncall", w.Need(access.Viewer, func(q *frame.Request) error { return q.Redirect("/rotas") }))
	get("/rotas/new", w.Need(access.Editor, w.newRotaForm))
	post("/rotas/new", w.Need(access.Editor, w.saveNewRota))
	get("/rotas/{id}", w.Need(access.Viewer, w.rotaPage))
	get("/rotas/{id}/edit", w.Need(access.Editor, w.rotaEditForm))
	post("/rotas/{id}/edit", w.Need(access.Editor, w.saveOldRota))
	post("/rotas/{id}/swap", w.Need(access.Operator, w.swapShift))
	post("/rotas/{id}/refresh", w.Need(access.Operator, w.refreshRota))
	post("/rotas/{id}/feed", w.Need(access.Editor, FeedOf(w.Frame, engine.KindRota, false, anybody)))
	post("/rotas/{id}/feed/revoke", w.Need(access.Editor, FeedOf(w.Frame, engine.KindRota, true, anybody)))
	get("/rotas/{id}/delete", w.Need(access.Editor, w.deleteRotaPage))
	post("/rotas/{id}/delete", w.Need(access.Editor, w.deleteRota))
}
