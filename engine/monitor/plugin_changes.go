package monitor

import (
	"context"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// changedPlugin is told by the registry that a plugin changed. It does not block.
func (m *Monitor) changedPlugin(slug string) {
	m.Routes.Update(m.Registry)
	m.Hub.Publish([]engine.Key{{Kind: state.KindPlugin, ID: slug}})
	m.noticeGone(slug)
	m.followPlugin(slug)
	edit.SealAsk(m.State, slug)
}

// noticeGone lets the checks of a plugin that is gone, or is back, run within a
// minute: what they show is not true any more, however long their interval is.
func (m *Monitor) noticeGone(slug string) {
	entry, known := m.PluginEntry(slug)
	gone := !known || entry.Plugin == nil || entry.Orphaned
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	now := m.Now()
	for id, c := range m.Tables.Checks {
		if c.Plugin != slug || !c.Active {
			continue
		}
		if s := m.Tables.States[id]; s != nil && gone != (s.Cause == engine.CausePluginGone) {
			m.Sched.Hasten(id, now.Add(schedule.FirstWait(id, schedule.Every(c, now))))
		}
	}
}

// followPlugin lets what depends on a plugin follow its change.
func (m *Monitor) followPlugin(slug string) {
	hash := m.pluginHash(slug)
	if hash == "" {
		return
	}
	m.Mu.RLock()
	held := outdated(m.Tables.Breakers[engine.PluginBreaker(slug)], hash)
	for id, c := range m.Tables.Checks {
		if c.Plugin != slug {
			continue
		}
		held = held || outdated(m.Tables.Breakers[engine.CheckBreaker(id)], hash)
		if s := m.Tables.States[id]; s == nil || s.DescribedBy != hash {
			m.askDescription(id)
		}
	}
	m.Mu.RUnlock()
	if held {
		m.EnqueueLater(func(x *state.Tx) error { m.resume(x, slug); return nil })
	}
}

// outdated reports whether the breaker belongs to another version of the plugin.
func outdated(b *engine.Breaker, hash string) bool { return b != nil && b.Hash != hash }

func (m *Monitor) usedPlugins() map[string]bool {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	slugs := map[string]bool{}
	for _, c := range m.Tables.Checks {
		slugs[c.Plugin] = true
	}
	return slugs
}

// ResumePlugin lifts the suspension of a plugin and of its checks.
func (ps *Plugins) ResumePlugin(ctx context.Context, by engine.Actor, slug string) error {
	if _, ok := ps.PluginEntry(slug); !ok {
		return &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
	}
	return ps.Submit(ctx, by, func(x *state.Tx) error {
		ps.m.resume(x, slug)
		x.Audit("resume", state.KindPlugin, slug, slug, nil, nil)
		x.WhenDurable(func() { x.State.Hub.Publish([]engine.Key{{Kind: state.KindPlugin, ID: slug}}) })
		return nil
	})
}

// PluginUse is who uses a plugin, by id.
type PluginUse struct {
	Checks    []string
	Services  []string
	Instances []string
}

// PluginUse returns who uses a plugin.
func (ps *Plugins) PluginUse(slug string) PluginUse {
	ps.Mu.RLock()
	defer ps.Mu.RUnlock()
	use := PluginUse{Checks: []string{}, Services: []string{}, Instances: []string{}}
	for id, c := range ps.Tables.Checks {
		if c.Plugin == slug {
			use.Checks = append(use.Checks, id)
		}
	}
	for id, s := range ps.Tables.Services {
		if slices.Contains(alert.PluginsOf(&s.Alerting), slug) {
			use.Services = append(use.Services, id)
		}
	}
	for id, i := range ps.Tables.Instances {
		if slices.Contains(alert.PluginsOf(&i.Alerting), slug) {
			use.Instances = append(use.Instances, id)
		}
	}
	slices.Sort(use.Checks)
	slices.Sort(use.Services)
	slices.Sort(use.Instances)
	return use
}
