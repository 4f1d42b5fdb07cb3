package api

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/server/rest"
)

// deliveryView is a delivery as clients see it: without the snapshot that the
// plugin is given.
type deliveryView struct {
	ID           string               `json:"id"`
	Incident     string               `json:"incident"` // "" for a test
	Event        string               `json:"event"`
	Subject      engine.Ref           `json:"subject"`
	SubjectName  string               `json:"subject_name"`
	Plugin       string               `json:"plugin"`
	Version      string               `json:"plugin_version"`
	Kind         engine.AlertKind     `json:"kind"`
	State        engine.DeliveryState `json:"state"`
	Created      time.Time            `json:"created"`
	Attempts     []engine.Attempt     `json:"attempts"`
	Users        []string             `json:"users"`
	DutyOfficers []string             `json:"duty_officers"`
	Reached      []string             `json:"reached"`
	Deferred     []engine.Held        `json:"held"`
	Why          string               `json:"why"`
	NextAttempt  *time.Time           `json:"next_attempt"`
	Sent         []engine.Message     `json:"sent"`
	Durable      bool                 `json:"durable"`
}

// seenBy is a delivery as a caller sees it.
func seenBy(e *monitor.Monitor, who rest.Caller, d *engine.Delivery) deliveryView {
	if who.IsAdmin() {
		return viewDelivery(d)
	}
	seen := e.Incidents.Discreet(*d, who.User)
	return viewDelivery(&seen)
}

func viewDelivery(d *engine.Delivery) deliveryView {
	v := deliveryView{ID: d.ID, Incident: d.Incident, Event: d.Event, Subject: d.Subject, SubjectName: d.SubjectName, Plugin: d.Plugin,
		Version: d.Version, Kind: d.Kind, State: d.State, Created: d.Created, Users: d.Users, DutyOfficers: d.DutyOfficers,
		Reached: d.Reached, Deferred: d.Deferred, Why: d.Why, NextAttempt: d.NextAttempt, Sent: d.Sent, Durable: d.Durable}
	for _, a := range d.Attempts {
		rest.EmptyLists(&a)
		v.Attempts = append(v.Attempts, a)
	}
	rest.EmptyLists(&v)
	return v
}

// deliveries are the routes of deliveries.
type deliveries struct {
	engine *monitor.Monitor
}

func (s *deliveries) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[deliveryView](known)
	text := rest.Scalar(rest.TextShape)
	spec := rest.ListSpec{Item: view, Order: "-created", Fixed: true, Extra: []rest.Param{
		rest.NewParam("service", text, "only deliveries for this service"),
		rest.NewParam("instance", text, "only deliveries for this instance"),
	}}
	return []*rest.Route{
		{Method: "GET", Path: "/deliveries", Role: access.Viewer, Tag: "deliveries", Summary: "List deliveries, the newest first",
			Output: view, List: true, Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) { return s.listDeliveries(c, spec) }},
		{Method: "GET", Path: "/deliveries/{id}", Role: access.Viewer, Tag: "deliveries", Summary: "Read a delivery", Output: view,
			Handle: func(c *rest.Call) (rest.Answer, error) {
				d, err := s.engine.Incidents.Delivery(c.Request.Context(), c.ID())
				return rest.Answer{Body: seenBy(s.engine, c.Who, &d)}, err
			}},
		{
			Method:  "POST",
			Path:    "/deliveries/{id}/retry",
			Role:    access.Operator,
			Tag:     "deliveries",
			Summary: "Try a failed or dead delivery again at once",
			Output:  view,
			Handle: func(c *rest.Call) (rest.Answer, error) {
				d, err := s.engine.Incidents.RetryDelivery(c.Request.Context(), c.Actor(), c.ID())
				if err != nil {
					return rest.Answer{}, err
				}
				return rest.Answer{Body: seenBy(s.engine, c.Who, d)}, nil
			},
		},
	}
}

// attemptWait is how long a list waits for attempts that have just begun, so that
// a client that was told sees its delivery as sent.
const attemptWait = 250 * time.Millisecond

func (s *deliveries) listDeliveries(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	s.engine.Incidents.AwaitAttempts(c.Request.Context(), attemptWait)
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	ref, err := subjectOf(c)
	if err != nil {
		return rest.Answer{}, err
	}
	q := engine.Query{After: l.AfterID(), Reverse: l.Down}
	switch incidents := c.Query["incident"]; { // the narrowest first
	case len(incidents) == 1 && incidents[0] != "":
		q.Term = state.IncidentTerm(incidents[0])
	case ref != nil:
		q.Term = state.Term(*ref)
	}
	g := rest.Gather[deliveryView](l)
	for d, err := range s.engine.Incidents.ScanDeliveries(c.Request.Context(), q) {
		if err != nil {
			return rest.Answer{}, err
		}
		if ref != nil && d.Subject != *ref {
			continue
		}
		if !g.Take(d.ID, seenBy(s.engine, c.Who, &d)) {
			break
		}
	}
	return rest.Answer{Body: g.Page()}, nil
}
