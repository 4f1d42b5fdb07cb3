package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/server/rest"
)

// incidents are the routes of incidents.
type incidents struct {
	engine *monitor.Monitor
}

func (s *incidents) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[alert.IncidentView](known)
	text, flag := rest.Scalar(rest.TextShape), rest.Scalar(rest.BoolShape)
	spec := rest.ListSpec{Item: view, Order: "-opened", Fixed: true, Extra: []rest.Param{
		rest.NewParam("service", text, "only incidents of this service"),
		rest.NewParam("instance", text, "only incidents of this instance"),
		rest.NewParam("open", flag, "only incidents that are open, or closed"),
	}}
	return []*rest.Route{
		{
			Method:  "GET",
			Path:    "/incidents",
			Role:    access.Viewer,
			Tag:     "incidents",
			Summary: "List incidents with their timelines, the newest first",
			Output:  view,
			List:    true,
			Params:  spec.Params(),
			Handle:  func(c *rest.Call) (rest.Answer, error) { return s.listIncidents(c, spec) },
		},
		{Method: "GET", Path: "/incidents/{id}", Role: access.Viewer, Tag: "incidents", Summary: "Read an incident with its timeline",
			Output: view, Handle: func(c *rest.Call) (rest.Answer, error) {
				v, err := s.engine.Incidents.Incident(c.Request.Context(), c.ID())
				return rest.Answer{Body: incidentView(v)}, err
			}},
	}
}

// incidentView is an incident whose lists are never null.
func incidentView(v alert.IncidentView) alert.IncidentView {
	rest.EmptyLists(&v)
	for i := range v.Events {
		rest.EmptyLists(&v.Events[i])
	}
	return v
}

// subjectOf reads the parameters service and instance; nil when neither is given.
func subjectOf(c *rest.Call) (*engine.Ref, error) {
	var ref *engine.Ref
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if !c.Query.Has(string(kind)) {
			continue
		}
		if ref != nil {
			return nil, rest.Invalid(form.Error{Location: string(kind), Code: form.CodeInvalid, Message: "give service or instance, not both"})
		}
		ref = &engine.Ref{Kind: kind, ID: c.Query.Get(string(kind))}
	}
	return ref, nil
}

func (s *incidents) listIncidents(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	ref, err := subjectOf(c)
	if err != nil {
		return rest.Answer{}, err
	}
	open, err := c.Flag("open")
	if err != nil {
		return rest.Answer{}, err
	}
	q := engine.Query{After: l.AfterID(), Reverse: l.Down}
	switch {
	case ref != nil:
		q.Term = state.Term(*ref)
	case open != nil && *open:
		q.Term = state.TermOpen
	}
	g := rest.Gather[alert.IncidentView](l)
	for v, err := range s.engine.Incidents.ScanIncidents(c.Request.Context(), q) {
		if err != nil {
			return rest.Answer{}, err
		}
		if ref != nil && v.Subject != *ref || open != nil && *open != (v.Closed == nil) {
			continue
		}
		if !g.Take(v.ID, v) {
			break
		}
	}
	for i := range g.Items {
		if g.Items[i].Events, err = s.engine.Incidents.IncidentEvents(c.Request.Context(), g.Items[i].ID); err != nil {
			return rest.Answer{}, err
		}
		g.Items[i] = incidentView(g.Items[i])
	}
	return rest.Answer{Body: g.Page()}, nil
}
