package alert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/judge"
)

// gatherTime is how long further failing checks are gathered for one message.
const gatherTime = 30 * time.Second

// Conditions is what an incident stands in: everything that React looks at
// besides the incident itself.
type Conditions struct {
	Overall  engine.Status         // now
	Alerting engine.Status         // the overall status over what no silence covers
	Failing  []engine.FailingCheck // now, in order of id
	Covered  []string              // failing checks that a silence covers, in order of id
	Before   engine.Status         // the alerting status, were covered what was when it was last acted upon; "" is by the default rule
	Silence  string                // names the silence, for people
	Planned  bool                  // maintenance covers all that fails
	Held     string                // why a first firing is held back: "" or what it waits for or is suppressed by
	Steps    []time.Duration       // after which nobody having acknowledged widens the circle, rising
	Plugins  []string              // alert plugins of the subject
	Enabled  bool                  // alerts_enabled
	Repeat   func(engine.Status) time.Duration
	Reason   string // why failing checks went away, when not by results
}

// before is the alerting status as it would be had no silence begun or ended.
func (s *Conditions) before(in *engine.Incident) engine.Status {
	return cmp.Or(s.Before, judge.Overall(uncovered(s.Failing, in.Covered)))
}

// Event is an event that React decided on.
type Event struct {
	Kind    engine.AlertKind
	Status  engine.Status
	Detail  string
	Plugins []string // nil: all of the subject's
	// UpdatersOnly limits the event to plugins with send_alert_update.
	UpdatersOnly bool
	Step         int                // escalation step, from 1, or fallbackStep; 0 is none
	Held         string             // not "": recorded, with the reason, and not sent
	Only         *engine.HeldPerson // to this person alone
}

// Open starts an incident. Its first event comes from React.
func Open(id, key string, subject engine.Ref, name string, now time.Time) *engine.Incident {
	return &engine.Incident{ID: id, Key: key, Subject: subject, SubjectName: name, Opened: now, Severity: engine.StatusPassing,
		Status: engine.StatusPassing, Alerting: engine.StatusPassing, LastEvent: now, Told: map[string]*engine.Told{}}
}

// React decides what happens in an open incident in a situation at the instant
// now: it returns the incident after, and the events in order. It is pure. A
// situation without change gives no events but those whose time has come.
func React(old *engine.Incident, s Conditions, now time.Time) (*engine.Incident, []Event) {
	in := old.Copy()
	first := !in.Fired
	in.Status = s.Overall
	switch {
	case old.Severity == engine.StatusPassing: // it begins
		in.Maintenance = s.Planned
	case in.Maintenance && !s.Planned && s.Overall != engine.StatusPassing:
		in.Maintenance, in.Unplanned = false, &now
	}
	if s.Overall.Rank() > in.Severity.Rank() {
		in.Severity = s.Overall
	}
	if s.Overall == engine.StatusPassing {
		return close(in, s, now)
	}
	var out []Event
	general := false // something went to everybody: the repeat is timed from it
	emit := func(h Event) {
		h.Status = s.Overall
		out = append(out, h)
		if h.Kind != engine.AlertAcknowledged && h.Kind != engine.AlertUnacknowledged && !h.UpdatersOnly {
			in.LastEvent, general = now, true
		}
		in.Number++
	}
	if in.Ack != nil && in.Ack.Expires != nil && !now.Before(*in.Ack.Expires) {
		in.Ack = nil
		emit(Event{Kind: engine.AlertUnacknowledged, Detail: "the acknowledgement ran out"})
	}
	open := uncovered(s.Failing, s.Covered)
	added, gone := difference(uncovered(in.Failing, in.Covered), open)
	// What a silence covers from now on did not recover, and what it no longer
	// covers did not begin to fail.
	added, gone = except(added, in.Covered), except(gone, s.Covered)
	silencedNow := s.Alerting == engine.StatusPassing
	switch {
	case !in.Fired && (silencedNow || s.Held != ""):
		held := s.Held
		if silencedNow {
			held = s.Silence
		}
		if held != in.HeldBy {
			in.HeldBy = held
			out = append(out, Event{Kind: engine.AlertFiring, Status: s.Overall, Held: held})
		}
	case !in.Fired:
		in.Fired, in.Gather, in.HeldBy = true, nil, ""
		in.Alerting = s.Alerting
		emit(Event{Kind: engine.AlertFiring})
	case silencedNow:
		// What was told stands, and is compared with when the silence ends.
		in.Gather, in.Fired = nil, in.ToldStatus != ""
		in.Alerting = lower(cmp.Or(in.ToldStatus, engine.StatusPassing), s.Overall)
	case s.Alerting.Rank() > in.Alerting.Rank():
		unveiled := s.before(in).Rank() <= in.Alerting.Rank()
		in.Alerting = s.Alerting
		if !unveiled || s.Alerting.Rank() > in.ToldStatus.Rank() {
			in.Ack, in.Gather = nil, nil
			emit(Event{Kind: engine.AlertEscalation})
		}
	case s.Alerting.Rank() < in.Alerting.Rank():
		veiled := s.before(in).Rank() >= in.Alerting.Rank()
		in.Gather, in.Alerting = nil, s.Alerting
		if !veiled { // a fall caused by a silence beginning sends nothing
			emit(Event{Kind: engine.AlertDeescalation})
		}
	case len(added) > 0:
		if in.Gather == nil {
			in.Gather = &engine.Gather{Until: now.Add(gatherTime)}
		}
		in.Gather.Checks = append(in.Gather.Checks, added...)
	case len(gone) > 0 && in.Gather == nil:
		emit(Event{Kind: engine.AlertUpdate, Detail: "a check recovered", UpdatersOnly: true})
	}
	in.Failing, in.Covered = s.Failing, s.Covered
	newcomers(in, s, first, emit)
	if in.Gather != nil && !now.Before(in.Gather.Until) {
		in.Gather = nil
		emit(Event{Kind: engine.AlertUpdate, Detail: "further checks failed or began to flap"})
	}
	if in.Fired && in.Ack == nil && !silencedNow {
		for in.Steps < len(s.Steps) && !now.Before(in.Opened.Add(s.Steps[in.Steps])) {
			in.Steps++
			emit(Event{Kind: engine.AlertEscalation, Detail: fmt.Sprintf("nobody acknowledged: step %d", in.Steps), Step: in.Steps})
		}
	}
	if due, ok := repeatDue(in, s); ok && !now.Before(due) && !general {
		emit(Event{Kind: engine.AlertRepeat})
	}
	return in, out
}

// newcomers fires through plugins that were added, or all when alerts were
// turned on, during the incident.
func newcomers(in *engine.Incident, s Conditions, first bool, emit func(Event)) {
	was, enabled := in.Plugins, in.Enabled
	in.Plugins, in.Enabled = slices.Clone(s.Plugins), s.Enabled
	if first || !s.Enabled || s.Alerting == engine.StatusPassing {
		return
	}
	if !enabled {
		emit(Event{Kind: engine.AlertFiring, Detail: "alerts were turned on"})
		return
	}
	var added []string
	for _, p := range s.Plugins {
		if !slices.Contains(was, p) {
			added = append(added, p)
		}
	}
	if len(added) > 0 {
		emit(Event{Kind: engine.AlertFiring, Detail: "an alert plugin was added", Plugins: added})
	}
}

func close(in *engine.Incident, s Conditions, now time.Time) (*engine.Incident, []Event) {
	in.Closed, in.Reason = &now, s.Reason
	in.Ack, in.Gather = nil, nil
	in.Alerting, in.Failing = engine.StatusPassing, nil
	in.LastEvent = now
	in.Number++
	return in, []Event{{Kind: engine.AlertRecovery, Status: engine.StatusPassing, Detail: s.Reason}}
}

// repeatDue returns when the next repeat is due; ok is false while there is none.
func repeatDue(in *engine.Incident, s Conditions) (time.Time, bool) {
	if in.Ack != nil || !in.Fired || s.Alerting == engine.StatusPassing || s.Repeat == nil {
		return time.Time{}, false
	}
	return in.LastEvent.Add(max(s.Repeat(s.Alerting), time.Second)), true
}

// ReactDue returns when React is to be asked again though nothing happens.
func ReactDue(in *engine.Incident, s Conditions) (time.Time, bool) {
	due, ok := repeatDue(in, s)
	sooner := func(at time.Time) {
		if !ok || at.Before(due) {
			due, ok = at, true
		}
	}
	if in.Gather != nil {
		sooner(in.Gather.Until)
	}
	if in.Ack != nil && in.Ack.Expires != nil {
		sooner(*in.Ack.Expires)
	}
	if in.Fired && in.Ack == nil && in.Steps < len(s.Steps) && s.Alerting != engine.StatusPassing {
		sooner(in.Opened.Add(s.Steps[in.Steps]))
	}
	if p := in.Suppressed; p != nil && !p.Until.IsZero() && !in.Fired {
		sooner(p.Until)
	}
	return due, ok
}

// tell records that a plugin reached people, and with which settings of the subject.
func tell(in *engine.Incident, plugin string, users map[string]engine.List, settings form.Values, now time.Time) {
	told := &engine.Told{At: now, Users: map[string]engine.List{}, Settings: settings}
	if old := in.Told[plugin]; old != nil {
		told.At = old.At
		for id, list := range old.Users {
			told.Users[id] = list
		}
	}
	for id, list := range users {
		if _, ok := told.Users[id]; !ok {
			told.Users[id] = list
		}
	}
	if in.Told == nil {
		in.Told = map[string]*engine.Told{}
	}
	in.Told[plugin] = told
}

// Acknowledge returns the incident with somebody taking care of it, and the
// event that says so. It is pure.
func Acknowledge(old *engine.Incident, ack engine.Acknowledgement) (*engine.Incident, Event) {
	in := old.Copy()
	in.Ack = &ack
	in.Number++
	return in, Event{Kind: engine.AlertAcknowledged, Status: in.Status, Detail: ack.Comment}
}

// Unacknowledge returns the incident without its acknowledgement, and the event
// that says so. It is pure.
func Unacknowledge(old *engine.Incident, why string) (*engine.Incident, Event) {
	in := old.Copy()
	in.Ack = nil
	in.Number++
	return in, Event{Kind: engine.AlertUnacknowledged, Status: in.Status, Detail: why}
}

func lower(a, b engine.Status) engine.Status {
	if a.Rank() < b.Rank() {
		return a
	}
	return b
}

// uncovered returns the failing checks that no silence covers.
func uncovered(failing []engine.FailingCheck, covered []string) []engine.FailingCheck {
	if len(covered) == 0 {
		return failing
	}
	var out []engine.FailingCheck
	for _, f := range failing {
		if !slices.Contains(covered, f.ID) {
			out = append(out, f)
		}
	}
	return out
}

func except(ids, those []string) []string {
	if len(those) == 0 {
		return ids
	}
	return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(those, id) })
}

// difference tells which checks fail anew, and which no longer. One that begins
// to flap while it fails is told of like one that begins to fail: why it is
// quiet from then on has to be said once.
func difference(old, now []engine.FailingCheck) (added, gone []string) {
	was, flapped := make(map[string]bool, len(old)), make(map[string]bool, len(old))
	for _, f := range old {
		was[f.ID], flapped[f.ID] = true, f.Flapping
	}
	for _, f := range now {
		if !was[f.ID] || f.Flapping && !flapped[f.ID] {
			added = append(added, f.ID)
		}
		delete(was, f.ID)
	}
	for _, f := range old {
		if was[f.ID] {
			gone = append(gone, f.ID)
		}
	}
	return added, gone
}
