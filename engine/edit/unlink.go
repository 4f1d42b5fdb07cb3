package edit

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/history"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// What is deleted is taken out of all that refers to it. Revisions hold the
// objects that were before, and so their lists are replaced, never changed.

// without returns a copy of list that does not hold item.
func without[T comparable](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o == item })
}

// changeService keeps a service as change makes it, unless that reports that it
// changed nothing. change leaves the lists that it is given as they are.
func changeService(x *state.Tx, s *engine.Service, change func(*engine.Alerting) bool) {
	if c := *s; change(&c.Alerting) {
		x.SetRevision(engine.KindService, &c.Meta, &s.Meta)
		x.Services.Put(c.ID, &c)
	}
}

// changeInstance is changeService for an instance.
func changeInstance(x *state.Tx, i *engine.Instance, change func(*engine.Alerting) bool) {
	if c := *i; change(&c.Alerting) {
		x.SetRevision(engine.KindInstance, &c.Meta, &i.Meta)
		x.Instances.Put(c.ID, &c)
	}
}

// changeSubjects is changeService for every service and instance.
func changeSubjects(x *state.Tx, change func(*engine.Alerting) bool) {
	for _, s := range x.Services.All() {
		changeService(x, s, change)
	}
	for _, i := range x.Instances.All() {
		changeInstance(x, i, change)
	}
}

// unlinkSubject takes a service or instance out of what others depend on.
func unlinkSubject(x *state.Tx, ref engine.Ref) {
	changeSubjects(x, func(a *engine.Alerting) bool {
		found := slices.Contains(a.DependsOn, ref)
		a.DependsOn = without(a.DependsOn, ref)
		return found
	})
}

// unlinkCheck takes a check out of a service or instance.
func unlinkCheck(x *state.Tx, ref engine.Ref, check string) {
	change := func(a *engine.Alerting) bool {
		a.StatusChecks = without(a.StatusChecks, check)
		return true
	}
	if ref.Kind == engine.KindService {
		changeService(x, x.Services.Get(ref.ID), change)
	} else {
		changeInstance(x, x.Instances.Get(ref.ID), change)
	}
}

// unlinkRecipient takes an id out of one of the lists of whom services and instances
// tell, and out of that of their escalation steps.
func unlinkRecipient(x *state.Tx, id string, recipients func(*engine.Alerting) *[]string, ofStep func(*engine.EscalationStep) *[]string) {
	changeSubjects(x, func(a *engine.Alerting) bool {
		found := false
		drop := func(list *[]string) {
			found = found || slices.Contains(*list, id)
			*list = without(*list, id)
		}
		drop(recipients(a))
		a.Escalation = slices.Clone(a.Escalation)
		for i := range a.Escalation {
			drop(ofStep(&a.Escalation[i]))
		}
		dropEmptySteps(a)
		return found
	})
}

// unlinkRota takes a rota out of whom services and instances tell.
func unlinkRota(x *state.Tx, id string) {
	unlinkRecipient(x, id, func(a *engine.Alerting) *[]string { return &a.Rotas }, func(s *engine.EscalationStep) *[]string { return &s.Rotas })
}

// unlinkUser takes a user out of services, instances and rotas.
func unlinkUser(x *state.Tx, id string) {
	unlinkRecipient(x, id, func(a *engine.Alerting) *[]string { return &a.UsersToNotify }, func(s *engine.EscalationStep) *[]string { return &s.Users })
	for _, r := range x.Rotas.All() {
		c, found := *r, false
		if c.Rotation != nil && slices.Contains(c.Rotation.Members, id) {
			turn := *c.Rotation
			turn.Members = without(turn.Members, id)
			c.Rotation, found = &turn, true
			if len(turn.Members) == 0 {
				c.Rotation = nil
			}
		}
		their := func(o engine.RotaOverride) bool { return o.User == id }
		past := slices.DeleteFunc(slices.Clone(c.Overrides), func(o engine.RotaOverride) bool { return !their(o) || !o.Start.Before(x.Now) })
		for i := range past {
			past[i].End = history.Earlier(past[i].End, x.Now)
		}
		if n := len(c.Overrides); n > 0 {
			c.Overrides = slices.DeleteFunc(slices.Clone(c.Overrides), their)
			found = found || len(c.Overrides) < n
		}
		if found || c.Dealt != nil && slices.ContainsFunc(c.Dealt.Shifts, their) {
			found = true
			c.Dealt = rota.Redeal(deal(r), c.Rotation, c.TimeZone, x.Now, id, past)
		}
		if found {
			x.SetRevision(engine.KindRota, &c.Meta, &r.Meta)
			x.Rotas.Put(c.ID, &c)
			x.WhenDurable(func() { x.State.Duty.Changed(c.ID, false) })
		}
	}
}

// dropEmptySteps drops the escalation steps that name nobody any more, in place.
func dropEmptySteps(a *engine.Alerting) {
	a.Escalation = slices.DeleteFunc(a.Escalation, func(s engine.EscalationStep) bool { return len(s.Users)+len(s.Rotas)+len(s.Plugins) == 0 })
}

// unlinkFromSilences takes a service, instance or check out of silences. One
// that covers nothing else goes with it.
func unlinkFromSilences(x *state.Tx, kind engine.Kind, id string) {
	for _, s := range x.Silences.All() {
		c := *s
		list := map[engine.Kind]*[]string{engine.KindService: &c.Services, engine.KindInstance: &c.Instances, engine.KindCheck: &c.Checks}[kind]
		if !slices.Contains(*list, id) {
			continue
		}
		*list = without(*list, id)
		if len(c.Services)+len(c.Instances)+len(c.Checks)+len(c.Tags) == 0 {
			dropSilence(x, s)
			continue
		}
		x.SetRevision(engine.KindSilence, &c.Meta, &s.Meta)
		x.Silences.Put(c.ID, &c)
	}
}
