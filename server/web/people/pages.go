package people

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/rotas"
)

// Pages are the pages of users, their tokens, and who of them is told of what.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs. Who may see or change
// whom is decided by the handlers.
func (w *Pages) Routes(get, post frame.Registering) {
	get("/profile", w.Need(access.Viewer, w.profile))
	post("/users/{id}/sessions", w.Need(access.Viewer, w.endSession))
	post("/users/{id}/feed", w.Need(access.Viewer, rotas.FeedOf(w.Frame, engine.KindUser, false, mayEditFeed)))
	post("/users/{id}/feed/revoke", w.Need(access.Viewer, rotas.FeedOf(w.Frame, engine.KindUser, true, mayEditFeed)))
	get("/users", w.Need(access.Admin, w.users))
	get("/users/new", w.Need(access.Admin, w.newUserForm))
	post("/users/new", w.Need(access.Admin, w.saveNewUser))
	get("/users/{id}", w.Need(access.Viewer, w.userPage))
	post("/users/{id}", w.Need(access.Viewer, w.saveOldUser))
	get("/users/{id}/alerts/{slug}", w.Need(access.Viewer, w.userAlertPage))
	post("/users/{id}/alerts/{slug}", w.Need(access.Viewer, w.saveUserAlert))
	get("/users/{id}/delete", w.Need(access.Admin, w.deleteUserPage))
	post("/users/{id}/delete", w.Need(access.Admin, w.deleteUser))
	get("/tokens", w.Need(access.Viewer, w.tokens))
	post("/tokens", w.Need(access.Viewer, w.makeToken))
	post("/tokens/{id}/delete", w.Need(access.Viewer, w.deleteToken))
	get("/subscriptions", w.Need(access.Viewer, w.subscriptions))
	post("/subscriptions", w.Need(access.Editor, w.saveSubscriptions))
}
