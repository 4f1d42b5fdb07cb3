package api

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// costly are the fields of a check that BareChecks leaves out.
var costly = []string{"next_run", "ping_url", "suspended", "services", "instances"} // read only

// checks are the routes of checks.
type checks struct {
	engine *monitor.Monitor
}

func (s *checks) routes(known rest.Shapes) []*rest.Route {
	text := rest.Scalar(rest.TextShape)
	k := &rest.Collection[engine.Check, edit.CheckView]{
		Kind: engine.KindCheck, Plural: "checks", One: "a check", Read: access.Viewer, Write: access.Editor,
		Required: []string{"name", "plugin"}, Order: "name",
		Note: "config holds the fields of the plugin's config_form. Secrets written as \"\" or {\"set\": true}, or left out, stay; null clears them.",
		Extra: []rest.Param{rest.NewParam("service", text, "only checks of this service"),
			rest.NewParam("instance", text, "only checks of this instance")},
		Fresh: engine.NewCheck,
		Get: func(c *rest.Call, id string) (edit.CheckView, error) {
			v, err := s.engine.Checks.Check(id)
			return viewCheck(v, c.Who.Role), err
		},
		All: s.allChecks,
		Fill: func(c *rest.Call, v edit.CheckView) edit.CheckView {
			if full, err := s.engine.Checks.Check(v.ID); err == nil { // else it was deleted just now
				return viewCheck(full, c.Who.Role)
			}
			v.Config, v.Services, v.InstanceIDs = form.Values{}, []string{}, []string{}
			return v
		},
		Stored: func(c *rest.Call, id string) (engine.Check, uint64, error) {
			stored, err := s.engine.Checks.StoredCheck(id)
			return stored, stored.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Check) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.Checks.SaveCheck(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Validate: func(c *rest.Call, id string, revision uint64, in engine.Check) error {
			in.ID, in.Revision = id, revision
			return s.engine.Checks.ValidateCheck(c.Request.Context(), c.Actor(), in)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Checks.DeleteCheck(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *edit.CheckView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, decodeAs[engine.Check](s.engine, k.Kind))...)
}

// allChecks are the candidates of a list, without what costs time unless the
// client asks for it.
func (s *checks) allChecks(c *rest.Call) ([]edit.CheckView, error) {
	order := c.Query.Get("ordering")
	full := slices.Contains(costly, order) || len(order) > 0 && slices.Contains(costly, order[1:])
	for _, name := range costly {
		full = full || c.Query.Has(name)
	}
	var all []edit.CheckView
	if full {
		all = s.engine.Checks.Checks()
		for i := range all {
			all[i] = viewCheck(all[i], c.Who.Role)
		}
	} else {
		all = s.engine.Checks.BareChecks()
	}
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if !c.Query.Has(string(kind)) {
			continue
		}
		linked := map[string]bool{}
		for _, id := range c.Query[string(kind)] {
			for _, check := range checksOf(s.engine, engine.Ref{Kind: kind, ID: id}) {
				linked[check] = true
			}
		}
		all = slices.DeleteFunc(all, func(v edit.CheckView) bool { return !linked[v.ID] })
	}
	return all, nil
}

// viewCheck is a check as a role sees it: who knows its ping URL can send pings.
func viewCheck(v edit.CheckView, role access.Role) edit.CheckView {
	if !role.Can(access.Editor) {
		v.PingURL = ""
	}
	return v
}

// checksOf are the ids of the checks of a subject; none when it is not there.
func checksOf(e *monitor.Monitor, ref engine.Ref) []string {
	if ref.Kind == engine.KindService {
		s, _ := e.Targets.StoredService(ref.ID)
		return s.StatusChecks
	}
	i, _ := e.Targets.StoredInstance(ref.ID)
	return i.StatusChecks
}
