package engine

import (
	"slices"

	"moonwatch/engine/rota"
)

// What is deleted is taken out of all that refers to it. Revisions hold the
// objects that were before, and so their lists are replaced, never changed.

// without returns a copy of list that does not hold item.
func without[T comparable](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o == item })
}

// changeService keeps a service as change makes it, unless that reports that it
// changed nothing. change leaves the lists that it is given as they are.
func (x *tx) changeService(s *Service, change func(*Alerting) bool) {
	if c := *s; change(&c.Alerting) {
		x.stamp(KindService, &c.Meta, &s.Meta)
		x.services.put(c.ID, &c)
	}
}

// changeInstance is changeService for an instance.
func (x *tx) changeInstance(i *Instance, change func(*Alerting) bool) {
	if c := *i; change(&c.Alerting) {
		x.stamp(KindInstance, &c.Meta, &i.Meta)
		x.instances.put(c.ID, &c)
	}
}

// changeSubjects is changeService for every service and instance.
func (x *tx) changeSubjects(change func(*Alerting) bool) {
	for _, s := range x.services.all() {
		x.changeService(s, change)
	}
	for _, i := range x.instances.all() {
		x.changeInstance(i, change)
	}
}

// unlinkSubject takes a service or instance out of what others depend on.
func (x *tx) unlinkSubject(ref Ref) {
	x.changeSubjects(func(a *Alerting) bool {
		found := slices.Contains(a.DependsOn, ref)
		a.DependsOn = without(a.DependsOn, ref)
		return found
	})
}

// unlinkCheck takes a check out of a service or instance.
func (x *tx) unlinkCheck(ref Ref, check string) {
	change := func(a *Alerting) bool {
		a.StatusChecks = without(a.StatusChecks, check)
		return true
	}
	if ref.Kind == KindService {
		x.changeService(x.services.get(ref.ID), change)
	} else {
		x.changeInstance(x.instances.get(ref.ID), change)
	}
}

// unlinkTold takes an id out of one of the lists of whom services and instances
// tell, and out of that of their escalation steps.
func (x *tx) unlinkTold(id string, told func(*Alerting) *[]string, ofStep func(*EscalationStep) *[]string) {
	x.changeSubjects(func(a *Alerting) bool {
		found := false
		drop := func(list *[]string) {
			found = found || slices.Contains(*list, id)
			*list = without(*list, id)
		}
		drop(told(a))
		a.Escalation = slices.Clone(a.Escalation)
		for i := range a.Escalation {
			drop(ofStep(&a.Escalation[i]))
		}
		a.dropEmptySteps()
		return found
	})
}

// unlinkRota takes a rota out of whom services and instances tell.
func (x *tx) unlinkRota(id string) {
	x.unlinkTold(id, func(a *Alerting) *[]string { return &a.Rotas }, func(s *EscalationStep) *[]string { return &s.Rotas })
}

// unlinkUser takes a user out of services, instances and rotas.
func (x *tx) unlinkUser(id string) {
	x.unlinkTold(id, func(a *Alerting) *[]string { return &a.UsersToNotify }, func(s *EscalationStep) *[]string { return &s.Users })
	for _, r := range x.rotas.all() {
		c, found := *r, false
		if c.Rotation != nil && slices.Contains(c.Rotation.Members, id) {
			turn := *c.Rotation
			turn.Members = without(turn.Members, id)
			c.Rotation, found = &turn, true
			if len(turn.Members) == 0 {
				c.Rotation = nil
			}
		}
		their := func(o RotaOverride) bool { return o.User == id }
		past := slices.DeleteFunc(slices.Clone(c.Overrides), func(o RotaOverride) bool { return !their(o) || !o.Start.Before(x.now) })
		for i := range past {
			past[i].End = earlier(past[i].End, x.now)
		}
		if n := len(c.Overrides); n > 0 {
			c.Overrides = slices.DeleteFunc(slices.Clone(c.Overrides), their)
			found = found || len(c.Overrides) < n
		}
		if found || c.Dealt != nil && slices.ContainsFunc(c.Dealt.Shifts, their) {
			found = true
			c.Dealt = rota.Redeal(r.deal(), c.Rotation, c.TimeZone, x.now, id, past)
		}
		if found {
			x.stamp(KindRota, &c.Meta, &r.Meta)
			x.rotas.put(c.ID, &c)
			x.whenDurable(func() { x.e.duty.changed(c.ID, false) })
		}
	}
}

// dropEmptySteps drops the escalation steps that name nobody any more, in place.
func (a *Alerting) dropEmptySteps() {
	a.Escalation = slices.DeleteFunc(a.Escalation, func(s EscalationStep) bool { return len(s.Users)+len(s.Rotas)+len(s.Plugins) == 0 })
}

// unlinkFromSilences takes a service, instance or check out of silences. One
// that covers nothing else goes with it.
func (x *tx) unlinkFromSilences(kind Kind, id string) {
	for _, s := range x.silences.all() {
		c := *s
		list := map[Kind]*[]string{KindService: &c.Services, KindInstance: &c.Instances, KindCheck: &c.Checks}[kind]
		if !slices.Contains(*list, id) {
			continue
		}
		*list = without(*list, id)
		if len(c.Services)+len(c.Instances)+len(c.Checks)+len(c.Tags) == 0 {
			x.dropSilence(s)
			continue
		}
		x.stamp(KindSilence, &c.Meta, &s.Meta)
		x.silences.put(c.ID, &c)
	}
}
