package lookup

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/server/web/frame"
)

// Seen is a delivery as the caller sees it.
func (w *Lookup) Seen(q *frame.Request, d engine.Delivery) engine.Delivery {
	if q.User.Role.Can(access.Admin) {
		return d
	}
	return w.Engine.Incidents.Discreet(d, q.User.ID)
}

// DeliveriesSeen are deliveries as the caller sees them, the newest first.
func (w *Lookup) DeliveriesSeen(q *frame.Request, by alert.DeliveryQuery) ([]engine.Delivery, error) {
	out, err := w.Engine.Incidents.Deliveries(q.Context(), by)
	for i := range out {
		out[i] = w.Seen(q, out[i])
	}
	return out, err
}

// SilencesOn are the silences that hold now over something with these tags.
func (w *Lookup) SilencesOn(kind engine.Kind, id string, tags []string) []edit.SilenceView {
	var out []edit.SilenceView
	for _, s := range w.Engine.Silences.Silences() {
		ids := map[engine.Kind][]string{engine.KindService: s.Services, engine.KindInstance: s.Instances, engine.KindCheck: s.Checks}[kind]
		tagged := slices.ContainsFunc(s.Tags, func(t string) bool { return slices.Contains(tags, t) })
		if s.Active && (tagged || slices.Contains(ids, id)) {
			out = append(out, s)
		}
	}
	return out
}
