package engine

import (
	"context"
	"slices"
)

// changedPlugin is told by the registry that a plugin changed. It does not block.
func (e *Engine) changedPlugin(slug string) {
	e.updateRoutes()
	e.hub.publish([]Key{{KindPlugin, slug}})
	e.noticeGone(slug)
	e.followPlugin(slug)
	e.sealAsk(slug)
}

// noticeGone lets the checks of a plugin that is gone, or is back, run within a
// minute: what they show is not true any more, however long their interval is.
func (e *Engine) noticeGone(slug string) {
	entry, known := e.pluginEntry(slug)
	gone := !known || entry.Plugin == nil || entry.Orphaned
	e.mu.RLock()
	defer e.mu.RUnlock()
	for id, c := range e.tables.checks {
		if c.Plugin != slug || !c.Active {
			continue
		}
		if s := e.tables.states[id]; s != nil && gone != (s.Cause == CausePluginGone) {
			e.sched.hasten(id, e.now().Add(firstWait(id, c.every())))
		}
	}
}

// followPlugin lets what depends on a plugin follow its change.
func (e *Engine) followPlugin(slug string) {
	hash := e.pluginHash(slug)
	if hash == "" {
		return
	}
	e.mu.RLock()
	held := e.tables.breakers[pluginBreaker(slug)].outdated(hash)
	for id, c := range e.tables.checks {
		if c.Plugin != slug {
			continue
		}
		held = held || e.tables.breakers[checkBreaker(id)].outdated(hash)
		if s := e.tables.states[id]; s == nil || s.DescribedBy != hash {
			e.askDescription(id)
		}
	}
	e.mu.RUnlock()
	if held {
		e.postLater(func(x *tx) error { e.resume(x, slug); return nil })
	}
}

// outdated reports whether the breaker belongs to another version of the plugin.
func (b *Breaker) outdated(hash string) bool { return b != nil && b.Hash != hash }

func (e *Engine) usedPlugins() map[string]bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	slugs := map[string]bool{}
	for _, c := range e.tables.checks {
		slugs[c.Plugin] = true
	}
	return slugs
}

// ResumePlugin lifts the suspension of a plugin and of its checks.
func (e *Engine) ResumePlugin(ctx context.Context, by Actor, slug string) error {
	if _, ok := e.pluginEntry(slug); !ok {
		return &Error{Kind: NotFound, Message: "no such plugin"}
	}
	return e.do(ctx, by, func(x *tx) error {
		e.resume(x, slug)
		x.audit("resume", KindPlugin, slug, slug, nil, nil)
		x.whenDurable(func() { x.e.hub.publish([]Key{{KindPlugin, slug}}) })
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
func (e *Engine) PluginUse(slug string) PluginUse {
	e.mu.RLock()
	defer e.mu.RUnlock()
	use := PluginUse{Checks: []string{}, Services: []string{}, Instances: []string{}}
	for id, c := range e.tables.checks {
		if c.Plugin == slug {
			use.Checks = append(use.Checks, id)
		}
	}
	for id, s := range e.tables.services {
		if slices.Contains(s.plugins(), slug) {
			use.Services = append(use.Services, id)
		}
	}
	for id, i := range e.tables.instances {
		if slices.Contains(i.plugins(), slug) {
			use.Instances = append(use.Instances, id)
		}
	}
	slices.Sort(use.Checks)
	slices.Sort(use.Services)
	slices.Sort(use.Instances)
	return use
}
