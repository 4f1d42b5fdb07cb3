package server

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// costly are the fields of a check that BareChecks leaves out.
var costly = []string{"next_run", "ping_url", "suspended", "services", "instances"} // read only

// checks are the routes of checks.
type checks struct {
	engine *engine.Engine
}

func (s *checks) routes(known shapes) []*route {
	text := scalar(textShape)
	k := &collection[engine.Check, engine.CheckView]{
		kind: engine.KindCheck, plural: "checks", one: "a check", read: access.Viewer, write: access.Editor,
		required: []string{"name", "plugin"}, order: "name",
		note: "config holds the fields of the plugin's config_form. Secrets written as \"\" or {\"set\": true}, or left out, stay; null clears them.",
		extra: []param{{"service", text, "only checks of this service"},
			{"instance", text, "only checks of this instance"}},
		fresh: engine.NewCheck,
		get: func(c *call, id string) (engine.CheckView, error) {
			v, err := s.engine.Check(id)
			return viewCheck(v, c.who.Role), err
		},
		all: s.allChecks,
		fill: func(c *call, v engine.CheckView) engine.CheckView {
			if full, err := s.engine.Check(v.ID); err == nil { // else it was deleted just now
				return viewCheck(full, c.who.Role)
			}
			v.Config, v.Services, v.InstanceIDs = form.Values{}, []string{}, []string{}
			return v
		},
		stored: func(c *call, id string) (engine.Check, uint64, error) {
			stored, err := s.engine.StoredCheck(id)
			return stored, stored.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Check) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.SaveCheck(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return s.engine.DeleteCheck(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.CheckView) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(known), revisionRoutes(known, s.engine, k, revertCheck)...)
}

// allChecks are the candidates of a list, without what costs time unless the
// client asks for it.
func (s *checks) allChecks(c *call) ([]engine.CheckView, error) {
	order := c.query.Get("ordering")
	full := slices.Contains(costly, order) || len(order) > 0 && slices.Contains(costly, order[1:])
	for _, name := range costly {
		full = full || c.query.Has(name)
	}
	var all []engine.CheckView
	if full {
		all = s.engine.Checks()
		for i := range all {
			all[i] = viewCheck(all[i], c.who.Role)
		}
	} else {
		all = s.engine.BareChecks()
	}
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if !c.query.Has(string(kind)) {
			continue
		}
		linked := map[string]bool{}
		for _, id := range c.query[string(kind)] {
			for _, check := range checksOf(s.engine, engine.Ref{Kind: kind, ID: id}) {
				linked[check] = true
			}
		}
		all = slices.DeleteFunc(all, func(v engine.CheckView) bool { return !linked[v.ID] })
	}
	return all, nil
}

// viewCheck is a check as a role sees it: who knows its ping URL can send pings.
func viewCheck(v engine.CheckView, role access.Role) engine.CheckView {
	if !role.Can(access.Editor) {
		v.PingURL = ""
	}
	return v
}

// checksOf are the ids of the checks of a subject; none when it is not there.
func checksOf(e *engine.Engine, ref engine.Ref) []string {
	if ref.Kind == engine.KindService {
		s, _ := e.StoredService(ref.ID)
		return s.StatusChecks
	}
	i, _ := e.StoredInstance(ref.ID)
	return i.StatusChecks
}

// revertCheck turns an old revision into what a client would send to get it back.
func revertCheck(e *engine.Engine, old *engine.Check) {
	old.Config = e.Public(old.Plugin, engine.ConfigForm, old.Config)
}
