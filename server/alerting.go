package server

import (
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
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
	engine *engine.Engine
}

// alertingRoutes are what people do about a service or instance that fails.
func (s *alerting) routes(known shapes) []*route {
	var out []*route
	for _, of := range []struct {
		plural string
		kind   engine.Kind
	}{{"services", engine.KindService}, {"instances", engine.KindInstance}} {
		path := "/" + of.plural + "/{id}"
		out = append(out,
			&route{method: "PUT", path: path + "/acknowledgement", role: access.Operator, tag: of.plural, summary: "Acknowledge the open incident",
				note:  "Repeats stop until expires_in is over (20m when left out) or, when it is null, until recovery. 409 when nothing is failing.",
				input: shapeOf[acknowledgeInput](known), output: shapeOf[engine.Acknowledgement](known),
				handle: func(c *call) (answer, error) { return s.acknowledge(c, engine.Ref{Kind: of.kind, ID: c.id()}) }},
			&route{method: "DELETE", path: path + "/acknowledgement", role: access.Operator, tag: of.plural, summary: "End the acknowledgement",
				status: http.StatusNoContent, handle: func(c *call) (answer, error) {
					return answer{}, s.engine.Unacknowledge(c.r.Context(), c.actor(), engine.Ref{Kind: of.kind, ID: c.id()})
				}},
			&route{method: "POST", path: path + "/test-alert", role: access.Operator, tag: of.plural, summary: "Send a test through one alert plugin to the caller alone",
				input: shapeOf[testAlertInput](known), required: []string{"plugin"}, output: shapeOf[deliveryView](known),
				handle: func(c *call) (answer, error) { return s.testAlert(c, engine.Ref{Kind: of.kind, ID: c.id()}) }})
	}
	note := shapeOf[engine.Note](known)
	spec := listSpec{item: note, order: "at", fixed: true}
	return append(out,
		&route{method: "GET", path: "/incidents/{id}/notes", role: access.Viewer, tag: "incidents", summary: "List the notes on an incident",
			output: note, list: true, params: spec.params(), handle: func(c *call) (answer, error) { return s.listNotes(c, spec) }},
		&route{method: "POST", path: "/incidents/{id}/notes", role: access.Operator, tag: "incidents", summary: "Add a note to an incident",
			note:  "With public true the public status page and its feed show it to everybody, where the service or instance is public; else people with a login see it alone.",
			input: shapeOf[noteInput](known), required: []string{"text"}, output: note, status: http.StatusCreated, handle: s.addNote})
}

func (s *alerting) acknowledge(c *call, ref engine.Ref) (answer, error) {
	var in acknowledgeInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	o := engine.AckOptions{Comment: in.Comment}
	if raw, given := c.body["expires_in"]; given {
		last := in.ExpiresIn.Std()
		if raw != nil && last == 0 {
			return answer{}, invalid(form.Error{Location: "expires_in", Code: form.CodeMin, Message: "at least 1s; null is until recovery"})
		}
		o.ExpiresIn = &last
	}
	ack, err := s.engine.Acknowledge(c.r.Context(), c.actor(), ref, o)
	return answer{body: ack}, err
}

func (s *alerting) testAlert(c *call, ref engine.Ref) (answer, error) {
	var in testAlertInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	d, err := s.engine.TestAlert(c.r.Context(), c.actor(), ref, in.Plugin)
	if err != nil {
		return answer{}, err
	}
	return answer{body: seenBy(s.engine, c.who, d)}, nil
}

func (s *alerting) listNotes(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	v, err := s.engine.Incident(c.r.Context(), c.id())
	if err != nil {
		return answer{}, err
	}
	items, next := page(l, v.Notes, func(n *engine.Note) string { return n.At.Format(time.RFC3339Nano) + n.User })
	return answer{body: pageView[engine.Note]{items, next}}, nil
}

func (s *alerting) addNote(c *call) (answer, error) {
	var in noteInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	add := s.engine.AddNote
	if in.Public {
		add = s.engine.AddPublicNote
	}
	n, err := add(c.r.Context(), c.actor(), c.id(), in.Text)
	return answer{body: n}, err
}
