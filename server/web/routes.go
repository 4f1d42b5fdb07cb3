package web

import (
	"net/http"

	"github.com/gorilla/mux"

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

	get("/login", w.open(w.loginPage))
	post("/login", w.open(w.login))
	post("/logout", w.open(w.logout))
	get("/setup", w.open(w.setUpPage))
	post("/setup", w.open(w.setUp))

	get("/", w.need(access.Viewer, w.dashboard))
	w.checkRoutes(get, post)
}

type registering func(path string, h http.HandlerFunc)

func (w *Web) checkRoutes(get, post registering) {
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
