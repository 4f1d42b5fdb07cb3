package server

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
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
	Held         []engine.Held        `json:"held"`
	Why          string               `json:"why"`
	NextAttempt  *time.Time           `json:"next_attempt"`
	Durable      bool                 `json:"durable"`
}

// seenBy is a delivery as a caller sees it.
func seenBy(e *engine.Engine, who caller, d *engine.Delivery) deliveryView {
	if who.isAdmin() {
		return viewDelivery(d)
	}
	seen := e.Discreet(*d, who.User)
	return viewDelivery(&seen)
}

func viewDelivery(d *engine.Delivery) deliveryView {
	v := deliveryView{ID: d.ID, Incident: d.Incident, Event: d.Event, Subject: d.Subject, SubjectName: d.SubjectName, Plugin: d.Plugin,
		Version: d.Version, Kind: d.Kind, State: d.State, Created: d.Created, Users: d.Users, DutyOfficers: d.DutyOfficers,
		Reached: d.Reached, Held: d.Held, Why: d.Why, NextAttempt: d.NextAttempt, Durable: d.Durable}
	for _, a := range d.Attempts {
		emptyLists(&a)
		v.Attempts = append(v.Attempts, a)
	}
	emptyLists(&v)
	return v
}

// deliveries are the routes of deliveries.
type deliveries struct {
	engine *engine.Engine
}

func (s *deliveries) routes(known shapes) []*route {
	view := shapeOf[deliveryView](known)
	text := scalar(textShape)
	spec := listSpec{item: view, order: "-created", fixed: true, extra: []param{
		{"service", text, "only deliveries for this service"},
		{"instance", text, "only deliveries for this instance"},
	}}
	return []*route{
		{method: "GET", path: "/deliveries", role: access.Viewer, tag: "deliveries", summary: "List deliveries, the newest first",
			output: view, list: true, params: spec.params(), handle: func(c *call) (answer, error) { return s.listDeliveries(c, spec) }},
		{method: "GET", path: "/deliveries/{id}", role: access.Viewer, tag: "deliveries", summary: "Read a delivery", output: view,
			handle: func(c *call) (answer, error) {
				d, err := s.engine.Delivery(c.r.Context(), c.id())
				return answer{body: seenBy(s.engine, c.who, &d)}, err
			}},
		{method: "POST", path: "/deliveries/{id}/retry", role: access.Operator, tag: "deliveries", summary: "Try a failed or dead delivery again at once",
			output: view, handle: func(c *call) (answer, error) {
				d, err := s.engine.RetryDelivery(c.r.Context(), c.actor(), c.id())
				if err != nil {
					return answer{}, err
				}
				return answer{body: seenBy(s.engine, c.who, d)}, nil
			}},
	}
}

// attemptWait is how long a list waits for attempts that have just begun, so that
// a client that was told sees its delivery as sent.
const attemptWait = 250 * time.Millisecond

func (s *deliveries) listDeliveries(c *call, spec listSpec) (answer, error) {
	s.engine.AwaitAttempts(c.r.Context(), attemptWait)
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	ref, err := subjectOf(c)
	if err != nil {
		return answer{}, err
	}
	q := engine.Query{After: l.afterID(), Reverse: l.down}
	switch incidents := c.query["incident"]; { // the narrowest first
	case len(incidents) == 1 && incidents[0] != "":
		q.Term = engine.IncidentTerm(incidents[0])
	case ref != nil:
		q.Term = ref.Term()
	}
	g := gather[deliveryView](l)
	err = s.engine.ScanDeliveries(c.r.Context(), q, func(d engine.Delivery) bool {
		if ref != nil && d.Subject != *ref {
			return true
		}
		return g.take(d.ID, seenBy(s.engine, c.who, &d))
	})
	return answer{body: g.page()}, err
}
