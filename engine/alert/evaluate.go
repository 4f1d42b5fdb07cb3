package alert

import (
	"cmp"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/judge"
	"moonwatch/engine/oncall"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// TakeResult takes a result: it is stored, moves the check's status, and what
// depends on that is evaluated. r belongs to the state from then on; it may come again
// when the store has refused it. It returns what is stored.
func TakeResult(x *state.Tx, c *engine.Check, r *engine.Result) *engine.Result {
	old := x.States.Get(c.ID)
	if old == nil {
		old = engine.NewCheckState(c.ID, x.Now)
	}
	r.Check = c.ID
	r.Seq = max(old.Seq+1, uint64(r.Started.UnixMicro()))
	if last := x.LastResult(c.ID); last != nil {
		r.Seq = max(r.Seq, last.Seq+1)
	}
	state := judge.Judge(schedule.RuleOf(c, x.Now), old, r, x.Now)
	if len(old.Noted) > 0 {
		r = engine.CopyOf(r)
		r.Log, state.Noted = engine.LastLines(slices.Concat(old.Noted, r.Log)), nil
	}
	x.Results = append(x.Results, *r)
	x.Size += r.TextSize()
	x.Latest[c.ID] = r
	putCheckState(x, c, old, &state)
	noteForSuppressed(x, c, r)
	x.State.Grace.ResultSeen(x, c.ID)
	return r
}

// AgeCheck looks at a check whose time has come.
func AgeCheck(x *state.Tx, id string) {
	c, old := x.Checks.Get(id), x.States.Get(id)
	if c == nil || old == nil || !c.Active {
		return
	}
	if known := judge.Age(schedule.RuleOf(c, x.Now), old, x.Now); known != old {
		putCheckState(x, c, old, known)
	} else if at, ok := judge.AgeDue(schedule.RuleOf(c, x.Now), known); ok {
		x.State.WakeAt(state.Timer{At: at, Check: id})
	}
}

// putCheckState puts a check's new state and evaluates its subjects when that can
// move them. A state that differs in nothing but the number of the result is
// not written: it is found again from the results. Most states are such, so that known
// is copied when it is put: it need not be on the heap.
func putCheckState(x *state.Tx, c *engine.Check, old, known *engine.CheckState) {
	if !same(known, old) || x.States.Get(c.ID) == nil {
		x.States.Put(c.ID, engine.CopyOf(known))
	}
	if at, ok := judge.AgeDue(schedule.RuleOf(c, x.Now), known); ok {
		x.State.WakeAt(state.Timer{At: at, Check: c.ID})
	}
	if known.Status != old.Status {
		x.Changed("check:"+c.ID, string(old.Status), string(known.Status), c.Active)
	}
	if known.UnknownCounts != old.UnknownCounts {
		Evaluate(x, engine.BuiltIn, "")
	}
	was, wasFailing := old.Failing()
	is, isFailing := known.Failing()
	moved, shown := was != is || wasFailing != isFailing || known.Flapping && !old.Flapping, known.Status != old.Status
	x.Moved = x.Moved || moved || shown || known.Counting()
	if !moved && !shown {
		return
	}
	for _, ref := range x.TargetsOf(c.ID) {
		// A status rule sees more than what counts as failing.
		if s, ok := x.Target(ref); moved || ok && s.StatusRule != "" {
			Evaluate(x, ref, "")
		}
	}
}

// same reports whether nothing but the sequence number differs.
func same(s *engine.CheckState, o *engine.CheckState) bool {
	if !slices.Equal(s.Window, o.Window) || !slices.Equal(s.Below, o.Below) || !sameTime(s.UnknownSince, o.UnknownSince) || !sameTime(s.PassingSince, o.PassingSince) || !slices.Equal(s.Noted, o.Noted) {
		return false
	}
	a, b := *s, *o
	for _, c := range []*engine.CheckState{&a, &b} {
		c.Window, c.Below, c.UnknownSince, c.PassingSince, c.Seq = nil, nil, nil, nil, 0
	}
	return equal(&a, &b)
}

func equal(s *engine.CheckState, o *engine.CheckState) bool {
	return s.Status == o.Status && s.Confirmed == o.Confirmed && s.Severity == o.Severity && s.Successes == o.Successes &&
		s.UnknownCounts == o.UnknownCounts && s.Cause == o.Cause && s.Since.Equal(o.Since) && s.History == o.History &&
		s.HistoryLen == o.HistoryLen && s.Flapping == o.Flapping && s.Error == o.Error &&
		s.LastFailed == o.LastFailed && s.Description == o.Description && s.DescribedBy == o.DescribedBy &&
		s.Problem == o.Problem && s.AwaitingFirst == o.AwaitingFirst && s.CountsAs == o.CountsAs
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// failingOf returns the active failing checks of a subject, in order of id.
func failingOf(x *state.Tx, s state.Target) []engine.FailingCheck {
	var out []engine.FailingCheck
	for _, id := range checksOf(x, s) {
		c, state := x.Checks.Get(id), x.States.Get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		if severity, ok := state.Failing(); ok {
			out = append(out, engine.FailingCheck{ID: id, Severity: severity, Flapping: state.Flapping})
		}
	}
	if s.Ref == engine.BuiltIn {
		for id := range x.State.Duty.Troubles() {
			out = append(out, engine.FailingCheck{ID: rotaCheck + id, Severity: engine.StatusWarning})
		}
		for slug := range unsent(x) {
			out = append(out, engine.FailingCheck{ID: unsentCheck + slug, Severity: engine.StatusWarning})
		}
	}
	slices.SortFunc(out, func(a, b engine.FailingCheck) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Evaluate derives the overall status of a subject anew and lets its incident
// react. reason says why failing checks went away, when it was not by results.
func Evaluate(x *state.Tx, ref engine.Ref, reason string) {
	s, exists := x.Target(ref)
	old := x.Subjects.Get(ref.Key())
	if !exists {
		s.Alerting = &engine.Alerting{}
		if old == nil {
			return
		}
		s.Name = subjectName(x, old)
	}
	if old == nil {
		old = &engine.SubjectState{Subject: ref, Overall: engine.StatusPassing, Old: engine.StatusPassing, Since: x.Now}
		if exists {
			x.Subjects.Put(ref.Key(), old)
			x.Changed(ref.Key(), "", string(engine.StatusPassing), true)
		}
	}
	e := evaluation{ref: ref, target: s, exists: exists, old: old, reason: reason, failing: failingOf(x, s)}
	e.known = overallState(x, &e)
	in := x.Incidents.Get(old.Incident)
	if in == nil && e.known.Overall != engine.StatusPassing {
		id := x.State.IDs.Event()
		in = Open(id, state.IncidentKey(id), ref, s.Name, x.Now)
		in.Enabled, in.Plugins = s.AlertsEnabled, PluginsOf(s.Alerting)
		e.known.Incident = id
	}
	if in != nil {
		evaluateIncident(x, &e, in.Copy())
	}
	switch {
	case !exists:
		x.Subjects.Delete(ref.Key())
		x.Changed(ref.Key(), string(e.known.Overall), "", false)
	case e.known != *old || in != nil:
		x.Subjects.Put(ref.Key(), &e.known)
	}
	if in != nil {
		lookAtChildren(x, ref)
	}
}

// evaluation is a subject that is looked at anew.
type evaluation struct {
	ref     engine.Ref
	target  state.Target
	exists  bool // false: it was deleted
	failing []engine.FailingCheck
	reason  string
	old     *engine.SubjectState
	known   engine.SubjectState // what takes the place of old
}

// overallState is the subject's state with the overall status of what fails now.
func overallState(x *state.Tx, e *evaluation) engine.SubjectState {
	overall, problem := overallOf(x, e.target, e.failing, nil)
	known := *e.old
	if known.Problem = problem; problem != "" { // what was wrong may have passed
		x.State.WakeAt(state.Timer{At: x.Now.Truncate(ruleRetry).Add(ruleRetry), Ref: e.ref})
	}
	if overall != e.old.Overall {
		known.Overall, known.Old, known.Since = overall, e.old.Overall, x.Now
		x.Changed(e.ref.Key(), string(e.old.Overall), string(overall), e.exists)
	}
	return known
}

// evaluateIncident lets the subject's incident, which is the caller's copy, react,
// and records its events. It puts the incident.
func evaluateIncident(x *state.Tx, e *evaluation, in *engine.Incident) {
	overall := e.known.Overall
	conditions := conditionsOf(x, e.target, in, overall, e.failing, e.reason)
	after, events := React(in, conditions, x.Now)
	after.SubjectName = e.target.Name
	if e.exists {
		// events are routed with the state they lead to; e.known may change after
		known := e.known
		x.Subjects.Put(e.ref.Key(), &known)
	}
	noteFailures(x, after, e)
	x.Incidents.Put(after.ID, after)
	if conditions.Alerting == engine.StatusPassing && overall != engine.StatusPassing {
		stopSends(x, after, conditions.Silence)
	}
	recordEvents(x, e, after, events, len(conditions.Steps))
	after = notifyPending(x, e.target, after)
	if after.Closed != nil {
		e.known.Incident = ""
		if len(after.Unsent) > 0 {
			x.State.EnqueueLater(func(x *state.Tx) error { Evaluate(x, engine.BuiltIn, ""); return nil })
		}
	} else if at, ok := ReactDue(after, conditions); ok {
		x.State.WakeAt(state.Timer{At: at, Ref: e.ref})
	}
}

// recordEvents records the events of an incident, those that are sent under the
// numbers up to the incident's. A step that reaches nobody is followed by the next
// one.
func recordEvents(x *state.Tx, e *evaluation, in *engine.Incident, events []Event, steps int) {
	number := in.Number
	for _, h := range events {
		if h.Held == "" {
			number--
		}
	}
	for i := 0; i < len(events); i++ {
		h := events[i]
		if h.Held == "" {
			number++
		}
		if reached := recordEvent(x, e.target, in, e.old.Overall, h, number); h.Step != 0 && !reached {
			if next, ok := afterStep(in, h, steps); ok {
				events = slices.Insert(events, i+1, next)
			}
		}
	}
}

// conditionsOf gathers what an incident reacts to. It may note in the incident,
// which is the caller's copy, how it stands to what its subject depends on.
func conditionsOf(x *state.Tx, s state.Target, in *engine.Incident, overall engine.Status, failing []engine.FailingCheck, reason string) Conditions {
	covered, silence, change := silenced(x, s, failing)
	if !change.IsZero() {
		x.State.WakeAt(state.Timer{At: change, Ref: s.Ref})
	}
	c := Conditions{
		Overall:  overall,
		Alerting: overall,
		Failing:  failing,
		Covered:  covered,
		Silence:  silence,
		Planned:  planned(x, s, failing),
		Plugins:  PluginsOf(s.Alerting),
		Enabled:  s.AlertsEnabled && !x.Site().PauseAlerts,
		Steps:    stepTimes(s.Alerting),
		Reason:   reason,
	}
	if len(covered) > 0 {
		c.Alerting, _ = overallOf(x, s, failing, covered)
	}
	if s.StatusRule != "" {
		c.Before, _ = overallOf(x, s, failing, in.Covered)
	}
	if !x.State.Grace.Holds(in.ID, x.Now) {
		c.Repeat = repeat(x.Site(), s.Alerting)
	}
	c.Held = heldByParents(x, s, in, overall)
	return c
}

// silencedWhole names the silence that covers all failing checks of an incident
// now, "" when something is left to tell.
func silencedWhole(x *state.Tx, s state.Target, in *engine.Incident) string {
	covered, silence, _ := silenced(x, s, in.Failing)
	if len(in.Failing) > 0 && len(covered) == len(in.Failing) {
		return silence
	}
	return ""
}

// stopSends gives up what a silence that begins finds waiting: when it ends,
// what exceeds what was told is sent.
func stopSends(x *state.Tx, in *engine.Incident, silence string) {
	for _, d := range waitingOf(x, in.ID) {
		if d.Kind != engine.AlertRecovery && !d.UnderWay() {
			putDelivery(x, supersede(d, silence))
		}
	}
}

// subjectName is the name of a subject that was deleted: its incident kept it.
func subjectName(x *state.Tx, state *engine.SubjectState) string {
	if in := x.Incidents.Get(state.Incident); in != nil {
		return in.SubjectName
	}
	return ""
}

func PluginsOf(a *engine.Alerting) []string {
	slugs := make([]string, 0, len(a.Alerts))
	for _, choice := range a.Alerts {
		slugs = append(slugs, choice.Plugin)
	}
	return slugs
}

// recordEvent records an event, routes it, and puts its deliveries into the outbox.
// It reports whether anybody can be told of it now, or is not to be.
func recordEvent(x *state.Tx, s state.Target, in *engine.Incident, was engine.Status, h Event, number int) (reached bool) {
	if h.Kind != engine.AlertRecovery && h.Held == "" {
		h.Held = silencedWhole(x, s, in)
	}
	event := engine.IncidentEvent{
		ID:         x.State.IDs.Event(),
		Incident:   in.ID,
		At:         x.Now,
		Kind:       h.Kind,
		Status:     h.Status,
		Detail:     h.Detail,
		Step:       h.Step,
		Checks:     engine.OrEmpty(h.Checks),
		By:         h.By,
		Decisions:  []engine.Decision{},
		Deliveries: []string{},
	}
	waiting := waitingOf(x, in.ID)
	routing := routing(x, s, in, h, waiting)
	plan, superseded, why := Route(in, h, routing)
	if why != nil {
		event.Decisions = why
	}
	reached = h.Step == 0 || h.Held != "" || routing.Paused || !routing.Enabled || reaches(x, in, h, plan, h.named(s))
	if !reached {
		event.Decisions = append(event.Decisions, engine.Decision{
			Step:    "escalation",
			Outcome: "nobody reached",
			Detail:  "nobody of this step can be reached now",
		})
	}
	for _, d := range waiting {
		if reason, ok := superseded[d.ID]; ok {
			putDelivery(x, supersede(d, reason))
		}
	}
	for _, p := range plan {
		id := x.State.IDs.Event()
		now := x.Now
		d := &engine.Delivery{
			ID:           id,
			Incident:     in.ID,
			Event:        event.ID,
			Subject:      in.Subject,
			SubjectName:  in.SubjectName,
			Plugin:       p.Plugin,
			Kind:         p.Kind,
			State:        engine.DeliveryPending,
			Created:      now,
			Attempts:     []engine.Attempt{},
			Users:        engine.OrEmpty(p.Users),
			DutyOfficers: engine.OrEmpty(p.DutyOfficers),
			Reached:      []string{},
			Deferred:     engine.OrEmpty(p.Deferred),
			NextAttempt:  &now,
			Durable:      !x.State.MemoryOnly.Load(),
			Update:       p.Update,
			RetryFrom:    now,
			Step:         h.Step,
		}
		d.Snapshot = Snapshot(x, s, in, was, h, number, id, p.Plugin)
		event.Deliveries = append(event.Deliveries, id)
		putDelivery(x, d)
	}
	x.Write(engine.KindIncidentEvent, in.ID+"/"+event.ID, &event, "incident:"+in.ID)
	return reached
}

// routing gathers what Route looks at: the subject's people and plugins, those
// of the escalation steps taken so far, and whoever is on duty.
func routing(x *state.Tx, s state.Target, in *engine.Incident, h Event, waiting []*engine.Delivery) Routing {
	r := Routing{
		Subject: PluginsOf(s.Alerting),
		Known:   x.State.Routes.Known(),
		Enabled: s.AlertsEnabled,
		Paused:  x.Site().PauseAlerts,
		Waiting: waiting,
	}
	if h.Only != nil {
		if h.Only.List == engine.ListDuty {
			r.Duty = people(x, []string{h.Only.User})
		} else {
			r.Users = people(x, []string{h.Only.User})
		}
		return r
	}
	users, rotas := s.UsersToNotify, s.Rotas
	if s.Ref == engine.BuiltIn {
		users, r.Subject = builtInCircle(x, s)
	}
	steps := stepsOf(s.Alerting)
	for i := 0; i < in.Steps && i < len(steps); i++ {
		step := steps[i]
		if h.Step == i+1 { // the step's event goes to its own circle alone
			users, rotas = step.Users, step.Rotas
			if len(step.Plugins) > 0 {
				r.Subject = step.Plugins
			}
			break
		}
		users = slices.Concat(users, step.Users)
		rotas = slices.Concat(rotas, step.Rotas)
		for _, p := range step.Plugins {
			if !slices.Contains(r.Subject, p) {
				r.Subject = append(r.Subject, p)
			}
		}
	}
	var fallback []string
	if in.Fallback {
		fallback = fallbackOf(x, s, in, r.Subject)
	}
	if h.Step == fallbackStep {
		r.Duty = people(x, fallback)
		return r
	}
	r.Users = people(x, users)
	if h.Step == 0 || len(rotas) > 0 {
		r.Duty = people(x, oncall.OnDuty(x, rotas))
	}
	if h.Step == 0 {
		r.Duty = append(r.Duty, people(x, fallback)...)
	}
	return r
}

// putDelivery puts a delivery and wakes its lane once that is durable.
func putDelivery(x *state.Tx, d *engine.Delivery) {
	x.Deliveries.Put(d.ID, d)
	l := d.Lane()
	x.WhenDurable(func() { x.State.Hooks.Deliver(l) })
}

// waitingOf returns the active deliveries of an incident, oldest first.
func waitingOf(x *state.Tx, incident string) []*engine.Delivery {
	found := map[string]bool{}
	for id := range x.Tables.Waiting[incident] {
		found[id] = true
	}
	for id := range x.Deliveries.Touched() {
		found[id] = true
	}
	var out []*engine.Delivery
	for id := range found {
		if d := x.Deliveries.Get(id); d != nil && d.Incident == incident && d.Active() {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *engine.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func people(x *state.Tx, ids []string) []Person {
	var out []Person
	for _, id := range ids {
		if u := x.Users.Get(id); u != nil {
			out = append(out, Person{u.ID, u.Username, u.Active})
		}
	}
	return out
}
