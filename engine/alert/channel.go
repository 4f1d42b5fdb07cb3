package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
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
	NeedsAt []engine.Ref // the services and instances that alert through it and cannot
	Unsent  *engine.Unsent
	For     engine.Ref // whose alert Unsent is
	ForName string     // its name
}

// missing says what an alert plugin lacks with these settings of a service.
func missing(e *state.State, t *state.Tables, slug string, service form.Values) string {
	entry, ok := e.PluginEntry(slug)
	if !ok || entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.AlertPlugin {
		return ""
	}
	p, ok := entry.Plugin.(needing)
	if !ok {
		return ""
	}
	var settings form.Values
	if s := t.Plugins[cmp.Or(entry.Plugin.Meta().SettingsFrom, slug)]; s != nil {
		settings = s.Values
	}
	return p.Missing(settings, service)
}

// alertingOf are all services and instances with what they alert through.
func alertingOf(t *state.Tables) map[engine.Ref]*engine.Alerting {
	out := make(map[engine.Ref]*engine.Alerting, len(t.Services)+len(t.Instances))
	for id, s := range t.Services {
		out[engine.Ref{Kind: engine.KindService, ID: id}] = &s.Alerting
	}
	for id, i := range t.Instances {
		out[engine.Ref{Kind: engine.KindInstance, ID: id}] = &i.Alerting
	}
	return out
}

// LastSent returns when a delivery through an alert plugin was last sent, nil when
// none was. It reads the store.
func (inc *Incidents) LastSent(ctx context.Context, slug string) (at *time.Time) {
	for d, err := range state.Scan[engine.Delivery](ctx, inc.Store, engine.KindDelivery, engine.Query{
		Term:    engine.SentTerm(slug),
		Reverse: true,
		Limit:   1,
	}) {
		if err == nil && len(d.Attempts) > 0 {
			at = &d.Attempts[len(d.Attempts)-1].At
		}
	}
	return at
}

// Channel returns how an alert plugin stands.
func (inc *Incidents) Channel(slug string) Channel {
	inc.Mu.RLock()
	defer inc.Mu.RUnlock()
	c := Channel{Slug: slug}
	used := false
	for ref, a := range alertingOf(inc.Tables) {
		for _, choice := range a.Alerts {
			if choice.Plugin != slug {
				continue
			}
			used = true
			if why := missing(inc.State, inc.Tables, slug, choice.Settings); why != "" {
				c.Needs, c.NeedsAt = why, append(c.NeedsAt, ref)
			}
		}
	}
	if !used && hasSettings(inc.State, slug) { // else each service brings what it wants
		c.Needs = missing(inc.State, inc.Tables, slug, nil)
	}
	slices.SortFunc(c.NeedsAt, func(a, b engine.Ref) int { return cmp.Compare(a.Key(), b.Key()) })
	for _, in := range inc.Tables.Incidents {
		if u := in.Unsent[slug]; u != nil && in.Closed == nil && (c.Unsent == nil || u.At.Before(c.Unsent.At)) {
			c.Unsent, c.For, c.ForName = u, in.Subject, inc.Tables.NameOf(in.Subject)
		}
	}
	return c
}

// AlertNeeds says what an alert plugin lacks with the stored settings of a service
// or an instance; nil settings are those of one that has none. "" is nothing, and
// so is what the form of a service itself asks for.
func (inc *Incidents) AlertNeeds(slug string, service form.Values) string {
	if !hasSettings(inc.State, slug) {
		return ""
	}
	inc.Mu.RLock()
	defer inc.Mu.RUnlock()
	return missing(inc.State, inc.Tables, slug, service)
}

// hasSettings reports whether a plugin has settings of the site.
func hasSettings(e *state.State, slug string) bool {
	entry, ok := e.PluginEntry(slug)
	return ok && entry.Plugin != nil && len(entry.Plugin.Meta().Forms[engine.SettingsForm].Fields) > 0
}

// usableAt reports whether a plugin can send with these settings of a service;
// with none, it must not want any.
func usableAt(x *state.Tx, slug string, settings form.Values) bool {
	if entry, ok := x.State.PluginEntry(slug); settings == nil && ok && entry.Plugin != nil {
		for _, f := range entry.Plugin.Meta().Forms[engine.ServiceConfigForm].Fields {
			if f.Required && f.Type != form.Boolean && f.Initial == nil && len(f.ShowIf) == 0 {
				return false
			}
		}
	}
	return missing(x.State, x.Tables, slug, settings) == ""
}

// noteUnsent keeps the first failed attempt of a firing with its incident, which
// is the caller's copy, and forgets it once something was told. The built-in
// service fails meanwhile; its own alerts are left out, lest it fail for itself.
func noteUnsent(x *state.Tx, in *engine.Incident, d *engine.Delivery, report engine.AlertReport) {
	notified := report.Outcome == engine.OutcomeSent || report.Outcome == engine.OutcomeUnknown
	switch old := in.Unsent[d.Plugin]; {
	case in.Subject == engine.BuiltIn:
		return
	case notified && old != nil:
		in.Unsent = maps.Clone(in.Unsent)
		delete(in.Unsent, d.Plugin)
	case report.Outcome == engine.OutcomeFailed && old == nil && d.Kind == engine.AlertFiring && in.Notified[d.Plugin] == nil:
		in.Unsent = maps.Clone(in.Unsent)
		if in.Unsent == nil {
			in.Unsent = map[string]*engine.Unsent{}
		}
		// Everybody sees it: it names nothing of the people who were to be told.
		shown := (&Incidents{x.State}).Discreet(engine.Delivery{
			Why:          report.Why,
			Users:        d.Users,
			DutyOfficers: d.DutyOfficers,
			Reached:      d.Reached,
		}, "")
		in.Unsent[d.Plugin] = &engine.Unsent{At: x.Now, Why: shown.Why, Delivery: d.ID}
		x.WhenDurable(func() {
			x.State.Log.Warn("an alert could not be sent", "plugin", d.Plugin, "of", d.SubjectName, "why", report.Why)
		})
	default:
		return
	}
	x.State.EnqueueLater(func(x *state.Tx) error { Evaluate(x, engine.BuiltIn, ""); return nil })
}

// unsentCheck begins the id by which a plugin that cannot send fails the built-in service.
const unsentCheck = "alert:"

// unsent are the first failed attempts of open incidents, by plugin.
func unsent(x *state.Tx) map[string]*engine.Unsent {
	out := map[string]*engine.Unsent{}
	for _, in := range x.Incidents.All() {
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
func unsentRecords(x *state.Tx) []engine.CheckRecord {
	var out []engine.CheckRecord
	for slug, u := range unsent(x) {
		name := slug
		if entry, ok := x.State.PluginEntry(slug); ok && entry.Plugin != nil {
			name = entry.Plugin.Meta().Name
		}
		out = append(out, engine.CheckRecord{
			ID:         unsentCheck + slug,
			Name:       "Alerts through " + name,
			Importance: engine.StatusWarning,
			Severity:   engine.StatusWarning,
			Error:      u.Why,
			Since:      u.At,
			PageURL:    pageURL(x, "plugins", slug),
			Metrics:    []engine.Metric{},
		})
	}
	return out
}

// RetryWaiting makes deliveries that failed and wait be tried at once: what they
// failed for may be mended. change may alter the copy; nil changes nothing.
func RetryWaiting(x *state.Tx, match func(*engine.Delivery) bool, change func(*engine.Delivery)) {
	for _, d := range x.Deliveries.All() {
		if d.State != engine.DeliveryFailed || d.UnderWay() || !match(d) {
			continue
		}
		c, now := d.Copy(), x.Now
		c.NextAttempt = &now
		if change != nil {
			change(c)
		}
		putDelivery(x, c)
	}
}

// RetryOf retries what waits for a service or instance, with its settings of now.
func RetryOf(x *state.Tx, ref engine.Ref, a *engine.Alerting) {
	RetryWaiting(x, func(d *engine.Delivery) bool { return d.Subject == ref }, func(d *engine.Delivery) {
		for _, choice := range a.Alerts {
			if choice.Plugin == d.Plugin {
				d.Snapshot.Settings = choice.Settings
			}
		}
	})
}

// RetryThrough retries what waits for a plugin, and those that read its settings.
func RetryThrough(x *state.Tx, slug string) {
	RetryWaiting(x, func(d *engine.Delivery) bool { return SettingsOwner(x.State, d.Plugin) == slug }, nil)
}

// SettingsOwner is the slug whose settings a plugin reads.
func SettingsOwner(e *state.State, slug string) string {
	if entry, ok := e.PluginEntry(slug); ok && entry.Plugin != nil {
		return cmp.Or(entry.Plugin.Meta().SettingsFrom, slug)
	}
	return slug
}

// ReviveUnsent tries firings again that were given up at once, of incidents that
// are still open: settings that were saved may have mended it.
func ReviveUnsent(e *state.State, ctx context.Context, match func(slug string, in *engine.Incident) bool) {
	var dead []string
	e.Mu.RLock()
	for _, in := range e.Tables.Incidents {
		for slug, u := range in.Unsent {
			if in.Closed == nil && e.Tables.Deliveries[u.Delivery] == nil && match(slug, in) {
				dead = append(dead, u.Delivery)
			}
		}
	}
	e.Mu.RUnlock()
	for _, id := range dead {
		if _, err := (&Incidents{e}).RetryDelivery(ctx, engine.System, id); err != nil {
			e.Log.Debug("a delivery is not tried again", "delivery", id, "why", err)
		}
	}
}

// SavedAlerting follows the save of a service or an instance that ended with err.
func SavedAlerting(e *state.State, ctx context.Context, ref engine.Ref, err error) {
	if err == nil {
		ReviveUnsent(e, ctx, func(_ string, in *engine.Incident) bool { return in.Subject == ref })
		NoteNeeds(e)
	}
}

// NoteNeeds logs which alert plugins in use cannot send for want of settings, each
// once until that changes.
func NoteNeeds(e *state.State) {
	if e.Registry == nil {
		return
	}
	now := map[string]string{}
	for slug := range e.Routes.Known() {
		if c := (&Incidents{e}).Channel(slug); len(c.NeedsAt) > 0 {
			names := make([]string, len(c.NeedsAt))
			e.Mu.RLock()
			for i, ref := range c.NeedsAt {
				names[i] = e.Tables.NameOf(ref)
			}
			e.Mu.RUnlock()
			now[slug] = c.Needs + " (" + strings.Join(names, ", ") + ")"
		}
	}
	e.NeedsMu.Lock()
	defer e.NeedsMu.Unlock()
	for _, slug := range slices.Sorted(maps.Keys(now)) {
		if e.NeedsNoted[slug] != now[slug] {
			e.Log.Warn("an alert plugin cannot send", "plugin", slug, "why", now[slug])
		}
	}
	e.NeedsNoted = now
}
