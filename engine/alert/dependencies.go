package alert

import (
	"cmp"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// parentTime is how long a subject waits for the results of what it depends on.
const parentTime = 30 * time.Second

// heldByParents decides whether the first firing of an incident is held back by what its
// subject depends on, and why; "" is that it is not.
func heldByParents(x *state.Tx, s state.Target, in *engine.Incident, overall engine.Status) string {
	if in.Fired || len(s.DependsOn) == 0 || overall == engine.StatusPassing {
		return ""
	}
	for _, parent := range s.DependsOn { // they go first
		Evaluate(x, parent, "")
	}
	if in.Suppressed == nil {
		in.Suppressed = awaitParents(x, s)
	}
	p := in.Suppressed
	suppressor, notifying := suppressor(x, s, overall)
	switch {
	case notifying, !p.Until.IsZero() && x.Now.Before(p.Until) && awaiting(x, p):
		return "waiting for the results of what it depends on"
	case suppressor != nil:
		p.Until, p.By, p.Free = time.Time{}, &suppressor.Ref, nil
		return "suppressed: it depends on " + suppressor.Name + ", which is failing"
	case p.By != nil:
		now := x.Now
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
func awaitParents(x *state.Tx, s state.Target) *engine.Suppression {
	p := &engine.Suppression{Until: x.Now.Add(parentTime), Awaited: map[string]bool{}}
	var checks []*engine.Check
	for _, ref := range s.DependsOn {
		parent, ok := x.Target(ref)
		if !ok {
			continue
		}
		for _, id := range parent.StatusChecks {
			if c := x.Checks.Get(id); c != nil && c.Active && !p.Awaited[id] {
				p.Awaited[id] = true
				checks = append(checks, c)
			}
		}
	}
	x.WhenDurable(func() {
		for _, c := range checks {
			x.State.Sched.RunNow(c)
		}
	})
	return p
}

func awaiting(x *state.Tx, p *engine.Suppression) bool {
	for id := range p.Awaited {
		if id != laterResult {
			return true
		}
	}
	return false
}

// suppressor returns the parent that holds a subject back; notifying is true while
// a parent that is as severe has not told anybody yet, but is about to.
func suppressor(x *state.Tx, s state.Target, overall engine.Status) (found *state.Target, notifying bool) {
	for _, ref := range s.DependsOn {
		parent, ok := x.Target(ref)
		known := x.Subjects.Get(ref.Key())
		if !ok || known == nil || known.Incident == "" {
			continue
		}
		in := x.Incidents.Get(known.Incident)
		if in == nil || in.Closed != nil || in.Status.Rank() < overall.Rank() {
			continue
		}
		if len(in.Notified) > 0 || maintained(x, parent) || !in.Fired && in.Suppressed != nil && in.Suppressed.By != nil {
			return &parent, false
		}
		// It has fired and is being told of, or waits itself: not for ever.
		if x.Now.Before(in.LastEvent.Add(parentTime)) && (len(waitingOf(x, in.ID)) > 0 || !in.Fired && in.Suppressed != nil) {
			notifying = true
			x.State.WakeAt(state.Timer{At: in.LastEvent.Add(parentTime), Ref: s.Ref})
		}
	}
	return nil, notifying
}

// lookAtChildren lets the subjects that depend on ref, and whose firing is held
// back, look again.
func lookAtChildren(x *state.Tx, ref engine.Ref) {
	for child := range x.Tables.Dependents[ref] {
		known := x.Subjects.Get(child.Key())
		if known == nil || known.Incident == "" {
			continue
		}
		if in := x.Incidents.Get(known.Incident); in != nil && !in.Fired && in.Suppressed != nil {
			x.State.WakeAt(state.Timer{At: x.Now, Ref: child})
		}
	}
}

// noteForSuppressed tells held-back incidents of a result: of a check of a
// parent that was awaited, or of their own that failed later.
func noteForSuppressed(x *state.Tx, c *engine.Check, r *engine.Result) {
	if len(x.Tables.Dependents) == 0 {
		return
	}
	for _, ref := range x.TargetsOf(c.ID) {
		for child := range x.Tables.Dependents[ref] {
			changeSuppressed(x, child, func(p *engine.Suppression) bool {
				was := p.Awaited[c.ID]
				delete(p.Awaited, c.ID)
				return was
			})
		}
		if !r.Succeeded && !r.Unknown {
			changeSuppressed(x, ref, func(p *engine.Suppression) bool {
				if p.Free == nil || !r.Started.After(*p.Free) {
					return false
				}
				p.Awaited[laterResult] = true
				return true
			})
		}
	}
}

func changeSuppressed(x *state.Tx, ref engine.Ref, change func(*engine.Suppression) bool) {
	state := x.Subjects.Get(ref.Key())
	if state == nil || state.Incident == "" {
		return
	}
	in := x.Incidents.Get(state.Incident)
	if in == nil || in.Fired || in.Suppressed == nil {
		return
	}
	c := in.Copy()
	if c.Suppressed.Awaited == nil {
		c.Suppressed.Awaited = map[string]bool{}
	}
	if change(c.Suppressed) {
		x.Incidents.Put(c.ID, c)
		Evaluate(x, ref, "")
	}
}

// stepsOf returns the escalation steps of a subject in order of time.
func stepsOf(a *engine.Alerting) []engine.EscalationStep {
	steps := slices.Clone(a.Escalation)
	slices.SortStableFunc(steps, func(a, b engine.EscalationStep) int { return cmp.Compare(a.After, b.After) })
	return steps
}

func stepTimes(a *engine.Alerting) []time.Duration {
	var out []time.Duration
	for _, s := range stepsOf(a) {
		out = append(out, s.After.Std())
	}
	return out
}
