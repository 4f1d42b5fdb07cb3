package engine

import "slices"

func (x *tx) unlinkRota(id string) {
	without := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id })
	}
	clear := func(a *Alerting) bool {
		found := slices.Contains(a.Rotas, id)
		a.Rotas, a.Escalation = without(a.Rotas), slices.Clone(a.Escalation)
		for i := range a.Escalation {
			found = found || slices.Contains(a.Escalation[i].Rotas, id)
			a.Escalation[i].Rotas = without(a.Escalation[i].Rotas)
		}
		a.dropEmptySteps()
		return found
	}
	for _, s := range x.services.all() {
		c := *s
		if clear(&c.Alerting) {
			x.stamp(KindService, &c.Meta, &s.Meta)
			x.services.put(c.ID, &c)
		}
	}
	for _, i := range x.instances.all() {
		c := *i
		if clear(&c.Alerting) {
			x.stamp(KindInstance, &c.Meta, &i.Meta)
			x.instances.put(c.ID, &c)
		}
	}
}

// dropUser takes a user out of whom a subject tells, and reports whether they were.
// It leaves the slices that it was given as they are.
func (a *Alerting) dropUser(id string) (found bool) {
	without := func(ids []string) []string {
		found = found || slices.Contains(ids, id)
		return slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id })
	}
	a.UsersToNotify, a.Escalation = without(a.UsersToNotify), slices.Clone(a.Escalation)
	for i := range a.Escalation {
		a.Escalation[i].Users = without(a.Escalation[i].Users)
	}
	a.dropEmptySteps()
	return found
}

// dropEmptySteps drops the escalation steps that name nobody any more, in place.
func (a *Alerting) dropEmptySteps() {
	a.Escalation = slices.DeleteFunc(a.Escalation, func(s EscalationStep) bool { return len(s.Users)+len(s.Rotas)+len(s.Plugins) == 0 })
}

// unlinkUser takes a user who is being deleted out of services, instances and rotas.
func (x *tx) unlinkUser(id string) {
	for _, s := range x.services.all() {
		if c := *s; c.dropUser(id) {
			x.stamp(KindService, &c.Meta, &s.Meta)
			x.services.put(c.ID, &c)
		}
	}
	for _, i := range x.instances.all() {
		if c := *i; c.dropUser(id) {
			x.stamp(KindInstance, &c.Meta, &i.Meta)
			x.instances.put(c.ID, &c)
		}
	}
	for _, r := range x.rotas.all() {
		c, found := *r, false
		if c.Rotation != nil && slices.Contains(c.Rotation.Members, id) {
			turn := *c.Rotation
			turn.Members = slices.DeleteFunc(slices.Clone(turn.Members), func(o string) bool { return o == id })
			c.Rotation, found = &turn, true
			if len(turn.Members) == 0 {
				c.Rotation = nil
			}
		}
		if n := len(c.Overrides); n > 0 {
			c.Overrides = slices.DeleteFunc(slices.Clone(c.Overrides), func(o RotaOverride) bool { return o.User == id })
			found = found || len(c.Overrides) < n
		}
		if found {
			x.stamp(KindRota, &c.Meta, &r.Meta)
			x.rotas.put(c.ID, &c)
			x.whenDurable(func() { x.e.duty.changed(c.ID, false) })
		}
	}
}

// unlinkFromSilences takes a service, instance or check that is being deleted
// out of silences. One that covers nothing else goes with it.
func (x *tx) unlinkFromSilences(kind Kind, id string) {
	for _, s := range x.silences.all() {
		c := *s
		list := map[Kind]*[]string{KindService: &c.Services, KindInstance: &c.Instances, KindCheck: &c.Checks}[kind]
		if !slices.Contains(*list, id) {
			continue
		}
		*list = slices.DeleteFunc(slices.Clone(*list), func(o string) bool { return o == id })
		if len(c.Services)+len(c.Instances)+len(c.Checks)+len(c.Tags) == 0 {
			x.dropSilence(s)
			continue
		}
		x.stamp(KindSilence, &c.Meta, &s.Meta)
		x.silences.put(c.ID, &c)
	}
}

func (x *tx) unlinkCheck(ref Ref, check string) {
	without := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == check })
	}
	if ref.Kind == KindService {
		s := *x.services.get(ref.ID)
		s.StatusChecks = without(s.StatusChecks)
		x.stamp(KindService, &s.Meta, &x.services.get(ref.ID).Meta)
		x.services.put(s.ID, &s)
		return
	}
	i := *x.instances.get(ref.ID)
	i.StatusChecks = without(i.StatusChecks)
	x.stamp(KindInstance, &i.Meta, &x.instances.get(ref.ID).Meta)
	x.instances.put(i.ID, &i)
}
