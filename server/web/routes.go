package web

import (
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Register adds the pages and their assets to a router. Nothing is posted below
// /plugins/SLUG/: those addresses belong to plugins.
func (w *Web) Register(r *mux.Router) {
	r.PathPrefix(assetsPath).Methods(http.MethodGet, http.MethodHead).Handler(w.assets)
	r.HandleFunc("/favicon.ico", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.assets.url("favicon.svg"), http.StatusFound)
	}).Methods(http.MethodGet, http.MethodHead)
	get := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	post := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodPost) }

	find := &lookup{w.frame}
	for _, area := range []interface{ routes(get, post registering) }{
		&sessionPages{w.frame}, &dashboardPages{find}, &checkPages{find}, &subjectPages{find},
		&userPages{find}, &silencePages{find}, &rotaPages{find}, &historyPages{find}, &incidentPages{find}, w.plugins, &settingsPages{find},
	} {
		area.routes(get, post)
	}
}

func (w *checkPages) routes(get, post registering) {
	get("/checks", w.need(access.Viewer, w.checks))
	get("/checks/new", w.need(access.Editor, w.newCheck))
	post("/checks/new", w.need(access.Editor, w.saveNewCheck))
	get("/checks/{id}", w.need(access.Viewer, w.checkPage))
	get("/checks/{id}/edit", w.need(access.Editor, w.checkEditForm))
	post("/checks/{id}/edit", w.need(access.Editor, w.saveOldCheck))
	get("/checks/{id}/duplicate", w.need(access.Editor, w.duplicateCheck))
	get("/checks/{id}/delete", w.need(access.Editor, w.deleteCheckPage))
	post("/checks/{id}/delete", w.need(access.Editor, w.deleteCheck))
	post("/checks/{id}/run", w.need(access.Operator, w.runCheck))
	post("/checks/{id}/link", w.need(access.Editor, w.linkCheck))
	get("/checks/{id}/results/{seq}", w.need(access.Viewer, w.resultPage))
}

func (w *subjectPages) routes(get, post registering) {
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		base := "/" + string(kind) + "s"
		get(base, w.need(access.Viewer, w.subjectsPage(kind)))
		get(base+"/new", w.need(access.Editor, w.newSubjectForm(kind)))
		post(base+"/new", w.need(access.Editor, w.saveNewSubject(kind)))
		get(base+"/{id}", w.need(access.Viewer, w.subjectPage(kind)))
		get(base+"/{id}/edit", w.need(access.Editor, w.subjectEditForm(kind)))
		post(base+"/{id}/edit", w.need(access.Editor, w.saveOldSubject(kind)))
		get(base+"/{id}/duplicate", w.need(access.Editor, w.duplicateSubject(kind)))
		get(base+"/{id}/delete", w.need(access.Editor, w.deleteSubjectPage(kind)))
		post(base+"/{id}/delete", w.need(access.Editor, w.deleteSubject(kind)))
		post(base+"/{id}/run", w.need(access.Operator, w.runSubject(kind)))
		post(base+"/{id}/acknowledge", w.need(access.Operator, w.acknowledge(kind)))
		post(base+"/{id}/unacknowledge", w.need(access.Operator, w.unacknowledge(kind)))
		post(base+"/{id}/test-alert", w.need(access.Operator, w.testAlert(kind)))
	}
}

func (w *silencePages) routes(get, post registering) {
	get("/silences", w.need(access.Viewer, w.silences))
	get("/silences/new", w.need(access.Operator, w.newSilenceForm))
	post("/silences/new", w.need(access.Operator, w.saveNewSilence))
	post("/silences/quick", w.need(access.Operator, w.quickSilence))
	get("/silences/{id}", w.need(access.Viewer, w.silencePage))
	get("/silences/{id}/edit", w.need(access.Operator, w.silenceEditForm))
	post("/silences/{id}/edit", w.need(access.Operator, w.saveOldSilence))
	post("/silences/{id}/end", w.need(access.Operator, w.endSilence))
	get("/silences/{id}/delete", w.need(access.Operator, w.deleteSilencePage))
	post("/silences/{id}/delete", w.need(access.Operator, w.deleteSilence))
}

func (w *rotaPages) routes(get, post registering) {
	anybody := func(*request) error { return nil }
	get("/rotas", w.need(access.Viewer, w.onCall))
	get("/oncall", w.need(access.Viewer, func(q *request) error { return q.redirect("/rotas") }))
	get("/rotas/new", w.need(access.Editor, w.newRotaForm))
	post("/rotas/new", w.need(access.Editor, w.saveNewRota))
	get("/rotas/{id}", w.need(access.Viewer, w.rotaPage))
	get("/rotas/{id}/edit", w.need(access.Editor, w.rotaEditForm))
	post("/rotas/{id}/edit", w.need(access.Editor, w.saveOldRota))
	post("/rotas/{id}/swap", w.need(access.Operator, w.swapShift))
	post("/rotas/{id}/refresh", w.need(access.Operator, w.refreshRota))
	post("/rotas/{id}/feed", w.need(access.Editor, w.feedOf(engine.KindRota, false, anybody)))
	post("/rotas/{id}/feed/revoke", w.need(access.Editor, w.feedOf(engine.KindRota, true, anybody)))
	get("/rotas/{id}/delete", w.need(access.Editor, w.deleteRotaPage))
	post("/rotas/{id}/delete", w.need(access.Editor, w.deleteRota))
	get("/subscriptions", w.need(access.Viewer, w.subscriptions))
	post("/subscriptions", w.need(access.Editor, w.saveSubscriptions))
}

func (w *historyPages) routes(get, post registering) {
	get("/report", w.need(access.Viewer, w.report))
	get("/audit", w.need(access.Admin, w.audit))
	get("/revisions/{kind}/{id}", w.need(access.Viewer, w.revisionsPage))
	post("/revisions/{kind}/{id}/{n}/revert", w.need(access.Viewer, w.revert))
}

// routes of users: who may see or change whom is decided by the handlers.
func (w *userPages) routes(get, post registering) {
	get("/profile", w.need(access.Viewer, w.profile))
	post("/users/{id}/sessions", w.need(access.Viewer, w.endSession))
	post("/users/{id}/feed", w.need(access.Viewer, w.feedOf(engine.KindUser, false, mayEditFeed)))
	post("/users/{id}/feed/revoke", w.need(access.Viewer, w.feedOf(engine.KindUser, true, mayEditFeed)))
	get("/users", w.need(access.Admin, w.users))
	get("/users/new", w.need(access.Admin, w.newUserForm))
	post("/users/new", w.need(access.Admin, w.saveNewUser))
	get("/users/{id}", w.need(access.Viewer, w.userPage))
	post("/users/{id}", w.need(access.Viewer, w.saveOldUser))
	get("/users/{id}/alerts/{slug}", w.need(access.Viewer, w.userAlertPage))
	post("/users/{id}/alerts/{slug}", w.need(access.Viewer, w.saveUserAlert))
	get("/users/{id}/delete", w.need(access.Admin, w.deleteUserPage))
	post("/users/{id}/delete", w.need(access.Admin, w.deleteUser))
	get("/tokens", w.need(access.Viewer, w.tokens))
	post("/tokens", w.need(access.Viewer, w.makeToken))
	post("/tokens/{id}/delete", w.need(access.Viewer, w.deleteToken))
}

func (w *sessionPages) routes(get, post registering) {
	get("/login", w.open(w.loginPage))
	post("/login", w.open(w.login))
	post("/logout", w.open(w.logout))
	get("/setup", w.open(w.setUpPage))
	post("/setup", w.open(w.setUp))
}

func (w *dashboardPages) routes(get, _ registering) {
	get("/", w.need(access.Viewer, w.dashboard))
}

func (w *incidentPages) routes(get, post registering) {
	get("/incidents", w.need(access.Viewer, w.incidents))
	get("/incidents/{id}", w.need(access.Viewer, w.incident))
	get("/incidents/{id}/why", w.need(access.Viewer, w.why))
	post("/incidents/{id}/notes", w.need(access.Operator, w.addNote))
	get("/deliveries", w.need(access.Viewer, w.deliveries))
	get("/deliveries/{id}", w.need(access.Viewer, w.delivery))
	post("/deliveries/{id}/retry", w.need(access.Operator, w.retryDelivery))
}

func (w *settingsPages) routes(get, post registering) {
	get("/settings", w.need(access.Admin, w.settings))
	post("/settings", w.need(access.Admin, w.saveSettings))
}
