package engine

import (
	"cmp"
	"fmt"
	"slices"
)

// Escalation steps widen the circle of an incident that nobody acknowledges. A
// step that reaches nobody goes on to the next at once, and the last to the
// fallback.

// fallbackStep is the step of a happening that goes to the fallback.
const fallbackStep = -1

// reaches reports whether a plan tells anybody now: a person who may be
// contacted, or, when the event names no person, a receiver that is none. Who is
// to be told later is noted in the incident, which is the caller's copy: the
// next step may take the place of what would have found that out.
func (x *tx) reaches(in *Incident, h Happening, plan []Planned, named bool) (reached bool) {
	known := x.e.alertPlugins()
	for _, p := range plan {
		channel := cmp.Or(known[p.Plugin].Channel, "other")
		reached = reached || !named && channel != "phone" && channel != "sms"
		for _, list := range []List{ListUsers, ListDuty} {
			ids := p.Users
			if list == ListDuty {
				ids = p.DutyOfficers
			}
			for _, id := range ids {
				u := x.users.get(id)
				if u == nil || !u.Active {
					continue
				}
				why, until := reachable(u, x.contacts.get(id), channel, h.Kind, in.Status, x.now)
				reached = reached || why == ""
				if !until.IsZero() && !slices.ContainsFunc(in.HeldBack, func(o HeldPerson) bool { return o.User == id && o.Plugin == p.Plugin }) {
					in.HeldBack = append(in.HeldBack, HeldPerson{User: id, Plugin: p.Plugin, Until: until, List: list})
					x.e.remind(due{at: until, ref: in.Subject})
				}
			}
		}
	}
	return reached
}

// named reports whether an event is for people, and not for receivers alone.
func (h Happening) named(s subject) bool {
	if steps := s.steps(); h.Step > 0 && h.Step <= len(steps) {
		return len(steps[h.Step-1].Users)+len(steps[h.Step-1].Rotas) > 0
	}
	return true
}

// missed follows a delivery of a step of which everybody turned out to be held
// back when its turn came, such as by a flood limit that was met meanwhile.
func (x *tx) missed(d *Delivery) {
	in := x.incidents.get(d.Incident)
	s, exists := x.subject(d.Subject)
	if in == nil || in.Closed != nil || in.Ack != nil || !exists || in.LastSent != nil && !in.LastSent.Before(d.Created) {
		return
	}
	for _, other := range x.waitingOf(d.Incident) {
		if other.ID != d.ID && other.Event == d.Event { // it may reach them yet
			return
		}
	}
	in = in.copy()
	h := Happening{Step: d.Step, Status: in.Status}
	for {
		next, ok := in.afterStep(h, len(s.steps()))
		if !ok {
			return
		}
		x.incidents.put(in.ID, in)
		if x.happen(s, in, in.Status, next, in.Number) {
			return
		}
		h = next
	}
}

// afterStep returns what follows a step that reached nobody: the next step, which
// need not wait for its time, or the fallback; false when there is nothing left.
func (in *Incident) afterStep(h Happening, steps int) (Happening, bool) {
	next := Happening{Kind: AlertEscalation, Status: h.Status}
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
func (x *tx) fallbackOf(s subject, in *Incident, plugins []string) []string {
	site := x.site()
	rotas := slices.Clone(s.Rotas)
	if steps := s.steps(); len(steps) > 0 {
		rotas = slices.Concat(steps[len(steps)-1].Rotas, rotas)
	}
	if len(rotas) == 0 && site.DefaultRota != "" {
		rotas = []string{site.DefaultRota}
	}
	var ids []string
	add := func(id string) {
		if u := x.users.get(id); u != nil && u.Active && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range rotas {
		if r := x.rotas.get(id); r != nil {
			add(r.FallbackUser)
		}
	}
	add(site.FallbackUser)
	known := x.e.alertPlugins()
	for _, id := range ids {
		for _, slug := range plugins {
			channel := cmp.Or(known[slug].Channel, "other")
			if why, _ := reachable(x.users.get(id), x.contacts.get(id), channel, AlertEscalation, in.Status, x.now); why == "" {
				return []string{id}
			}
		}
	}
	return ids[:min(len(ids), 1)]
}
