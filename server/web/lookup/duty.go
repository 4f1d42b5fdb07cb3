package lookup

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/oncall"
)

// DutyOf is who is on duty for a subject now, by its rotas or the default one.
func (w *Lookup) DutyOf(a *engine.Alerting, duty []oncall.OnCall, rotas map[string]oncall.RotaView, site *engine.Settings) []string {
	ids := a.Rotas
	if len(ids) == 0 && site.DefaultRota != "" {
		ids = []string{site.DefaultRota}
	}
	var out []string
	for _, one := range duty {
		if slices.Contains(ids, one.Rota) && (!one.Fallback || rotas[one.Rota].FallbackUser == one.User) {
			out = append(out, one.User)
		}
	}
	if len(out) == 0 && site.FallbackUser != "" {
		out = []string{site.FallbackUser}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// RotasByID are all rotas by their ids.
func (w *Lookup) RotasByID() map[string]oncall.RotaView {
	out := map[string]oncall.RotaView{}
	for _, r := range w.Engine.OnCall.Rotas() {
		out[r.ID] = r
	}
	return out
}
