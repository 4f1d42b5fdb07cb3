package monitor

import (
	"fmt"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

const (
	breakerWindow = 10 * time.Minute
	breakerLimits = 5
	breakerFirst  = 10 * time.Minute
	maxBreaker    = 6 * time.Hour
	breakerChecks = 3 // checks that must be hit before a whole plugin is suspended
)

// hit returns the breaker of a check after a run that a limit ended.
func hit(b *engine.Breaker, id, reason string, now time.Time) *engine.Breaker {
	c := &engine.Breaker{ID: id}
	if b != nil {
		*c = *b
		c.Limits = nil
		for _, at := range b.Limits {
			if now.Sub(at) < breakerWindow {
				c.Limits = append(c.Limits, at)
			}
		}
		if b.Until != nil && now.Sub(*b.Until) > maxBreaker {
			c.Level = 0
		}
	}
	c.Limits = append(c.Limits, now)
	if len(c.Limits) >= breakerLimits {
		hold := breakerFirst
		for range c.Level {
			hold = min(2*hold, maxBreaker)
		}
		until := now.Add(hold)
		c.Until, c.Limits = &until, nil
		c.Level++
		c.Reason = fmt.Sprintf("suspended until %s: %d runs were ended by a limit within 10 minutes, the last with: %s",
			until.UTC().Format(time.RFC3339), breakerLimits, reason)
	}
	return c
}

// usage counts the runs of one check plugin by minute; it is lost at a stop.
type usage struct {
	minutes [10]usageMinute
}

type usageMinute struct {
	minute int64
	runs   int
	limits map[string]int // by check
}

// count adds a run and reports whether the plugin is to be suspended: at least
// three checks and half of its runs in ten minutes ended by a limit.
func (u *usage) count(check string, limit bool, now time.Time) bool {
	minute := now.Unix() / 60
	m := &u.minutes[minute%10]
	if m.minute != minute {
		*m = usageMinute{minute: minute}
	}
	m.runs++
	if !limit {
		return false
	}
	if m.limits == nil {
		m.limits = map[string]int{}
	}
	m.limits[check]++
	runs, limits, checks := 0, 0, map[string]bool{}
	for _, m := range u.minutes {
		if minute-m.minute >= 10 {
			continue
		}
		runs += m.runs
		for id, n := range m.limits {
			limits += n
			checks[id] = true
		}
	}
	return len(checks) >= breakerChecks && 2*limits >= runs
}

// watchLimits moves the breakers after a run.
func (m *Monitor) watchLimits(x *state.Tx, c *engine.Check, limit bool, reason string) {
	u := m.usages[c.Plugin]
	if u == nil {
		u = &usage{}
		m.usages[c.Plugin] = u
	}
	trip := u.count(c.ID, limit, x.Now)
	if !limit {
		return
	}
	id := engine.CheckBreaker(c.ID)
	b := hit(x.Breakers.Get(id), id, reason, x.Now)
	b.Hash = m.pluginHash(c.Plugin)
	x.Breakers.Put(id, b)
	if trip {
		id := engine.PluginBreaker(c.Plugin)
		m.usages[c.Plugin] = &usage{}
		x.Breakers.Put(id, &engine.Breaker{
			ID:   id,
			Held: true,
			Hash: b.Hash,
			Reason: "suspended: at least 3 checks and half of its runs in 10 minutes were ended by a limit, the last with: " +
				reason + "; it goes on when its file changes or somebody resumes it",
		})
		x.WhenDurable(func() { m.changedPlugin(c.Plugin) })
	}
}

// pluginHash is the hash of the running version of a plugin, "" without one.
func (m *Monitor) pluginHash(slug string) string {
	if entry, ok := m.PluginEntry(slug); ok && entry.Plugin != nil {
		return entry.Plugin.Meta().Hash
	}
	return ""
}

// resume lifts the suspension of a plugin and of its checks.
func (m *Monitor) resume(x *state.Tx, slug string) {
	delete(m.usages, slug)
	if x.Breakers.Get(engine.PluginBreaker(slug)) != nil {
		x.Breakers.Delete(engine.PluginBreaker(slug))
	}
	for id, c := range x.Checks.All() {
		if c.Plugin == slug && x.Breakers.Get(engine.CheckBreaker(id)) != nil {
			x.Breakers.Delete(engine.CheckBreaker(id))
		}
	}
}
