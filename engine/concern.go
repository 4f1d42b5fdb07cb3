package engine

import "slices"

// ConcernsSubject returns the objects whose changes concern a service or an
// instance: itself, what it is linked to in either direction, its checks, the
// rotas that are on duty for it and the silences that cover any of it. It is nil
// when there is no such subject.
func (e *Engine) ConcernsSubject(ref Ref) map[Key]bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.tables
	var a *Alerting
	out := map[Key]bool{{ref.Kind, ref.ID}: true}
	link := func(kind Kind, ids ...string) {
		for _, id := range ids {
			out[Key{kind, id}] = true
		}
	}
	if s := t.services[ref.ID]; s != nil && ref.Kind == KindService {
		a = &s.Alerting
		link(KindInstance, s.Instances...)
	} else if i := t.instances[ref.ID]; i != nil && ref.Kind == KindInstance {
		a = &i.Alerting
	} else {
		return nil
	}
	link(KindCheck, a.StatusChecks...)
	for _, parent := range a.DependsOn {
		link(parent.Kind, parent.ID)
	}
	for child := range t.dependents[ref] {
		link(child.Kind, child.ID)
	}
	link(KindRota, a.Rotas...)
	if len(a.Rotas) == 0 {
		link(KindRota, t.site().DefaultRota)
	}
	for _, step := range a.Escalation {
		link(KindRota, step.Rotas...)
	}
	for id, s := range t.silences {
		if s.whole(ref, a.Tags) || slices.ContainsFunc(a.StatusChecks, func(id string) bool { return t.checks[id] != nil && s.coversCheck(t.checks[id]) }) {
			link(KindSilence, id)
		}
	}
	return out
}

// ConcernsCheck returns the objects whose changes concern a check: itself, its
// plugin, the services and instances it belongs to and the silences that name it.
// It is nil when there is no such check.
func (e *Engine) ConcernsCheck(id string) map[Key]bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := e.tables.checks[id]
	if c == nil {
		return nil
	}
	out := map[Key]bool{{KindCheck, id}: true, {KindPlugin, c.Plugin}: true}
	for ref := range e.tables.subjectsOf[id] {
		out[Key(ref)] = true
	}
	for id, s := range e.tables.silences {
		if s.coversCheck(c) {
			out[Key{KindSilence, id}] = true
		}
	}
	return out
}
