package api

import (
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// acknowledgeInput says that the caller takes care of an incident.
type acknowledgeInput struct {
	Comment   string          `json:"comment"`
	ExpiresIn engine.Duration `json:"expires_in"` // left out: 20m; null: until recovery
}

// testAlertInput names the alert plugin to test.
type testAlertInput struct {
	Plugin string `json:"plugin"`
}

// noteInput is a remark on an incident.
type noteInput struct {
	Text   string `json:"text"`
	Public bool   `json:"public"`
}

// alerting is what people do about a service or instance that fails.
type alerting struct {
	engine *monitor.Monitor
}

// routes are what people do about a service or instance that fails.
func (s *alerting) routes(known rest.Shapes) []*rest.Route {
	var out []*rest.Route
	for _, of := range []struct {
		plural string
		kind   engine.Kind
	}{{"services", engine.KindService}, {"instances", engine.KindInstance}} {
		path := "/" + of.plural + "/{id}"
		out = append(out,
			&rest.Route{
				Method:  "PUT",
				Path:    path + "/acknowledgement",
				Role:    access.Operator,
				Tag:     of.plural,
				Summary: "Acknowledge the open incident",
				Note:    "Repeats stop until expires_in is over (20m when left out) or, when it is null, until recovery. 409 when nothing is failing.",
				Input:   rest.ShapeOf[acknowledgeInput](known),
				Output:  rest.ShapeOf[engine.Acknowledgement](known),
				Handle: func(c *rest.Call) (rest.Answer, error) {
					return s.acknowledge(c, engine.Ref{Kind: of.kind, ID: c.ID()})
				},
			},
			&rest.Route{Method: "DELETE", Path: path + "/acknowledgement", Role: access.Operator, Tag: of.plural, Summary: "End the acknowledgement",
				Status: http.StatusNoContent, Handle: func(c *rest.Call) (rest.Answer, error) {
					return rest.Answer{}, s.engine.Incidents.Unacknowledge(c.Request.Context(), c.Actor(), engine.Ref{Kind: of.kind, ID: c.ID()})
				}},
			&rest.Route{
				Method:   "POST",
				Path:     path + "/test-alert",
				Role:     access.Operator,
				Tag:      of.plural,
				Summary:  "Send a test through one alert plugin to the caller alone",
				Input:    rest.ShapeOf[testAlertInput](known),
				Required: []string{"plugin"},
				Output:   rest.ShapeOf[deliveryView](known),
				Handle:   func(c *rest.Call) (rest.Answer, error) { return s.testAlert(c, engine.Ref{Kind: of.kind, ID: c.ID()}) },
			})
	}
	note := rest.ShapeOf[engine.Note](known)
	spec := rest.ListSpec{Item: note, Order: "at", Fixed: true}
	return append(out,
		&rest.Route{Method: "GET", Path: "/incidents/{id}/notes", Role: access.Viewer, Tag: "incidents", Summary: "List the notes on an incident",
			Output: note, List: true, Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) { return s.listNotes(c, spec) }},
		&rest.Route{Method: "POST", Path: "/incidents/{id}/notes", Role: access.Operator, Tag: "incidents", Summary: "Add a note to an incident",
			Note:  "With public true the public status page and its feed show it to everybody, where the service or instance is public; else people with a login see it alone.",
			Input: rest.ShapeOf[noteInput](known), Required: []string{"text"}, Output: note, Status: http.StatusCreated, Handle: s.addNote})
}

func (s *alerting) acknowledge(c *rest.Call, ref engine.Ref) (rest.Answer, error) {
	var in acknowledgeInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	o := engine.AckOptions{Comment: in.Comment}
	if raw, given := c.Body["expires_in"]; given {
		last := in.ExpiresIn.Std()
		if raw != nil && last == 0 {
			return rest.Answer{}, rest.Invalid(form.Error{
				Location: "expires_in",
				Code:     form.CodeMin,
				Message:  "at least 1s; null is until recovery",
			})
		}
		o.ExpiresIn = &last
	}
	ack, err := s.engine.Incidents.Acknowledge(c.Request.Context(), c.Actor(), ref, o)
	return rest.Answer{Body: ack}, err
}

func (s *alerting) testAlert(c *rest.Call, ref engine.Ref) (rest.Answer, error) {
	var in testAlertInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	d, err := s.engine.Incidents.TestAlert(c.Request.Context(), c.Actor(), ref, in.Plugin)
	if err != nil {
		return rest.Answer{}, err
	}
	return rest.Answer{Body: seenBy(s.engine, c.Who, d)}, nil
}

func (s *alerting) listNotes(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	v, err := s.engine.Incidents.Incident(c.Request.Context(), c.ID())
	if err != nil {
		return rest.Answer{}, err
	}
	items, next := rest.Page(l, v.Notes, func(n *engine.Note) string { return n.At.Format(time.RFC3339Nano) + n.User })
	return rest.Answer{Body: rest.PageView[engine.Note]{Items: items, Next: next}}, nil
}

func (s *alerting) addNote(c *rest.Call) (rest.Answer, error) {
	var in noteInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	add := s.engine.Incidents.AddNote
	if in.Public {
		add = s.engine.Incidents.AddPublicNote
	}
	n, err := add(c.Request.Context(), c.Actor(), c.ID(), in.Text)
	return rest.Answer{Body: n}, err
}
