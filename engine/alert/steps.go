package alert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Escalation steps widen the circle of an incident that nobody acknowledges. A
// step that reaches nobody goes on to the next at once, and the last to the
// fallback.

// fallbackStep is the step of an event that goes to the fallback.
const fallbackStep = -1

// reaches reports whether a plan tells anybody now: a person who may be
// contacted, or, when the event names no person, a receiver that is none. Who is
// to be told later is noted in the incident, which is the caller's copy: the
// next step may take the place of what would have found that out.
func reaches(x *state.Tx, in *engine.Incident, h Event, plan []Planned, named bool) (reached bool) {
	known := x.State.Routes.Known()
	for _, p := range plan {
		channel := cmp.Or(known[p.Plugin].Channel, "other")
		reached = reached || !named && channel != "phone" && channel != "sms"
		for _, list := range []engine.List{engine.ListUsers, engine.ListDuty} {
			ids := p.Users
			if list == engine.ListDuty {
				ids = p.DutyOfficers
			}
			for _, id := range ids {
				u := x.Users.Get(id)
				if u == nil || !u.Active {
					continue
				}
				why, until := reachable(u, x.Contacts.Get(id), channel, h.Kind, in.Status, x.Now)
				reached = reached || why == ""
				if !until.IsZero() && !slices.ContainsFunc(in.Pending, func(o engine.PendingRecipient) bool { return o.User == id && o.Plugin == p.Plugin }) {
					in.Pending = append(in.Pending, engine.PendingRecipient{User: id, Plugin: p.Plugin, Until: until, List: list})
					x.State.WakeAt(state.Timer{At: until, Ref: in.Subject})
				}
			}
		}
	}
	return reached
}

// named reports whether an event is for people, and not for receivers alone.
func (h Event) named(s state.Target) bool {
	if steps := stepsOf(s.Alerting); h.Step > 0 && h.Step <= len(steps) {
		return len(steps[h.Step-1].Users)+len(steps[h.Step-1].Rotas) > 0
	}
	return true
}

// missed follows a delivery of a step of which everybody turned out to be held
// back when its turn came, such as by a flood limit that was met meanwhile.
func missed(x *state.Tx, d *engine.Delivery) {
	in := x.Incidents.Get(d.Incident)
	s, exists := x.Target(d.Subject)
	if in == nil || in.Closed != nil || in.Ack != nil || !exists || in.LastSent != nil && !in.LastSent.Before(d.Created) {
		return
	}
	for _, other := range waitingOf(x, d.Incident) {
		if other.ID != d.ID && other.Event == d.Event { // it may reach them yet
			return
		}
	}
	in = in.Copy()
	h := Event{Step: d.Step, Status: in.Status}
	for {
		next, ok := afterStep(in, h, len(stepsOf(s.Alerting)))
		if !ok {
			return
		}
		x.Incidents.Put(in.ID, in)
		if recordEvent(x, s, in, in.Status, next, in.Number) {
			return
		}
		h = next
	}
}

// afterStep returns what follows a step that reached nobody: the next step, which
// need not wait for its time, or the fallback; false when there is nothing left.
func afterStep(in *engine.Incident, h Event, steps int) (Event, bool) {
	next := Event{Kind: engine.AlertEscalation, Status: h.Status}
	switch {
	case h.Step == fallbackStep || in.Fallback:
		return next, false
	case h.Step < in.Steps: // a later one is on its way already
		return next, false
	case h.Step < steps:
		in.Steps++
		next.Step = in.Steps
		next.Detail = fmt.Sprintf("nobody acknowledged: step %d, since step %d reached nobody", next.Step, h.Step)
	default:
		in.Fallback, next.Step = true, fallbackStep
		next.Detail = "nobody acknowledged: the fallback, since the last step reached nobody"
	}
	in.Number++
	return next, true
}

// fallbackOf is who is told when the last step reached nobody: the fallback of
// one of its rotas or of the subject's, else the site's; of these the first who
// can be reached through one of the plugins, else the first.
func fallbackOf(x *state.Tx, s state.Target, in *engine.Incident, plugins []string) []string {
	site := x.Site()
	rotas := slices.Clone(s.Rotas)
	if steps := stepsOf(s.Alerting); len(steps) > 0 {
		rotas = slices.Concat(steps[len(steps)-1].Rotas, rotas)
	}
	if len(rotas) == 0 && site.DefaultRota != "" {
		rotas = []string{site.DefaultRota}
	}
	var ids []string
	add := func(id string) {
		if u := x.Users.Get(id); u != nil && u.Active && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range rotas {
		if r := x.Rotas.Get(id); r != nil {
			add(r.FallbackUser)
		}
	}
	add(site.FallbackUser)
	known := x.State.Routes.Known()
	for _, id := range ids {
		for _, slug := range plugins {
			channel := cmp.Or(known[slug].Channel, "other")
			if why, _ := reachable(x.Users.Get(id), x.Contacts.Get(id), channel, engine.AlertEscalation, in.Status, x.Now); why == "" {
				return []string{id}
			}
		}
	}
	return ids[:min(len(ids), 1)]
}

// repeat returns the repeat interval by severity: the subject's own, else the site's.
func repeat(site *engine.Settings, a *engine.Alerting) func(engine.Status) time.Duration {
	return func(severity engine.Status) time.Duration {
		if d := a.RepeatInterval[severity]; d > 0 {
			return d.Std()
		}
		if d := site.RepeatInterval[severity]; d > 0 {
			return d.Std()
		}
		return engine.DefaultRepeat()[severity].Std()
	}
}
