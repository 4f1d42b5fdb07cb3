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
func (e *Monitor) changedPlugin(slug string) {
	e.UpdateRoutes()
	e.Hub.Publish([]engine.Key{{Kind: state.KindPlugin, ID: slug}})
	e.noticeGone(slug)
	e.followPlugin(slug)
	edit.SealAsk(e.State, slug)
}

// noticeGone lets the checks of a plugin that is gone, or is back, run within a
// minute: what they show is not true any more, however long their interval is.
func (e *Monitor) noticeGone(slug string) {
	entry, known := e.PluginEntry(slug)
	gone := !known || entry.Plugin == nil || entry.Orphaned
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	now := e.Now()
	for id, c := range e.Tables.Checks {
		if c.Plugin != slug || !c.Active {
			continue
		}
		if s := e.Tables.States[id]; s != nil && gone != (s.Cause == engine.CausePluginGone) {
			e.Sched.Hasten(id, now.Add(schedule.FirstWait(id, schedule.Every(c, now))))
		}
	}
}

// followPlugin lets what depends on a plugin follow its change.
func (e *Monitor) followPlugin(slug string) {
	hash := e.pluginHash(slug)
	if hash == "" {
		return
	}
	e.Mu.RLock()
	held := outdated(e.Tables.Breakers[engine.PluginBreaker(slug)], hash)
	for id, c := range e.Tables.Checks {
		if c.Plugin != slug {
			continue
		}
		held = held || outdated(e.Tables.Breakers[engine.CheckBreaker(id)], hash)
		if s := e.Tables.States[id]; s == nil || s.DescribedBy != hash {
			e.askDescription(id)
		}
	}
	e.Mu.RUnlock()
	if held {
		e.EnqueueLater(func(x *state.Tx) error { e.resume(x, slug); return nil })
	}
}

// outdated reports whether the breaker belongs to another version of the plugin.
func outdated(b *engine.Breaker, hash string) bool { return b != nil && b.Hash != hash }

func (e *Monitor) usedPlugins() map[string]bool {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	slugs := map[string]bool{}
	for _, c := range e.Tables.Checks {
		slugs[c.Plugin] = true
	}
	return slugs
}

// ResumePlugin lifts the suspension of a plugin and of its checks.
func (e *Plugins) ResumePlugin(ctx context.Context, by engine.Actor, slug string) error {
	if _, ok := e.PluginEntry(slug); !ok {
		return &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
	}
	return e.Submit(ctx, by, func(x *state.Tx) error {
		e.m.resume(x, slug)
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
func (e *Plugins) PluginUse(slug string) PluginUse {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	use := PluginUse{Checks: []string{}, Services: []string{}, Instances: []string{}}
	for id, c := range e.Tables.Checks {
		if c.Plugin == slug {
			use.Checks = append(use.Checks, id)
		}
	}
	for id, s := range e.Tables.Services {
		if slices.Contains(alert.PluginsOf(&s.Alerting), slug) {
			use.Services = append(use.Services, id)
		}
	}
	for id, i := range e.Tables.Instances {
		if slices.Contains(alert.PluginsOf(&i.Alerting), slug) {
			use.Instances = append(use.Instances, id)
		}
	}
	slices.Sort(use.Checks)
	slices.Sort(use.Services)
	slices.Sort(use.Instances)
	return use
}
