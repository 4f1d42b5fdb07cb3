package engine

import (
	"cmp"
	"slices"
	"time"
)

// judge takes a result: it is stored, moves the check's status, and what
// depends on that is evaluated.
func (x *tx) judge(c *Check, r Result) *Result {
	old := x.states.get(c.ID)
	if old == nil {
		old = NewCheckState(c.ID, x.now)
	}
	r.Check = c.ID
	r.Seq = max(old.Seq+1, uint64(r.Started.UnixMicro()))
	if last := x.lastResult(c.ID); last != nil {
		r.Seq = max(r.Seq, last.Seq+1)
	}
	state := Judge(c.rule(), old, &r, x.now)
	if len(old.Noted) > 0 {
		r.Log, state.Noted = lastLines(slices.Concat(old.Noted, r.Log)), nil
	}
	x.results = append(x.results, r)
	x.size += r.textSize()
	x.latest[c.ID] = &r
	x.settle(c, old, state)
	x.noteForSuppressed(c, &r)
	x.e.heard(x, c.ID)
	return &r
}

// age looks at a check whose time has come.
func (x *tx) age(id string) {
	c, old := x.checks.get(id), x.states.get(id)
	if c == nil || old == nil || !c.Active {
		return
	}
	if state := Age(c.rule(), old, x.now); state != old {
		x.settle(c, old, state)
	} else if at, ok := AgeDue(c.rule(), state); ok {
		x.e.remind(due{at: at, check: id})
	}
}

// settle puts a check's new state and evaluates its subjects when that can
// move them. A state that differs in nothing but the number of the result is
// not written: it is found again from the results.
func (x *tx) settle(c *Check, old, state *CheckState) {
	if !state.same(old) || x.states.get(c.ID) == nil {
		x.states.put(c.ID, state)
	}
	if at, ok := AgeDue(c.rule(), state); ok {
		x.e.remind(due{at: at, check: c.ID})
	}
	if state.Status != old.Status {
		x.changed("check:"+c.ID, string(old.Status), string(state.Status), c.Active)
	}
	if state.UnknownCounts != old.UnknownCounts {
		x.evaluate(builtIn, "")
	}
	was, wasFailing := old.Failing()
	is, isFailing := state.Failing()
	moved, shown := was != is || wasFailing != isFailing || state.Flapping && !old.Flapping, state.Status != old.Status
	if !moved && !shown {
		return
	}
	for _, ref := range x.subjectsOf(c.ID) {
		// A status rule sees more than what counts as failing.
		if s, ok := x.subject(ref); moved || ok && s.StatusRule != "" {
			x.evaluate(ref, "")
		}
	}
}

// same reports whether nothing but the sequence number differs.
func (s *CheckState) same(o *CheckState) bool {
	if !slices.Equal(s.Window, o.Window) || !slices.Equal(s.Below, o.Below) || !sameTime(s.UnknownSince, o.UnknownSince) || !sameTime(s.PassingSince, o.PassingSince) || !slices.Equal(s.Noted, o.Noted) {
		return false
	}
	a, b := *s, *o
	for _, c := range []*CheckState{&a, &b} {
		c.Window, c.Below, c.UnknownSince, c.PassingSince, c.Seq = nil, nil, nil, nil, 0
	}
	return a.equal(&b)
}

func (s *CheckState) equal(o *CheckState) bool {
	return s.Status == o.Status && s.Held == o.Held && s.Severity == o.Severity && s.Successes == o.Successes &&
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

// failing returns the active failing checks of a subject, in order of id.
func (x *tx) failing(s subject) []FailingCheck {
	var out []FailingCheck
	for _, id := range x.checksOf(s) {
		c, state := x.checks.get(id), x.states.get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		if severity, ok := state.Failing(); ok {
			out = append(out, FailingCheck{id, severity, state.Flapping})
		}
	}
	if s.ref == builtIn {
		for id := range x.e.duty.troubles() {
			out = append(out, FailingCheck{ID: rotaCheck + id, Severity: StatusWarning})
		}
		for slug := range x.unsent() {
			out = append(out, FailingCheck{ID: unsentCheck + slug, Severity: StatusWarning})
		}
	}
	slices.SortFunc(out, func(a, b FailingCheck) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// evaluate derives the overall status of a subject anew and lets its incident
// react. reason says why failing checks went away, when it was not by results.
func (x *tx) evaluate(ref Ref, reason string) {
	s, exists := x.subject(ref)
	old := x.subjects.get(ref.key())
	if !exists {
		s.Alerting = &Alerting{}
		if old == nil {
			return
		}
		s.name = x.subjectName(old)
	}
	if old == nil {
		old = &SubjectState{Subject: ref, Overall: StatusPassing, Old: StatusPassing, Since: x.now}
		if exists {
			x.subjects.put(ref.key(), old)
			x.changed(ref.key(), "", string(StatusPassing), true)
		}
	}
	failing := x.failing(s)
	overall, problem := x.overallOf(s, failing, nil)
	state := *old
	if state.Problem = problem; problem != "" { // what was wrong may have passed
		x.e.remind(due{at: x.now.Truncate(ruleRetry).Add(ruleRetry), ref: ref})
	}
	if overall != old.Overall {
		state.Overall, state.Old, state.Since = overall, old.Overall, x.now
		x.changed(ref.key(), string(old.Overall), string(overall), exists)
	}
	in := x.incidents.get(old.Incident)
	if in == nil && overall != StatusPassing {
		id := x.e.eventID()
		in = Open(id, incidentKey(id), ref, s.name, x.now)
		in.Enabled, in.Plugins = s.AlertsEnabled, s.plugins()
		state.Incident = id
	}
	if in != nil {
		in = in.copy()
		situation := x.situation(s, in, overall, failing, reason)
		after, events := React(in, situation, x.now)
		after.SubjectName = s.name
		if exists {
			// events are routed with the state they lead to
			x.subjects.put(ref.key(), &state)
		}
		x.incidents.put(after.ID, after)
		if situation.Alerting == StatusPassing && overall != StatusPassing {
			x.stopSends(after, situation.Silence)
		}
		number := after.Number
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
			if reached := x.happen(s, after, old.Overall, h, number); h.Step != 0 && !reached {
				if next, ok := after.afterStep(h, len(situation.Steps)); ok {
					events = slices.Insert(events, i+1, next)
				}
			}
		}
		after = x.tellHeldBack(s, after)
		if after.Closed != nil {
			state.Incident = ""
			if len(after.Unsent) > 0 {
				x.e.postLater(func(x *tx) error { x.evaluate(builtIn, ""); return nil })
			}
		} else if at, ok := ReactDue(after, situation); ok {
			x.e.remind(due{at: at, ref: ref})
		}
	}
	switch {
	case !exists:
		x.subjects.delete(ref.key())
		x.changed(ref.key(), string(overall), "", false)
	case state != *old || in != nil:
		x.subjects.put(ref.key(), &state)
	}
	if in != nil {
		x.lookAtChildren(ref)
	}
}

// situation gathers what an incident reacts to. It may note in the incident,
// which is the caller's copy, how it stands to what its subject depends on.
func (x *tx) situation(s subject, in *Incident, overall Status, failing []FailingCheck, reason string) Situation {
	covered, silence, change := x.silenced(s, failing)
	if !change.IsZero() {
		x.e.remind(due{at: change, ref: s.ref})
	}
	situation := Situation{Overall: overall, Alerting: overall, Failing: failing, Covered: covered,
		Silence: silence, Planned: x.planned(s, failing), Plugins: s.plugins(), Enabled: s.AlertsEnabled && !x.site().PauseAlerts, Steps: s.stepTimes(), Reason: reason}
	if len(covered) > 0 {
		situation.Alerting, _ = x.overallOf(s, failing, covered)
	}
	if s.StatusRule != "" {
		situation.Before, _ = x.overallOf(s, failing, in.Covered)
	}
	if !x.e.holding(in.ID) {
		situation.Repeat = x.repeat(s)
	}
	situation.Held = x.heldByParents(s, in, overall)
	return situation
}

// silencedWhole names the silence that covers all failing checks of an incident
// now, "" when something is left to tell.
func (x *tx) silencedWhole(s subject, in *Incident) string {
	covered, silence, _ := x.silenced(s, in.Failing)
	if len(in.Failing) > 0 && len(covered) == len(in.Failing) {
		return silence
	}
	return ""
}

// stopSends gives up what a silence that begins finds waiting: when it ends,
// what exceeds what was told is sent.
func (x *tx) stopSends(in *Incident, silence string) {
	for _, d := range x.waitingOf(in.ID) {
		if d.Kind != AlertRecovery && !d.UnderWay() {
			x.putDelivery(d.supersede(silence))
		}
	}
}

// subjectName is the name of a subject that was deleted: its incident kept it.
func (x *tx) subjectName(state *SubjectState) string {
	if in := x.incidents.get(state.Incident); in != nil {
		return in.SubjectName
	}
	return ""
}

func (a *Alerting) plugins() []string {
	slugs := make([]string, 0, len(a.Alerts))
	for _, choice := range a.Alerts {
		slugs = append(slugs, choice.Plugin)
	}
	return slugs
}

// repeat returns the repeat interval by severity: the subject's own, else the site's.
func (x *tx) repeat(s subject) func(Status) time.Duration {
	site := x.site()
	return func(severity Status) time.Duration {
		if d := s.RepeatInterval[severity]; d > 0 {
			return d.Std()
		}
		if d := site.RepeatInterval[severity]; d > 0 {
			return d.Std()
		}
		return defaultRepeat()[severity].Std()
	}
}

// happen records an event, routes it, and puts its deliveries into the outbox.
// It reports whether anybody can be told of it now, or is not to be.
func (x *tx) happen(s subject, in *Incident, was Status, h Happening, number int) (reached bool) {
	if h.Kind != AlertRecovery && h.Held == "" {
		h.Held = x.silencedWhole(s, in)
	}
	event := IncidentEvent{ID: x.e.eventID(), Incident: in.ID, At: x.now, Kind: h.Kind, Status: h.Status, Detail: h.Detail, Step: h.Step,
		Decisions: []Decision{}, Deliveries: []string{}}
	waiting := x.waitingOf(in.ID)
	routing := x.routing(s, in, h, waiting)
	plan, superseded, why := Route(in, h, routing)
	if why != nil {
		event.Decisions = why
	}
	reached = h.Step == 0 || h.Held != "" || routing.Paused || !routing.Enabled || x.reaches(in, h, plan, h.named(s))
	if !reached {
		event.Decisions = append(event.Decisions, Decision{"escalation", "nobody reached", "nobody of this step can be reached now"})
	}
	for _, d := range waiting {
		if reason, ok := superseded[d.ID]; ok {
			x.putDelivery(d.supersede(reason))
		}
	}
	for _, p := range plan {
		id := x.e.eventID()
		now := x.now
		d := &Delivery{ID: id, Incident: in.ID, Event: event.ID, Subject: in.Subject, SubjectName: in.SubjectName, Plugin: p.Plugin, Kind: p.Kind,
			State: DeliveryPending, Created: now, Attempts: []Attempt{}, Users: orEmpty(p.Users), DutyOfficers: orEmpty(p.DutyOfficers),
			Reached: []string{}, Held: orEmpty(p.Held), NextAttempt: &now, Durable: !x.e.memoryOnly.Load(),
			Update: p.Update, RetryFrom: now, Step: h.Step}
		d.Snapshot = x.snapshot(s, in, was, h, number, id, p.Plugin)
		event.Deliveries = append(event.Deliveries, id)
		x.putDelivery(d)
	}
	x.write(KindIncidentEvent, in.ID+"/"+event.ID, &event, "incident:"+in.ID)
	return reached
}

// routing gathers what Route looks at: the subject's people and plugins, those
// of the escalation steps taken so far, and whoever is on duty.
func (x *tx) routing(s subject, in *Incident, h Happening, waiting []*Delivery) Routing {
	r := Routing{Subject: s.plugins(), Known: x.e.alertPlugins(), Enabled: s.AlertsEnabled, Paused: x.site().PauseAlerts, Waiting: waiting}
	if h.Only != nil {
		if h.Only.List == ListDuty {
			r.Duty = x.people([]string{h.Only.User})
		} else {
			r.Users = x.people([]string{h.Only.User})
		}
		return r
	}
	users, rotas := s.UsersToNotify, s.Rotas
	if s.ref == builtIn {
		users, r.Subject = x.builtInCircle(s)
	}
	steps := s.steps()
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
		fallback = x.fallbackOf(s, in, r.Subject)
	}
	if h.Step == fallbackStep {
		r.Duty = x.people(fallback)
		return r
	}
	r.Users = x.people(users)
	if h.Step == 0 || len(rotas) > 0 {
		r.Duty = x.people(x.onDuty(rotas))
	}
	if h.Step == 0 {
		r.Duty = append(r.Duty, x.people(fallback)...)
	}
	return r
}

// putDelivery puts a delivery and wakes its lane once that is durable.
func (x *tx) putDelivery(d *Delivery) {
	x.deliveries.put(d.ID, d)
	l := d.lane()
	x.whenDurable(func() { x.e.hooks.deliver(l) })
}

// waitingOf returns the active deliveries of an incident, oldest first.
func (x *tx) waitingOf(incident string) []*Delivery {
	found := map[string]bool{}
	for id := range x.t.waiting[incident] {
		found[id] = true
	}
	for id := range x.deliveries.touched() {
		found[id] = true
	}
	var out []*Delivery
	for id := range found {
		if d := x.deliveries.get(id); d != nil && d.Incident == incident && d.Active() {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (x *tx) people(ids []string) []Person {
	var out []Person
	for _, id := range ids {
		if u := x.users.get(id); u != nil {
			out = append(out, Person{u.ID, u.Username, u.Active})
		}
	}
	return out
}
