package web

import (
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// TestBuiltInService has a rota on which nobody is on duty for a week: the monitor's own
// service fails for it, and its page and the dashboard say so. It names nobody
// and no plugin, and its page says whom it tells all the same.
func TestBuiltInService(t *testing.T) {
	h := peopled(t)
	own := engine.NewService()
	own.ID, own.Name = engine.BuiltInService, "Moonwatch"
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), own); err != nil {
		t.Fatal(err)
	}
	const page = "/services/" + engine.BuiltInService
	h.get(access.Viewer, page).want(t, 200, "all admins, as nobody is chosen", "the-admin", "No alert plugin is chosen").without(t, "What the monitor cannot do", "the-viewer</dd>")

	shop := engine.NewService()
	shop.Name, shop.Alerts = "Shop", []engine.AlertChoice{{Plugin: "pager", Settings: form.Values{"room": "1", "code": "2"}}}
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), shop); err != nil {
		t.Fatal(err)
	}
	h.get(access.Viewer, page).want(t, 200, "all that are in use, as none is chosen", `href="/plugins/pager"`).without(t, "No alert plugin is chosen")

	r := engine.NewRota()
	r.Name, r.Rotation = "Nights", &engine.RotaRotation{Members: []string{h.users[access.Admin].ID}, Every: "1w", Starts: time.Now().UTC().AddDate(0, 0, 7).Format("2006-01-02T15:04")}
	saved, err := h.engine.Rotas.SaveRota(t.Context(), testAdmin(), r)
	if err != nil {
		t.Fatal(err)
	}
	h.until("the built-in service fails", func() bool {
		v, err := h.engine.Targets.Service(engine.BuiltInService)
		return err == nil && v.OverallStatus == engine.StatusWarning
	})
	why := saved.ID + `">Rota Nights</a>`
	h.get(access.Viewer, page).want(t, 200, "What the monitor cannot do", `href="/rotas/`+why, "nobody is on duty")
	h.get(access.Viewer, "/").want(t, 200, `href="/rotas/`+why, "nobody is on duty")
}
