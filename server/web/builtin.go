package web

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/edit"
	"moonwatch/server/web/frame"
)

// The built-in service fails for more than its own checks, and tells more than
// those named on it; its pages show both.

// ownTroubles are what the built-in service fails for beside the checks linked
// to it: checks that have been unknown for so long that it counts, and rotas
// with problems. A check that failed before it became unknown is among them too.
func (w *lookup) ownTroubles(checks []edit.CheckView, linked []string) []frame.CheckLine {
	var out []frame.CheckLine
	for i := range checks {
		c := &checks[i]
		if c.Active && c.Status == engine.CheckUnknown && c.Severity != "" && !slices.Contains(linked, c.ID) {
			out = append(out, frame.LineOf(c))
		}
	}
	for _, r := range w.Engine.OnCall.Rotas() {
		if len(r.Problems) > 0 {
			out = append(out, frame.CheckLine{
				ID:     r.ID,
				Name:   "Rota " + r.Name,
				Page:   "/rotas/" + r.ID,
				Status: frame.Standing(engine.StatusWarning),
				Error:  r.Problems[0].Message,
				Active: true,
			})
		}
	}
	for _, entry := range w.Engine.Plugins.Plugins() {
		if c := w.Engine.Incidents.Channel(entry.Slug); c.Unsent != nil {
			out = append(out, frame.CheckLine{
				ID:     entry.Slug,
				Name:   "Alerts through " + frame.CardOf(entry.Slug, entry, true).Name,
				Page:   "/plugins/" + entry.Slug,
				Status: frame.Standing(engine.StatusWarning),
				Error:  c.Unsent.Why,
				Active: true,
			})
		}
	}
	return out
}

// builtInCircle fills in whom and through what the built-in service tells where
// it names nobody or nothing: all admins, through every plugin that a service or
// instance alerts through.
func (v *subjectPage) builtInCircle(w *subjectPages) {
	if len(v.Told) == 0 {
		v.AllAdmins = true
		for _, u := range w.Engine.Users.Users() {
			if u.Active && u.Role == access.Admin {
				v.Told = append(v.Told, personLine{u.ID, u.Username, true})
			}
		}
	}
	if len(v.Alerts) > 0 {
		return
	}
	for _, s := range slices.Concat(w.subjects(engine.KindService), w.subjects(engine.KindInstance)) {
		for _, a := range s.Alerting.Alerts {
			if !slices.ContainsFunc(v.Through, func(p frame.PluginCard) bool { return p.Slug == a.Plugin }) {
				v.Through = append(v.Through, w.Card(a.Plugin))
			}
		}
	}
	slices.SortFunc(v.Through, func(a, b frame.PluginCard) int { return strings.Compare(a.Slug, b.Slug) })
}
