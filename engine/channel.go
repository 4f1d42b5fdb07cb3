package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"moonwatch/engine/form"
)

// needing is implemented by alert plugins that can tell what they lack.
type needing interface {
	// Missing says what must be filled in before the plugin can send with these
	// stored values of the site and of a service; "" is nothing.
	Missing(settings, service form.Values) string
}

// Channel is how an alert plugin stands.
type Channel struct {
	Slug string
	// Needs says what must be filled in before the plugin can send: for a service
	// that alerts through it, or at all when none does. "" is nothing.
	Needs   string
	NeedsAt []Ref // the services and instances that alert through it and cannot
	Unsent  *Unsent
	For     Ref    // whose alert Unsent is
	ForName string // its name
}

// missing says what an alert plugin lacks with these settings of a service.
func (e *State) missing(t *tables, slug string, service form.Values) string {
	entry, ok := e.pluginEntry(slug)
	if !ok || entry.Plugin == nil || entry.Plugin.Meta().Kind != AlertPlugin {
		return ""
	}
	p, ok := entry.Plugin.(needing)
	if !ok {
		return ""
	}
	var settings form.Values
	if s := t.plugins[cmp.Or(entry.Plugin.Meta().SettingsFrom, slug)]; s != nil {
		settings = s.Values
	}
	return p.Missing(settings, service)
}

// alertingOf are all services and instances with what they alert through.
func (t *tables) alertingOf() map[Ref]*Alerting {
	out := make(map[Ref]*Alerting, len(t.services)+len(t.instances))
	for id, s := range t.services {
		out[Ref{KindService, id}] = &s.Alerting
	}
	for id, i := range t.instances {
		out[Ref{KindInstance, id}] = &i.Alerting
	}
	return out
}

// LastSent returns when a delivery through an alert plugin was last sent, nil when
// none was. It reads the store.
func (e *incidentService) LastSent(ctx context.Context, slug string) (at *time.Time) {
	_ = e.store.Scan(ctx, KindDelivery, Query{Term: sentTerm(slug), Reverse: true}, func(r Record) bool {
		var d Delivery
		if json.Unmarshal(r.Data, &d) == nil && len(d.Attempts) > 0 {
			at = &d.Attempts[len(d.Attempts)-1].At
		}
		return false
	})
	return at
}

// Channel returns how an alert plugin stands.
func (e *incidentService) Channel(slug string) Channel {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := Channel{Slug: slug}
	used := false
	for ref, a := range e.tables.alertingOf() {
		for _, choice := range a.Alerts {
			if choice.Plugin != slug {
				continue
			}
			used = true
			if why := e.missing(e.tables, slug, choice.Settings); why != "" {
				c.Needs, c.NeedsAt = why, append(c.NeedsAt, ref)
			}
		}
	}
	if !used && e.hasSettings(slug) { // else each service brings what it wants
		c.Needs = e.missing(e.tables, slug, nil)
	}
	slices.SortFunc(c.NeedsAt, func(a, b Ref) int { return cmp.Compare(a.key(), b.key()) })
	for _, in := range e.tables.incidents {
		if u := in.Unsent[slug]; u != nil && in.Closed == nil && (c.Unsent == nil || u.At.Before(c.Unsent.At)) {
			c.Unsent, c.For, c.ForName = u, in.Subject, e.tables.nameOf(in.Subject)
		}
	}
	return c
}

// AlertNeeds says what an alert plugin lacks with the stored settings of a service
// or an instance; nil settings are those of one that has none. "" is nothing, and
// so is what the form of a service itself asks for.
func (e *incidentService) AlertNeeds(slug string, service form.Values) string {
	if !e.hasSettings(slug) {
		return ""
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.missing(e.tables, slug, service)
}

// hasSettings reports whether a plugin has settings of the site.
func (e *State) hasSettings(slug string) bool {
	entry, ok := e.pluginEntry(slug)
	return ok && entry.Plugin != nil && len(entry.Plugin.Meta().Forms[SettingsForm].Fields) > 0
}

// usableAt reports whether a plugin can send with these settings of a service;
// with none, it must not want any.
func (x *tx) usableAt(slug string, settings form.Values) bool {
	if entry, ok := x.e.pluginEntry(slug); settings == nil && ok && entry.Plugin != nil {
		for _, f := range entry.Plugin.Meta().Forms[ServiceConfigForm].Fields {
			if f.Required && f.Type != form.Boolean && f.Initial == nil && len(f.ShowIf) == 0 {
				return false
			}
		}
	}
	return x.e.missing(x.t, slug, settings) == ""
}

// noteUnsent keeps the first failed attempt of a firing with its incident, which
// is the caller's copy, and forgets it once something was told. The built-in
// service fails meanwhile; its own alerts are left out, lest it fail for itself.
func (x *tx) noteUnsent(in *Incident, d *Delivery, report AlertReport) {
	told := report.Outcome == OutcomeSent || report.Outcome == OutcomeUnknown
	switch old := in.Unsent[d.Plugin]; {
	case in.Subject == builtIn:
		return
	case told && old != nil:
		in.Unsent = maps.Clone(in.Unsent)
		delete(in.Unsent, d.Plugin)
	case report.Outcome == OutcomeFailed && old == nil && d.Kind == AlertFiring && in.Told[d.Plugin] == nil:
		in.Unsent = maps.Clone(in.Unsent)
		if in.Unsent == nil {
			in.Unsent = map[string]*Unsent{}
		}
		// Everybody sees it: it names nothing of the people who were to be told.
		told := (&incidentService{x.e}).Discreet(Delivery{Why: report.Why, Users: d.Users, DutyOfficers: d.DutyOfficers, Reached: d.Reached}, "")
		in.Unsent[d.Plugin] = &Unsent{At: x.now, Why: told.Why, Delivery: d.ID}
		x.whenDurable(func() {
			x.e.log.Warn("an alert could not be sent", "plugin", d.Plugin, "of", d.SubjectName, "why", report.Why)
		})
	default:
		return
	}
	x.e.postLater(func(x *tx) error { x.evaluate(builtIn, ""); return nil })
}

// unsentCheck begins the id by which a plugin that cannot send fails the built-in service.
const unsentCheck = "alert:"

// unsent are the first failed attempts of open incidents, by plugin.
func (x *tx) unsent() map[string]*Unsent {
	out := map[string]*Unsent{}
	for _, in := range x.incidents.all() {
		if in.Closed != nil {
			continue
		}
		for slug, u := range in.Unsent {
			if old := out[slug]; old == nil || u.At.Before(old.At) {
				out[slug] = u
			}
		}
	}
	return out
}

// unsentRecords are the plugins that could not send, as checks in an alert.
func (x *tx) unsentRecords() []CheckRecord {
	var out []CheckRecord
	for slug, u := range x.unsent() {
		name := slug
		if entry, ok := x.e.pluginEntry(slug); ok && entry.Plugin != nil {
			name = entry.Plugin.Meta().Name
		}
		out = append(out, CheckRecord{ID: unsentCheck + slug, Name: "Alerts through " + name, Importance: StatusWarning, Severity: StatusWarning,
			Error: u.Why, Since: u.At, PageURL: x.pageURL("plugins", slug), Metrics: []Metric{}})
	}
	return out
}

// retryWaiting makes deliveries that failed and wait be tried at once: what they
// failed for may be mended. change may alter the copy; nil changes nothing.
func (x *tx) retryWaiting(match func(*Delivery) bool, change func(*Delivery)) {
	for _, d := range x.deliveries.all() {
		if d.State != DeliveryFailed || d.UnderWay() || !match(d) {
			continue
		}
		c, now := d.copy(), x.now
		c.NextAttempt = &now
		if change != nil {
			change(c)
		}
		x.putDelivery(c)
	}
}

// retryOf retries what waits for a service or instance, with its settings of now.
func (x *tx) retryOf(ref Ref, a *Alerting) {
	x.retryWaiting(func(d *Delivery) bool { return d.Subject == ref }, func(d *Delivery) {
		for _, choice := range a.Alerts {
			if choice.Plugin == d.Plugin {
				d.Snapshot.Settings = choice.Settings
			}
		}
	})
}

// retryThrough retries what waits for a plugin, and those that read its settings.
func (x *tx) retryThrough(slug string) {
	x.retryWaiting(func(d *Delivery) bool { return x.e.settingsOwner(d.Plugin) == slug }, nil)
}

// settingsOwner is the slug whose settings a plugin reads.
func (e *State) settingsOwner(slug string) string {
	if entry, ok := e.pluginEntry(slug); ok && entry.Plugin != nil {
		return cmp.Or(entry.Plugin.Meta().SettingsFrom, slug)
	}
	return slug
}

// reviveUnsent tries firings again that were given up at once, of incidents that
// are still open: settings that were saved may have mended it.
func (e *State) reviveUnsent(ctx context.Context, match func(slug string, in *Incident) bool) {
	var dead []string
	e.mu.RLock()
	for _, in := range e.tables.incidents {
		for slug, u := range in.Unsent {
			if in.Closed == nil && e.tables.deliveries[u.Delivery] == nil && match(slug, in) {
				dead = append(dead, u.Delivery)
			}
		}
	}
	e.mu.RUnlock()
	for _, id := range dead {
		if _, err := (&incidentService{e}).RetryDelivery(ctx, system, id); err != nil {
			e.log.Debug("a delivery is not tried again", "delivery", id, "why", err)
		}
	}
}

// savedAlerting follows the save of a service or an instance that ended with err.
func (e *State) savedAlerting(ctx context.Context, ref Ref, err error) {
	if err == nil {
		e.reviveUnsent(ctx, func(_ string, in *Incident) bool { return in.Subject == ref })
		e.noteNeeds()
	}
}

// noteNeeds logs which alert plugins in use cannot send for want of settings, each
// once until that changes.
func (e *State) noteNeeds() {
	if e.plugins == nil {
		return
	}
	now := map[string]string{}
	for slug := range e.alertPlugins() {
		if c := (&incidentService{e}).Channel(slug); len(c.NeedsAt) > 0 {
			names := make([]string, len(c.NeedsAt))
			e.mu.RLock()
			for i, ref := range c.NeedsAt {
				names[i] = e.tables.nameOf(ref)
			}
			e.mu.RUnlock()
			now[slug] = c.Needs + " (" + strings.Join(names, ", ") + ")"
		}
	}
	e.needsMu.Lock()
	defer e.needsMu.Unlock()
	for _, slug := range slices.Sorted(maps.Keys(now)) {
		if e.needsNoted[slug] != now[slug] {
			e.log.Warn("an alert plugin cannot send", "plugin", slug, "why", now[slug])
		}
	}
	e.needsNoted = now
}
