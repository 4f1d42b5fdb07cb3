package engine

import (
	"context"
	"slices"
	"time"
)

// defaultAckTime is how long an acknowledgement lasts when nobody says.
const defaultAckTime = 20 * time.Minute

// errOtherIncident refuses to acknowledge an incident that is not the open one.
var errOtherIncident = conflictf("another incident is open now")

// Acknowledge says that the actor takes care of a subject's open incident. It
// returns an *Error: Conflict when nothing is failing.
func (e *incidentService) Acknowledge(ctx context.Context, by Actor, ref Ref, o AckOptions) (*Acknowledgement, error) {
	var out Acknowledgement
	err := e.do(ctx, by, func(x *tx) error {
		in, s, err := x.openIncident(ref)
		if err != nil {
			return err
		}
		if o.IncidentKey != "" && o.IncidentKey != in.Key {
			return errOtherIncident
		}
		var p problems
		p.text("comment", o.Comment, false, commentMost)
		out = Acknowledgement{User: by.User, Username: by.Name, Comment: o.Comment, Severity: in.Status, At: x.now.UTC()}
		last := defaultAckTime
		if o.ExpiresIn != nil {
			last = *o.ExpiresIn
		}
		if last != 0 {
			p.span("expires_in", Duration(last), time.Second, year)
			at := x.now.Add(last).UTC()
			out.Expires = &at
		}
		if err := p.err(); err != nil {
			return err
		}
		after, event := Acknowledge(in, out)
		x.incidents.put(in.ID, after)
		x.happen(s, after, in.Status, event, after.Number)
		x.audit("acknowledge", ref.Kind, ref.ID, s.name, nil, map[string]any{"comment": o.Comment})
		x.evaluate(ref, "")
		return nil
	})
	return &out, err
}

// Unacknowledge ends the acknowledgement of a subject's open incident.
func (e *incidentService) Unacknowledge(ctx context.Context, by Actor, ref Ref) error {
	return e.do(ctx, by, func(x *tx) error {
		in, s, err := x.openIncident(ref)
		if err != nil {
			return err
		}
		if in.Ack == nil {
			return conflictf("the incident is not acknowledged")
		}
		after, event := Unacknowledge(in, "ended by "+by.Name)
		x.incidents.put(in.ID, after)
		x.happen(s, after, in.Status, event, after.Number)
		x.audit("unacknowledge", ref.Kind, ref.ID, s.name, nil, nil)
		x.evaluate(ref, "")
		return nil
	})
}

// openIncident returns the open incident of a subject.
func (x *tx) openIncident(ref Ref) (*Incident, subject, error) {
	s, ok := x.subject(ref)
	if !ok {
		return nil, s, missing(ref.Kind)
	}
	if state := x.subjects.get(ref.key()); state != nil {
		if in := x.incidents.get(state.Incident); in != nil && in.Closed == nil {
			return in, s, nil
		}
	}
	return nil, s, conflictf("%s is not failing", s.name)
}

// AddNote adds a remark to an incident, open or closed, for people with a login.
func (e *incidentService) AddNote(ctx context.Context, by Actor, incident, text string) (*Note, error) {
	return e.addNote(ctx, by, incident, Note{User: by.Name, Text: text})
}

// AddPublicNote is AddNote for everybody: where the subject is public, the public
// status page shows it.
func (e *incidentService) AddPublicNote(ctx context.Context, by Actor, incident, text string) (*Note, error) {
	return e.addNote(ctx, by, incident, Note{User: by.Name, Text: text, Public: true})
}

func (e *incidentService) addNote(ctx context.Context, by Actor, incident string, note Note) (*Note, error) {
	stored, err := e.incident(ctx, incident)
	if err != nil {
		return nil, err
	}
	err = e.do(ctx, by, func(x *tx) error {
		var p problems
		p.text("text", note.Text, true, 10*commentMost)
		if err := p.err(); err != nil {
			return err
		}
		in := x.incidents.get(incident)
		if in == nil {
			in = stored
		}
		if len(in.Notes) >= 1000 {
			return conflictf("the incident has 1,000 notes already")
		}
		note.At = x.now.UTC()
		in = in.copy()
		in.Notes = append(slices.Clone(in.Notes), note)
		x.incidents.put(incident, in)
		return nil
	})
	return &note, err
}

// TestAlert sends a test of one alert plugin of a subject to the actor alone.
func (e *incidentService) TestAlert(ctx context.Context, by Actor, ref Ref, plugin string) (*Delivery, error) {
	entry, known := e.pluginEntry(plugin)
	var out Delivery
	err := e.do(ctx, by, func(x *tx) error {
		s, ok := x.subject(ref)
		if !ok {
			return missing(ref.Kind)
		}
		var p problems
		switch {
		case plugin == "":
			p.add("plugin", "required", "this is required")
		case !known || entry.Plugin == nil:
			p.add("plugin", "not_found", "no plugin has this slug")
		case entry.Plugin.Meta().Kind != AlertPlugin:
			p.add("plugin", "invalid", "this is a check plugin, not an alert plugin")
		}
		if err := p.err(); err != nil {
			return err
		}
		users := []string{}
		if x.users.get(by.User) != nil {
			users = append(users, by.User)
		}
		id, now := x.e.eventID(), x.now
		overall := x.overall(ref)
		in := Open(id, incidentKey(id), ref, s.name, now) // never stored: a key of its own
		in.Status, in.Severity = overall, overall
		d := &Delivery{ID: id, Subject: ref, SubjectName: s.name, Plugin: plugin, Kind: AlertTest, State: DeliveryPending, Created: now,
			Attempts: []Attempt{}, Users: users, DutyOfficers: []string{}, Reached: []string{}, Held: []Held{}, NextAttempt: &now,
			Durable: true, RetryFrom: now}
		d.Snapshot = x.snapshot(s, in, overall, Happening{Kind: AlertTest, Status: overall}, 1, id, plugin)
		x.putDelivery(d)
		out = e.deliveryView(*d)
		return nil
	})
	return &out, err
}
