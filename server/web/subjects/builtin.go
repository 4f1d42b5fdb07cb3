package subjects

import (
	"slices"
	"strings"

	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
)

// The built-in service fails for more than its own checks, and tells more than
// those named on it; its pages show both.

// builtInCircle fills in whom and through what the built-in service tells where
// it names nobody or nothing: all admins, through every plugin that a service or
// instance alerts through.
func (v *subjectPage) builtInCircle(w *Pages) {
	if len(v.Notified) == 0 {
		v.AllAdmins = true
		for _, u := range w.Engine.Users.Users() {
			if u.Active && u.Role == access.Admin {
				v.Notified = append(v.Notified, personLine{u.ID, u.Username, true})
			}
		}
	}
	if len(v.Alerts) > 0 {
		return
	}
	for _, s := range w.EverySubject() {
		for _, a := range s.Alerting.Alerts {
			if !slices.ContainsFunc(v.Through, func(p frame.PluginCard) bool { return p.Slug == a.Plugin }) {
				v.Through = append(v.Through, w.Card(a.Plugin))
			}
		}
	}
	slices.SortFunc(v.Through, func(a, b frame.PluginCard) int { return strings.Compare(a.Slug, b.Slug) })
}
