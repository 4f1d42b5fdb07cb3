package server

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/rota"
)

// shiftsSpan is the time of which shifts are listed when nobody says.
const shiftsSpan = 28 * 24 * time.Hour

// rotas are the routes of rotas and of who is on duty.
type rotas struct {
	engine *engine.Engine
	now    func() time.Time
}

func (s *rotas) routes(known shapes) []*route {
	k := &collection[engine.Rota, engine.RotaView]{
		kind: engine.KindRota, plural: "rotas", one: "a rota", read: access.Viewer, write: access.Editor,
		required: []string{"name"}, derived: []string{"dealt"}, order: "name", change: access.Operator,
		note: "A rota has an iCal feed (ical_url) or a rotation, either with overrides; or overrides alone. " +
			"Only editors see ical_url: such addresses are often secret themselves. " +
			"An edit of a rotation keeps the past, and who is on duty until their handover; dealt is what it kept. " +
			"Operators may PATCH overrides alone, to hand over shifts of their own or to take one over themselves from now on; all else of a rota is for editors.",
		fresh: engine.NewRota,
		get: func(c *call, id string) (engine.RotaView, error) {
			v, err := s.engine.Rota(id)
			return viewRota(v, c.who.Role), err
		},
		all: func(c *call) ([]engine.RotaView, error) {
			all := s.engine.Rotas()
			for i := range all {
				all[i] = viewRota(all[i], c.who.Role)
			}
			return all, nil
		},
		stored: func(c *call, id string) (engine.Rota, uint64, error) {
			stored, err := s.engine.StoredRota(id)
			return stored, stored.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Rota) (string, error) {
			in.ID, in.Revision = id, revision
			store := s.engine.SaveRota
			if !c.who.Role.Can(access.Editor) {
				store = s.engine.SwapShifts
			}
			saved, err := store(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return s.engine.DeleteRota(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.RotaView) *engine.Meta { return &v.Meta },
	}
	view, shift := shapeOf[engine.RotaView](known), shapeOf[rota.Shift](known)
	spec := listSpec{item: shift, order: "start", extra: []param{
		{"from", scalar(instantShape), "only shifts that end later (now)"},
		{"to", scalar(instantShape), "only shifts that start before (28 days after from)"},
	}}
	revisions := revisionRoutes(known, s.engine, k, (*engine.Engine).OpenRota)
	for _, rt := range revisions {
		if rt.method == "POST" { // more than a swap of shifts
			rt.role = access.Editor
		}
	}
	return append(append(k.routes(known), revisions...),
		&route{method: "GET", path: "/rotas/{id}/shifts", role: access.Viewer, tag: "rotas", summary: "List the shifts of a rota",
			note:   "Shifts are known for the 60 days ahead and the 30 days behind. They are half-open.",
			output: shift, list: true, params: spec.params(), handle: func(c *call) (answer, error) { return s.listShifts(c, spec) }},
		&route{method: "POST", path: "/rotas/{id}/refresh", role: access.Operator, tag: "rotas", summary: "Read the feed of a rota now",
			note:   "Waits until it is read. A feed that fails keeps its old shifts: problems say why. 409 when the rota has no feed.",
			output: view, handle: func(c *call) (answer, error) {
				v, err := s.engine.RefreshRota(c.r.Context(), c.id())
				return answer{body: viewRota(v, c.who.Role)}, err
			}})
}

// viewRota is a rota as a role sees it: who knows the address of a feed can read
// its shifts without logging in, be it the rota's own or the one it is read from.
func viewRota(v engine.RotaView, role access.Role) engine.RotaView {
	if !role.Can(access.Editor) {
		v.FeedURL, v.ICalURL = "", ""
	}
	emptyLists(&v)
	return v
}

func (s *rotas) listShifts(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	from, err := c.instant("from")
	if err != nil {
		return answer{}, err
	}
	to, err := c.instant("to")
	if err != nil {
		return answer{}, err
	}
	if from.IsZero() {
		from = s.now()
	}
	if to.IsZero() {
		to = from.Add(shiftsSpan)
	}
	all, err := s.engine.Shifts(c.id(), from, to)
	if err != nil {
		return answer{}, err
	}
	items, next := page(l, all, func(s *rota.Shift) string { return s.User + " " + s.UID + s.Start.UTC().Format(time.RFC3339) })
	for i := range items {
		items[i].Start, items[i].End = items[i].Start.UTC(), items[i].End.UTC()
	}
	return answer{body: pageView[rota.Shift]{items, next}}, nil
}

func (s *rotas) onCallRoutes(known shapes) []*route {
	item := shapeOf[engine.OnCall](known)
	spec := listSpec{item: item, order: "rota_name"}
	return []*route{{method: "GET", path: "/oncall", role: access.Viewer, tag: "rotas", summary: "Who is on duty now",
		note:   "A rota on which nobody is gives its fallback user, or else the site's.",
		output: item, list: true, params: spec.params(), handle: func(c *call) (answer, error) {
			l, err := spec.parse(c)
			if err != nil {
				return answer{}, err
			}
			all := s.engine.OnCall()
			for i := range all {
				if all[i].Until != nil {
					until := all[i].Until.UTC()
					all[i].Until = &until
				}
			}
			items, next := page(l, all, func(o *engine.OnCall) string { return o.Rota + " " + o.User })
			return answer{body: pageView[engine.OnCall]{items, next}}, nil
		}}}
}
