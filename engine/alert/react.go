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
	Checks  []string // those that it is about, where it is about some
	By      string   // the username of who did it
	Plugins []string // nil: all of the subject's
	// UpdatersOnly limits the event to plugins with send_alert_update.
	UpdatersOnly bool
	Step         int                      // escalation step, from 1, or fallbackStep; 0 is none
	Held         string                   // not "": recorded, with the reason, and not sent
	Only         *engine.PendingRecipient // to this person alone
}

// Open starts an incident. Its first event comes from React.
func Open(id, key string, subject engine.Ref, name string, now time.Time) *engine.Incident {
	return &engine.Incident{ID: id, Key: key, Subject: subject, SubjectName: name, Opened: now, Severity: engine.StatusPassing,
		Status: engine.StatusPassing, Alerting: engine.StatusPassing, LastEvent: now, Notified: map[string]*engine.Notified{}}
}

// React decides what happens in an open incident under conditions at the instant
// now: it returns the incident after, and the events in order. It is pure.
// Conditions without change give no events but those whose time has come.
func React(old *engine.Incident, s Conditions, now time.Time) (*engine.Incident, []Event) {
	r := &reaction{in: old.Copy(), conditions: s, now: now, first: !old.Fired, silenced: s.Alerting == engine.StatusPassing}
	r.noteStatus()
	if s.Overall == engine.StatusPassing {
		r.close()
		return r.in, r.events
	}
	r.ackRanOut()
	r.statusMoved()
	r.alertsAdded()
	r.gatherEnded()
	r.stepsDue()
	r.repeatDue()
	return r.in, r.events
}

// reaction is React at work: a method for each thing that may have happened,
// which changes the incident and emits the events.
type reaction struct {
	in         *engine.Incident
	conditions Conditions
	now        time.Time
	first      bool // nothing was fired before
	silenced   bool // by a silence over all that fails
	events     []Event
	general    bool // an event went to everybody: the repeat is timed from it
}

func (r *reaction) emit(e Event) {
	e.Status = r.conditions.Overall
	r.events = append(r.events, e)
	if e.Kind != engine.AlertAcknowledged && e.Kind != engine.AlertUnacknowledged && !e.UpdatersOnly {
		r.in.LastEvent, r.general = r.now, true
	}
	r.in.Number++
}

// noteStatus takes over the overall status, and how far the incident lies in
// maintenance.
func (r *reaction) noteStatus() {
	in, s := r.in, &r.conditions
	in.Status = s.Overall
	switch {
	case in.Severity == engine.StatusPassing: // it begins
		in.Maintenance = s.Planned
	case in.Maintenance && !s.Planned && s.Overall != engine.StatusPassing:
		in.Maintenance, in.Unplanned = false, &r.now
	}
	if s.Overall.Rank() > in.Severity.Rank() {
		in.Severity = s.Overall
	}
}

// close ends the incident.
func (r *reaction) close() {
	in, s := r.in, &r.conditions
	in.Closed, in.Reason = &r.now, s.Reason
	in.Ack, in.Gather = nil, nil
	in.Alerting, in.Failing = engine.StatusPassing, nil
	r.emit(Event{Kind: engine.AlertRecovery, Detail: s.Reason})
}

// ackRanOut ends an acknowledgement whose time is over.
func (r *reaction) ackRanOut() {
	if ack := r.in.Ack; ack != nil && ack.Expires != nil && !r.now.Before(*ack.Expires) {
		r.in.Ack = nil
		r.emit(Event{Kind: engine.AlertUnacknowledged, Detail: "the acknowledgement ran out"})
	}
}

// statusMoved compares what fails with what was last acted upon.
func (r *reaction) statusMoved() {
	in, s := r.in, &r.conditions
	switch {
	case !in.Fired && (r.silenced || s.Held != ""):
		r.holdFirst()
	case !in.Fired:
		in.Fired, in.Gather, in.HeldBy = true, nil, ""
		in.Alerting = s.Alerting
		r.emit(Event{Kind: engine.AlertFiring})
	case r.silenced:
		// What was told stands, and is compared with when the silence ends.
		in.Gather, in.Fired = nil, in.NotifiedStatus != ""
		in.Alerting = lower(cmp.Or(in.NotifiedStatus, engine.StatusPassing), s.Overall)
	case s.Alerting.Rank() > in.Alerting.Rank():
		r.rise()
	case s.Alerting.Rank() < in.Alerting.Rank():
		r.fall()
	default:
		r.checksMoved()
	}
	in.Failing, in.Covered = s.Failing, s.Covered
}

// holdFirst records, once for each reason, why the first firing is not sent.
func (r *reaction) holdFirst() {
	held := r.conditions.Held
	if r.silenced {
		held = r.conditions.Silence
	}
	if held != r.in.HeldBy {
		r.in.HeldBy = held
		r.events = append(r.events, Event{Kind: engine.AlertFiring, Status: r.conditions.Overall, Held: held})
	}
}

// rise escalates. A rise that is but the end of a silence sends nothing, unless
// it exceeds what people were told.
func (r *reaction) rise() {
	in, s := r.in, &r.conditions
	revealed := s.before(in).Rank() <= in.Alerting.Rank()
	in.Alerting = s.Alerting
	if !revealed || s.Alerting.Rank() > in.NotifiedStatus.Rank() {
		in.Ack, in.Gather = nil, nil
		r.emit(Event{Kind: engine.AlertEscalation})
	}
}

// fall deescalates. A fall that is but the begin of a silence sends nothing.
func (r *reaction) fall() {
	in, s := r.in, &r.conditions
	hidden := s.before(in).Rank() >= in.Alerting.Rank()
	in.Gather, in.Alerting = nil, s.Alerting
	if !hidden {
		r.emit(Event{Kind: engine.AlertDeescalation})
	}
}

// checksMoved gathers checks that fail besides for one message, and updates
// messages when one recovered. What a silence covers from now on did not recover,
// and what it no longer covers did not begin to fail.
func (r *reaction) checksMoved() {
	in, s := r.in, &r.conditions
	added, gone := difference(uncovered(in.Failing, in.Covered), uncovered(s.Failing, s.Covered))
	added, gone = except(added, in.Covered), except(gone, s.Covered)
	switch {
	case len(added) > 0:
		if in.Gather == nil {
			in.Gather = &engine.Gather{Until: r.now.Add(gatherTime)}
		}
		in.Gather.Checks = append(in.Gather.Checks, added...)
	case len(gone) > 0 && in.Gather == nil:
		r.emit(Event{Kind: engine.AlertUpdate, Detail: "a check recovered", Checks: gone, UpdatersOnly: true})
	}
}

// alertsAdded fires through plugins that were added, or all when alerts were
// turned on, during the incident.
func (r *reaction) alertsAdded() {
	in, s := r.in, &r.conditions
	was, enabled := in.Plugins, in.Enabled
	in.Plugins, in.Enabled = slices.Clone(s.Plugins), s.Enabled
	if r.first || !s.Enabled || r.silenced {
		return
	}
	if !enabled {
		r.emit(Event{Kind: engine.AlertFiring, Detail: "alerts were turned on"})
		return
	}
	var added []string
	for _, p := range s.Plugins {
		if !slices.Contains(was, p) {
			added = append(added, p)
		}
	}
	if len(added) > 0 {
		r.emit(Event{Kind: engine.AlertFiring, Detail: "an alert plugin was added", Plugins: added})
	}
}

// gatherEnded tells of the checks that were gathered.
func (r *reaction) gatherEnded() {
	if r.in.Gather != nil && !r.now.Before(r.in.Gather.Until) {
		checks := r.in.Gather.Checks
		r.in.Gather = nil
		r.emit(Event{Kind: engine.AlertUpdate, Detail: "further checks failed or began to flap", Checks: checks})
	}
}

// stepsDue widens the circle while nobody acknowledges.
func (r *reaction) stepsDue() {
	in, steps := r.in, r.conditions.Steps
	if !in.Fired || in.Ack != nil || r.silenced {
		return
	}
	for in.Steps < len(steps) && !r.now.Before(in.Opened.Add(steps[in.Steps])) {
		in.Steps++
		r.emit(Event{Kind: engine.AlertEscalation, Detail: fmt.Sprintf("nobody acknowledged: step %d", in.Steps), Step: in.Steps})
	}
}

// repeatDue reminds of what nobody acknowledged.
func (r *reaction) repeatDue() {
	if due, ok := nextRepeat(r.in, r.conditions); ok && !r.now.Before(due) && !r.general {
		r.emit(Event{Kind: engine.AlertRepeat})
	}
}

// nextRepeat returns when the next repeat is due; ok is false while there is none.
func nextRepeat(in *engine.Incident, s Conditions) (time.Time, bool) {
	if in.Ack != nil || !in.Fired || s.Alerting == engine.StatusPassing || s.Repeat == nil {
		return time.Time{}, false
	}
	return in.LastEvent.Add(max(s.Repeat(s.Alerting), time.Second)), true
}

// ReactDue returns when React is to be asked again though nothing happens.
func ReactDue(in *engine.Incident, s Conditions) (time.Time, bool) {
	due, ok := nextRepeat(in, s)
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

// recordNotified records that a plugin reached people, and with which settings of the subject.
func recordNotified(in *engine.Incident, plugin string, users map[string]engine.List, settings form.Values, now time.Time) {
	notified := &engine.Notified{At: now, Users: map[string]engine.List{}, Settings: settings}
	if old := in.Notified[plugin]; old != nil {
		notified.At = old.At
		for id, list := range old.Users {
			notified.Users[id] = list
		}
	}
	for id, list := range users {
		if _, ok := notified.Users[id]; !ok {
			notified.Users[id] = list
		}
	}
	if in.Notified == nil {
		in.Notified = map[string]*engine.Notified{}
	}
	in.Notified[plugin] = notified
}

// Acknowledge returns the incident with somebody taking care of it, and the
// event that says so. It is pure.
func Acknowledge(old *engine.Incident, ack engine.Acknowledgement) (*engine.Incident, Event) {
	in := old.Copy()
	in.Ack, in.LastAck = &ack, &ack
	in.Number++
	return in, Event{Kind: engine.AlertAcknowledged, Status: in.Status, Detail: ack.Comment, By: ack.Username}
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
