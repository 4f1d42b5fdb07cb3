package engine

import (
	"cmp"
	"slices"
	"time"
)

// parentTime is how long a subject waits for the results of what it depends on.
const parentTime = 30 * time.Second

// hold decides whether the first firing of an incident is held back by what its
// subject depends on, and why. later: a failed result came that started after
// the suppression ended.
func (x *tx) heldByParents(s subject, in *Incident, overall Status) string {
	if in.Fired || len(s.DependsOn) == 0 || overall == StatusPassing {
		return ""
	}
	for _, parent := range s.DependsOn { // they go first
		x.evaluate(parent, "")
	}
	if in.Suppressed == nil {
		in.Suppressed = x.awaitParents(s)
	}
	p := in.Suppressed
	suppressor, telling := x.suppressor(s, overall)
	switch {
	case telling, !p.Until.IsZero() && x.now.Before(p.Until) && x.awaiting(p):
		return "waiting for the results of what it depends on"
	case suppressor != nil:
		p.Until, p.By, p.Free = time.Time{}, &suppressor.ref, nil
		return "suppressed: it depends on " + suppressor.name + ", which is failing"
	case p.By != nil:
		now := x.now
		p.By, p.Free = nil, &now
		return "what it depends on is back: waiting for its next failed result"
	case p.Free != nil && !p.Awaited[laterResult]:
		return "what it depends on is back: waiting for its next failed result"
	}
	return ""
}

// laterResult marks in Suppression.Awaited that a failed result has come that
// started after the suppression ended.
const laterResult = "later"

// awaitParents lets the parents' checks run now.
func (x *tx) awaitParents(s subject) *Suppression {
	p := &Suppression{Until: x.now.Add(parentTime), Awaited: map[string]bool{}}
	var checks []*Check
	for _, ref := range s.DependsOn {
		parent, ok := x.subject(ref)
		if !ok {
			continue
		}
		for _, id := range parent.StatusChecks {
			if c := x.checks.get(id); c != nil && c.Active && !p.Awaited[id] {
				p.Awaited[id] = true
				checks = append(checks, c)
			}
		}
	}
	x.whenDurable(func() {
		for _, c := range checks {
			x.e.sched.runNow(c)
		}
	})
	return p
}

func (x *tx) awaiting(p *Suppression) bool {
	for id := range p.Awaited {
		if id != laterResult {
			return true
		}
	}
	return false
}

// suppressor returns the parent that holds a subject back; telling is true while
// a parent that is as severe has not told anybody yet, but is about to.
func (x *tx) suppressor(s subject, overall Status) (found *subject, telling bool) {
	for _, ref := range s.DependsOn {
		parent, ok := x.subject(ref)
		state := x.subjects.get(ref.key())
		if !ok || state == nil || state.Incident == "" {
			continue
		}
		in := x.incidents.get(state.Incident)
		if in == nil || in.Closed != nil || in.Status.Rank() < overall.Rank() {
			continue
		}
		if len(in.Told) > 0 || x.maintained(parent) || !in.Fired && in.Suppressed != nil && in.Suppressed.By != nil {
			return &parent, false
		}
		// It has fired and is being told of, or waits itself: not for ever.
		if x.now.Before(in.LastEvent.Add(parentTime)) && (len(x.waitingOf(in.ID)) > 0 || !in.Fired && in.Suppressed != nil) {
			telling = true
			x.e.remind(due{at: in.LastEvent.Add(parentTime), ref: s.ref})
		}
	}
	return nil, telling
}

// lookAtChildren lets the subjects that depend on ref, and whose firing is held
// back, look again.
func (x *tx) lookAtChildren(ref Ref) {
	for child := range x.t.dependents[ref] {
		state := x.subjects.get(child.key())
		if state == nil || state.Incident == "" {
			continue
		}
		if in := x.incidents.get(state.Incident); in != nil && !in.Fired && in.Suppressed != nil {
			x.e.remind(due{at: x.now, ref: child})
		}
	}
}

// noteForSuppressed tells held-back incidents of a result: of a check of a
// parent that was awaited, or of their own that failed later.
func (x *tx) noteForSuppressed(c *Check, r *Result) {
	if len(x.t.dependents) == 0 {
		return
	}
	for _, ref := range x.subjectsOf(c.ID) {
		for child := range x.t.dependents[ref] {
			x.changeSuppressed(child, func(p *Suppression) bool {
				was := p.Awaited[c.ID]
				delete(p.Awaited, c.ID)
				return was
			})
		}
		if !r.Succeeded && !r.Unknown {
			x.changeSuppressed(ref, func(p *Suppression) bool {
				if p.Free == nil || !r.Started.After(*p.Free) {
					return false
				}
				p.Awaited[laterResult] = true
				return true
			})
		}
	}
}

func (x *tx) changeSuppressed(ref Ref, change func(*Suppression) bool) {
	state := x.subjects.get(ref.key())
	if state == nil || state.Incident == "" {
		return
	}
	in := x.incidents.get(state.Incident)
	if in == nil || in.Fired || in.Suppressed == nil {
		return
	}
	c := in.copy()
	if c.Suppressed.Awaited == nil {
		c.Suppressed.Awaited = map[string]bool{}
	}
	if change(c.Suppressed) {
		x.incidents.put(c.ID, c)
		x.evaluate(ref, "")
	}
}

// steps returns the escalation steps of a subject in order of time.
func (a *Alerting) steps() []EscalationStep {
	steps := slices.Clone(a.Escalation)
	slices.SortStableFunc(steps, func(a, b EscalationStep) int { return cmp.Compare(a.After, b.After) })
	return steps
}

func (a *Alerting) stepTimes() []time.Duration {
	var out []time.Duration
	for _, s := range a.steps() {
		out = append(out, s.After.Std())
	}
	return out
}
