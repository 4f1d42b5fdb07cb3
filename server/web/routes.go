package web

import (
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/engine/access"
	"moonwatch/server/web/alerting"
	"moonwatch/server/web/checks"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/people"
	"moonwatch/server/web/records"
	"moonwatch/server/web/rotas"
	"moonwatch/server/web/subjects"
)

// Register adds the pages and their assets to a router. Nothing is posted below
// /plugins/SLUG/: those addresses belong to plugins.
func (w *Web) Register(r *mux.Router) {
	r.PathPrefix(frame.AssetsPath).Methods(http.MethodGet, http.MethodHead).Handler(w.Assets)
	r.HandleFunc("/favicon.ico", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/moon/0.svg", http.StatusFound)
	}).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/moon/{phase}.svg", func(rw http.ResponseWriter, r *http.Request) {
		w.ServeMoon(rw, mux.Vars(r)["phase"])
	}).Methods(http.MethodGet, http.MethodHead)
	get := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	post := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodPost) }

	post("/theme", w.Open(w.ChooseTheme))

	find := lookup.New(w.Frame)
	for _, area := range []interface {
		Routes(get, post frame.Registering)
	}{
		&sessionPages{w.Frame}, &dashboardPages{find}, checks.New(find), subjects.New(find),
		people.New(find), alerting.New(find), rotas.New(find), records.New(find), w.plugins, &settingsPages{find},
	} {
		area.Routes(get, post)
	}
}

func (w *sessionPages) Routes(get, post frame.Registering) {
	get("/login", w.Open(w.loginPage))
	post("/login", w.Open(w.login))
	post("/logout", w.Open(w.logout))
	get("/setup", w.Open(w.setUpPage))
	post("/setup", w.Open(w.setUp))
}

func (w *settingsPages) Routes(get, post frame.Registering) {
	get("/settings", w.Need(access.Admin, w.settings))
	post("/settings", w.Need(access.Admin, w.saveSettings))
}
