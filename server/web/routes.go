package web

import (
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Register adds the pages and their assets to a router. Nothing is posted below
// /plugins/SLUG/: those addresses belong to plugins.
func (w *Web) Register(r *mux.Router) {
	r.PathPrefix(frame.AssetsPath).Methods(http.MethodGet, http.MethodHead).Handler(w.Assets)
	r.HandleFunc("/favicon.ico", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.Assets.URL("favicon.svg"), http.StatusFound)
	}).Methods(http.MethodGet, http.MethodHead)
	get := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	post := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodPost) }

	find := lookup.New(w.Frame)
	for _, area := range []interface {
		Routes(get, post frame.Registering)
	}{
		&sessionPages{w.Frame}, &dashboardPages{find}, &checkPages{find}, &subjectPages{find},
		&userPages{find}, &silencePages{find}, &rotaPages{find}, &historyPages{find}, &incidentPages{find}, w.plugins, &settingsPages{find},
	} {
		area.Routes(get, post)
	}
}

func (w *checkPages) Routes(get, post frame.Registering) {
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

func (w *subjectPages) Routes(get, post frame.Registering) {
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		base := "/" + string(kind) + "s"
		get(base, w.Need(access.Viewer, w.subjectsPage(kind)))
		get(base+"/new", w.Need(access.Editor, w.newSubjectForm(kind)))
		post(base+"/new", w.Need(access.Editor, w.saveNewSubject(kind)))
		get(base+"/{id}", w.Need(access.Viewer, w.subjectPage(kind)))
		get(base+"/{id}/edit", w.Need(access.Editor, w.subjectEditForm(kind)))
		post(base+"/{id}/edit", w.Need(access.Editor, w.saveOldSubject(kind)))
		get(base+"/{id}/duplicate", w.Need(access.Editor, w.duplicateSubject(kind)))
		get(base+"/{id}/delete", w.Need(access.Editor, w.deleteSubjectPage(kind)))
		post(base+"/{id}/delete", w.Need(access.Editor, w.deleteSubject(kind)))
		post(base+"/{id}/run", w.Need(access.Operator, w.runSubject(kind)))
		post(base+"/{id}/acknowledge", w.Need(access.Operator, w.acknowledge(kind)))
		post(base+"/{id}/unacknowledge", w.Need(access.Operator, w.unacknowledge(kind)))
		post(base+"/{id}/test-alert", w.Need(access.Operator, w.testAlert(kind)))
	}
}

func (w *silencePages) Routes(get, post frame.Registering) {
	get("/silences", w.Need(access.Viewer, w.silences))
	get("/silences/new", w.Need(access.Operator, w.newSilenceForm))
	post("/silences/new", w.Need(access.Operator, w.saveNewSilence))
	post("/silences/quick", w.Need(access.Operator, w.quickSilence))
	get("/silences/{id}", w.Need(access.Viewer, w.silencePage))
	get("/silences/{id}/edit", w.Need(access.Operator, w.silenceEditForm))
	post("/silences/{id}/edit", w.Need(access.Operator, w.saveOldSilence))
	post("/silences/{id}/end", w.Need(access.Operator, w.endSilence))
	get("/silences/{id}/delete", w.Need(access.Operator, w.deleteSilencePage))
	post("/silences/{id}/delete", w.Need(access.Operator, w.deleteSilence))
}

func (w *rotaPages) Routes(get, post frame.Registering) {
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
	post("/rotas/{id}/feed", w.Need(access.Editor, feedOf(w.Lookup, engine.KindRota, false, anybody)))
	post("/rotas/{id}/feed/revoke", w.Need(access.Editor, feedOf(w.Lookup, engine.KindRota, true, anybody)))
	get("/rotas/{id}/delete", w.Need(access.Editor, w.deleteRotaPage))
	post("/rotas/{id}/delete", w.Need(access.Editor, w.deleteRota))
	get("/subscriptions", w.Need(access.Viewer, w.subscriptions))
	post("/subscriptions", w.Need(access.Editor, w.saveSubscriptions))
}

func (w *historyPages) Routes(get, post frame.Registering) {
	get("/report", w.Need(access.Viewer, w.report))
	get("/audit", w.Need(access.Admin, w.audit))
	get("/revisions/{kind}/{id}", w.Need(access.Viewer, w.revisionsPage))
	post("/revisions/{kind}/{id}/{n}/revert", w.Need(access.Viewer, w.revert))
}

// Routes of users: who may see or change whom is decided by the handlers.
func (w *userPages) Routes(get, post frame.Registering) {
	get("/profile", w.Need(access.Viewer, w.profile))
	post("/users/{id}/sessions", w.Need(access.Viewer, w.endSession))
	post("/users/{id}/feed", w.Need(access.Viewer, feedOf(w.Lookup, engine.KindUser, false, mayEditFeed)))
	post("/users/{id}/feed/revoke", w.Need(access.Viewer, feedOf(w.Lookup, engine.KindUser, true, mayEditFeed)))
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
}

func (w *sessionPages) Routes(get, post frame.Registering) {
	get("/login", w.Open(w.loginPage))
	post("/login", w.Open(w.login))
	post("/logout", w.Open(w.logout))
	get("/setup", w.Open(w.setUpPage))
	post("/setup", w.Open(w.setUp))
}

func (w *dashboardPages) Routes(get, _ frame.Registering) {
	get("/", w.Need(access.Viewer, w.dashboard))
}

func (w *incidentPages) Routes(get, post frame.Registering) {
	get("/incidents", w.Need(access.Viewer, w.incidents))
	get("/incidents/{id}", w.Need(access.Viewer, w.incident))
	get("/incidents/{id}/why", w.Need(access.Viewer, w.why))
	post("/incidents/{id}/notes", w.Need(access.Operator, w.addNote))
	get("/deliveries", w.Need(access.Viewer, w.deliveries))
	get("/deliveries/{id}", w.Need(access.Viewer, w.delivery))
	post("/deliveries/{id}/retry", w.Need(access.Operator, w.retryDelivery))
}

func (w *settingsPages) Routes(get, post frame.Registering) {
	get("/settings", w.Need(access.Admin, w.settings))
	post("/settings", w.Need(access.Admin, w.saveSettings))
}
