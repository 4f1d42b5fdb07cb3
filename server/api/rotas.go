package api

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/engine/oncall"
	"moonwatch/engine/rota"
	"moonwatch/server/rest"
)

// shiftsSpan is the time of which shifts are listed when nobody says.
const shiftsSpan = 28 * 24 * time.Hour

// rotas are the routes of rotas and of who is on duty.
type rotas struct {
	engine *monitor.Monitor
	now    func() time.Time
}

func (s *rotas) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[engine.Rota, oncall.RotaView]{
		Kind: engine.KindRota, Plural: "rotas", One: "a rota", Read: access.Viewer, Write: access.Editor,
		Required: []string{"name"}, Derived: []string{"dealt"}, Order: "name", Change: access.Operator,
		Note: "A rota has an iCal feed (ical_url) or a rotation, either with overrides; or overrides alone. " +
			"Only editors see ical_url: such addresses are often secret themselves. " +
			"An edit of a rotation keeps the past, and who is on duty until their handover; dealt is what it kept. " +
			"Operators may PATCH overrides alone, to hand over shifts of their own or to take one over themselves from now on; all else of a rota is for editors.",
		Fresh: engine.NewRota,
		Get: func(c *rest.Call, id string) (oncall.RotaView, error) {
			v, err := s.engine.OnCall.Rota(id)
			return viewRota(v, c.Who.Role), err
		},
		All: func(c *rest.Call) ([]oncall.RotaView, error) {
			all := s.engine.OnCall.Rotas()
			for i := range all {
				all[i] = viewRota(all[i], c.Who.Role)
			}
			return all, nil
		},
		Stored: func(c *rest.Call, id string) (engine.Rota, uint64, error) {
			stored, err := s.engine.OnCall.StoredRota(id)
			return stored, stored.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Rota) (string, error) {
			in.ID, in.Revision = id, revision
			store := s.engine.Rotas.SaveRota
			if !c.Who.Role.Can(access.Editor) {
				store = s.engine.Rotas.SwapShifts
			}
			saved, err := store(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Validate: func(c *rest.Call, id string, revision uint64, in engine.Rota) error {
			if !c.Who.Role.Can(access.Editor) {
				return nil
			}
			in.ID, in.Revision = id, revision
			return s.engine.Rotas.ValidateRota(c.Request.Context(), c.Actor(), in)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Rotas.DeleteRota(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *oncall.RotaView) *engine.Meta { return &v.Meta },
	}
	view, shift := rest.ShapeOf[oncall.RotaView](known), rest.ShapeOf[rota.Shift](known)
	spec := rest.ListSpec{Item: shift, Order: "start", Extra: []rest.Param{
		rest.NewParam("from", rest.Scalar(rest.InstantShape), "only shifts that end later (now)"),
		rest.NewParam("to", rest.Scalar(rest.InstantShape), "only shifts that start before (28 days after from)"),
	}}
	revisions := revisionRoutes(known, s.engine, k, decodeAs[engine.Rota](s.engine, k.Kind))
	return append(append(k.Routes(known), revisions...),
		&rest.Route{Method: "GET", Path: "/rotas/{id}/shifts", Role: access.Viewer, Tag: "rotas", Summary: "List the shifts of a rota",
			Note:   "Shifts are known for the 60 days ahead and the 30 days behind. They are half-open.",
			Output: shift, List: true, Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) { return s.listShifts(c, spec) }},
		&rest.Route{Method: "POST", Path: "/rotas/{id}/refresh", Role: access.Operator, Tag: "rotas", Summary: "Read the feed of a rota now",
			Note:   "Waits until it is read. A feed that fails keeps its old shifts: problems say why. 409 when the rota has no feed.",
			Output: view, Handle: func(c *rest.Call) (rest.Answer, error) {
				v, err := s.engine.OnCall.RefreshRota(c.Request.Context(), c.ID())
				return rest.Answer{Body: viewRota(v, c.Who.Role)}, err
			}})
}

// viewRota is a rota as a role sees it: who knows the address of a feed can read
// its shifts without logging in, be it the rota's own or the one it is read from.
func viewRota(v oncall.RotaView, role access.Role) oncall.RotaView {
	if !role.Can(access.Editor) {
		v.FeedURL, v.ICalURL = "", ""
	}
	rest.EmptyLists(&v)
	return v
}

func (s *rotas) listShifts(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	from, err := c.Instant("from")
	if err != nil {
		return rest.Answer{}, err
	}
	to, err := c.Instant("to")
	if err != nil {
		return rest.Answer{}, err
	}
	if from.IsZero() {
		from = s.now()
	}
	if to.IsZero() {
		to = from.Add(shiftsSpan)
	}
	all, err := s.engine.OnCall.Shifts(c.ID(), from, to)
	if err != nil {
		return rest.Answer{}, err
	}
	items, next := rest.Page(l, all, func(s *rota.Shift) string { return s.User + " " + s.UID + s.Start.UTC().Format(time.RFC3339) })
	for i := range items {
		items[i].Start, items[i].End = items[i].Start.UTC(), items[i].End.UTC()
	}
	return rest.Answer{Body: rest.PageView[rota.Shift]{Items: items, Next: next}}, nil
}

func (s *rotas) onCallRoutes(known rest.Shapes) []*rest.Route {
	item := rest.ShapeOf[oncall.OnCall](known)
	spec := rest.ListSpec{Item: item, Order: "rota_name"}
	return []*rest.Route{{Method: "GET", Path: "/oncall", Role: access.Viewer, Tag: "rotas", Summary: "Who is on duty now",
		Note:   "A rota on which nobody is gives its fallback user, or else the site's.",
		Output: item, List: true, Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) {
			l, err := spec.Parse(c)
			if err != nil {
				return rest.Answer{}, err
			}
			all := s.engine.OnCall.OnCall()
			for i := range all {
				if all[i].Until != nil {
					until := all[i].Until.UTC()
					all[i].Until = &until
				}
			}
			items, next := rest.Page(l, all, func(o *oncall.OnCall) string { return o.Rota + " " + o.User })
			return rest.Answer{Body: rest.PageView[oncall.OnCall]{Items: items, Next: next}}, nil
		}}}
}
