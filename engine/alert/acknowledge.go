package alert

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// defaultAckTime is how long an acknowledgement lasts when nobody says.
const defaultAckTime = 20 * time.Minute

// ErrOtherIncident refuses to acknowledge an incident that is not the open one.
var ErrOtherIncident = engine.Conflictf("another incident is open now")

// Acknowledge says that the actor takes care of a subject's open incident. It
// returns an *Error: Conflict when nothing is failing.
func (inc *Incidents) Acknowledge(ctx context.Context, by engine.Actor, ref engine.Ref, o engine.AckOptions) (*engine.Acknowledgement, error) {
	var out engine.Acknowledgement
	err := inc.Submit(ctx, by, func(x *state.Tx) error {
		in, s, err := openIncident(x, ref)
		if err != nil {
			return err
		}
		if o.IncidentKey != "" && o.IncidentKey != in.Key {
			return ErrOtherIncident
		}
		var p engine.Problems
		p.Text("comment", o.Comment, false, engine.MaxComment)
		out = engine.Acknowledgement{User: by.User, Username: by.Name, Comment: o.Comment, Severity: in.Status, At: x.Now.UTC()}
		last := defaultAckTime
		if o.ExpiresIn != nil {
			last = *o.ExpiresIn
		}
		if last != 0 {
			p.Span("expires_in", engine.Duration(last), time.Second, engine.Year)
			at := x.Now.Add(last).UTC()
			out.Expires = &at
		}
		if err := p.Err(); err != nil {
			return err
		}
		after, event := Acknowledge(in, out)
		x.Incidents.Put(in.ID, after)
		recordEvent(x, s, after, in.Status, event, after.Number)
		x.Audit("acknowledge", ref.Kind, ref.ID, s.Name, nil, map[string]any{"comment": o.Comment})
		Evaluate(x, ref, "")
		return nil
	})
	return &out, err
}

// Unacknowledge ends the acknowledgement of a subject's open incident.
func (inc *Incidents) Unacknowledge(ctx context.Context, by engine.Actor, ref engine.Ref) error {
	return inc.Submit(ctx, by, func(x *state.Tx) error {
		in, s, err := openIncident(x, ref)
		if err != nil {
			return err
		}
		if in.Ack == nil {
			return engine.Conflictf("the incident is not acknowledged")
		}
		after, event := Unacknowledge(in, "ended by "+by.Name)
		event.By = by.Name
		x.Incidents.Put(in.ID, after)
		recordEvent(x, s, after, in.Status, event, after.Number)
		x.Audit("unacknowledge", ref.Kind, ref.ID, s.Name, nil, nil)
		Evaluate(x, ref, "")
		return nil
	})
}

// openIncident returns the open incident of a subject.
func openIncident(x *state.Tx, ref engine.Ref) (*engine.Incident, state.Target, error) {
	s, ok := x.Target(ref)
	if !ok {
		return nil, s, engine.Missing(ref.Kind)
	}
	if state := x.Subjects.Get(ref.Key()); state != nil {
		if in := x.Incidents.Get(state.Incident); in != nil && in.Closed == nil {
			return in, s, nil
		}
	}
	return nil, s, engine.Conflictf("%s is not failing", s.Name)
}

// AddNote adds a remark to an incident, open or closed, for people with a login.
func (inc *Incidents) AddNote(ctx context.Context, by engine.Actor, incident, text string) (*engine.Note, error) {
	return inc.addNote(ctx, by, incident, engine.Note{User: by.Name, Text: text})
}

// AddPublicNote is AddNote for everybody: where the subject is public, the public
// status page shows it.
func (inc *Incidents) AddPublicNote(ctx context.Context, by engine.Actor, incident, text string) (*engine.Note, error) {
	return inc.addNote(ctx, by, incident, engine.Note{User: by.Name, Text: text, Public: true})
}

func (inc *Incidents) addNote(ctx context.Context, by engine.Actor, incident string, note engine.Note) (*engine.Note, error) {
	stored, err := inc.incident(ctx, incident)
	if err != nil {
		return nil, err
	}
	err = inc.Submit(ctx, by, func(x *state.Tx) error {
		var p engine.Problems
		p.Text("text", note.Text, true, 10*engine.MaxComment)
		if err := p.Err(); err != nil {
			return err
		}
		in := x.Incidents.Get(incident)
		if in == nil {
			in = stored
		}
		if len(in.Notes) >= 1000 {
			return engine.Conflictf("the incident has 1,000 notes already")
		}
		note.At = x.Now.UTC()
		in = in.Copy()
		in.Notes = append(slices.Clone(in.Notes), note)
		x.Incidents.Put(incident, in)
		return nil
	})
	return &note, err
}

// TestAlert sends a test of one alert plugin of a subject to the actor alone.
func (inc *Incidents) TestAlert(ctx context.Context, by engine.Actor, ref engine.Ref, plugin string) (*engine.Delivery, error) {
	entry, known := inc.PluginEntry(plugin)
	var out engine.Delivery
	err := inc.Submit(ctx, by, func(x *state.Tx) error {
		s, ok := x.Target(ref)
		if !ok {
			return engine.Missing(ref.Kind)
		}
		var p engine.Problems
		switch {
		case plugin == "":
			p.Add("plugin", "required", "This field is required.")
		case !known || entry.Plugin == nil:
			p.Add("plugin", "not_found", "no plugin has this slug")
		case entry.Plugin.Meta().Kind != engine.AlertPlugin:
			p.Add("plugin", "invalid", "this is a check plugin, not an alert plugin")
		}
		if err := p.Err(); err != nil {
			return err
		}
		users := []string{}
		if x.Users.Get(by.User) != nil {
			users = append(users, by.User)
		}
		id, now := x.State.IDs.Event(), x.Now
		overall := x.Overall(ref)
		in := Open(id, state.IncidentKey(id), ref, s.Name, now) // never stored: a key of its own
		in.Status, in.Severity = overall, overall
		d := &engine.Delivery{
			ID:           id,
			Subject:      ref,
			SubjectName:  s.Name,
			Plugin:       plugin,
			Kind:         engine.AlertTest,
			State:        engine.DeliveryPending,
			Created:      now,
			Attempts:     []engine.Attempt{},
			Users:        users,
			DutyOfficers: []string{},
			Reached:      []string{},
			Deferred:     []engine.Held{},
			NextAttempt:  &now,
			Durable:      true,
			RetryFrom:    now,
		}
		d.Snapshot = Snapshot(x, s, in, overall, Event{Kind: engine.AlertTest, Status: overall}, 1, id, plugin)
		putDelivery(x, d)
		out = deliveryView(inc.State, *d)
		return nil
	})
	return &out, err
}
