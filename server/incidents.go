package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// incidents are the routes of incidents.
type incidents struct {
	engine *engine.Engine
}

func (s *incidents) routes(known shapes) []*route {
	view := shapeOf[engine.IncidentView](known)
	text, flag := scalar(textShape), scalar(boolShape)
	spec := listSpec{item: view, order: "-opened", fixed: true, extra: []param{
		{"service", text, "only incidents of this service"},
		{"instance", text, "only incidents of this instance"},
		{"open", flag, "only incidents that are open, or closed"},
	}}
	return []*route{
		{method: "GET", path: "/incidents", role: access.Viewer, tag: "incidents", summary: "List incidents with their timelines, the newest first",
			output: view, list: true, params: spec.params(), handle: func(c *call) (answer, error) { return s.listIncidents(c, spec) }},
		{method: "GET", path: "/incidents/{id}", role: access.Viewer, tag: "incidents", summary: "Read an incident with its timeline",
			output: view, handle: func(c *call) (answer, error) {
				v, err := s.engine.Incident(c.r.Context(), c.id())
				return answer{body: incidentView(v)}, err
			}},
	}
}

// incidentView is an incident whose lists are never null.
func incidentView(v engine.IncidentView) engine.IncidentView {
	emptyLists(&v)
	for i := range v.Events {
		emptyLists(&v.Events[i])
	}
	return v
}

// subjectOf reads the parameters service and instance; nil when neither is given.
func subjectOf(c *call) (*engine.Ref, error) {
	var ref *engine.Ref
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if !c.query.Has(string(kind)) {
			continue
		}
		if ref != nil {
			return nil, invalid(form.Error{Location: string(kind), Code: form.CodeInvalid, Message: "give service or instance, not both"})
		}
		ref = &engine.Ref{Kind: kind, ID: c.query.Get(string(kind))}
	}
	return ref, nil
}

func (s *incidents) listIncidents(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	ref, err := subjectOf(c)
	if err != nil {
		return answer{}, err
	}
	open, err := c.flag("open")
	if err != nil {
		return answer{}, err
	}
	q := engine.Query{After: l.afterID(), Reverse: l.down}
	switch {
	case ref != nil:
		q.Term = ref.Term()
	case open != nil && *open:
		q.Term = engine.TermOpen
	}
	g := gather[engine.IncidentView](l)
	err = s.engine.ScanIncidents(c.r.Context(), q, func(v engine.IncidentView) bool {
		if ref != nil && v.Subject != *ref || open != nil && *open != (v.Closed == nil) {
			return true
		}
		return g.take(v.ID, v)
	})
	if err != nil {
		return answer{}, err
	}
	for i := range g.items {
		if g.items[i].Events, err = s.engine.IncidentEvents(c.r.Context(), g.items[i].ID); err != nil {
			return answer{}, err
		}
		g.items[i] = incidentView(g.items[i])
	}
	return answer{body: g.page()}, nil
}
