package monitor

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// RelatedToTarget returns the objects whose changes concern a service or an
// instance: itself, what it is linked to in either direction, its checks, the
// rotas that are on duty for it and the silences that cover any of it. It is nil
// when there is no such subject.
func (m *Monitor) RelatedToTarget(ref engine.Ref) map[engine.Key]bool {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	t := m.Tables
	var a *engine.Alerting
	out := map[engine.Key]bool{{Kind: ref.Kind, ID: ref.ID}: true}
	link := func(kind engine.Kind, ids ...string) {
		for _, id := range ids {
			out[engine.Key{Kind: kind, ID: id}] = true
		}
	}
	if s := t.Services[ref.ID]; s != nil && ref.Kind == engine.KindService {
		a = &s.Alerting
		link(engine.KindInstance, s.Instances...)
	} else if i := t.Instances[ref.ID]; i != nil && ref.Kind == engine.KindInstance {
		a = &i.Alerting
	} else {
		return nil
	}
	link(engine.KindCheck, a.StatusChecks...)
	for _, parent := range a.DependsOn {
		link(parent.Kind, parent.ID)
	}
	for child := range t.Dependents[ref] {
		link(child.Kind, child.ID)
	}
	link(engine.KindRota, a.Rotas...)
	if len(a.Rotas) == 0 {
		link(engine.KindRota, t.Site().DefaultRota)
	}
	for _, step := range a.Escalation {
		link(engine.KindRota, step.Rotas...)
	}
	for id, s := range t.Silences {
		if silence.CoversAll(s, ref, a.Tags) || slices.ContainsFunc(a.StatusChecks, func(id string) bool { return t.Checks[id] != nil && silence.CoversCheck(s, t.Checks[id]) }) {
			link(engine.KindSilence, id)
		}
	}
	return out
}

// RelatedToCheck returns the objects whose changes concern a check: itself, its
// plugin, the services and instances it belongs to and the silences that name it.
// It is nil when there is no such check.
func (m *Monitor) RelatedToCheck(id string) map[engine.Key]bool {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	c := m.Tables.Checks[id]
	if c == nil {
		return nil
	}
	out := map[engine.Key]bool{{Kind: engine.KindCheck, ID: id}: true, {Kind: state.KindPlugin, ID: c.Plugin}: true}
	for ref := range m.Tables.TargetsOf[id] {
		out[engine.Key(ref)] = true
	}
	for id, s := range m.Tables.Silences {
		if silence.CoversCheck(s, c) {
			out[engine.Key{Kind: engine.KindSilence, ID: id}] = true
		}
	}
	return out
}
