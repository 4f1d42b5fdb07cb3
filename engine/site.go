package engine

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine/form"
)

// siteID is the id of the one Settings object.
const siteID = "site"

// DefaultSettings are those of a site on which nobody has set anything.
func DefaultSettings() *Settings {
	day := Duration(24 * time.Hour)
	return &Settings{Meta: Meta{ID: siteID}, RepeatInterval: defaultRepeat(), Retention: 30 * day, SumRetention: 730 * day,
		HistoryKept: 730 * day, TrustedProxies: []string{}}
}

func (t *tables) site() *Settings {
	if s := t.settings[siteID]; s != nil {
		return s
	}
	return defaultSite
}

var defaultSite = DefaultSettings() // read only

// Settings returns the site's settings.
func (e *Engine) Settings() Settings {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return *e.tables.site()
}

// SaveSettings replaces the site's settings. It returns an *Error.
func (e *Engine) SaveSettings(ctx context.Context, by Actor, s Settings) (*Settings, error) {
	s.ID = siteID
	var p problems
	s.validate(&p)
	err := e.do(ctx, by, func(x *tx) error {
		old := x.site()
		if old.Revision != s.Revision {
			return errChanged
		}
		if s.FallbackUser != "" && x.users.get(s.FallbackUser) == nil {
			p.add("fallback_user", "not_found", "no such user")
		}
		if s.DefaultRota != "" && x.rotas.get(s.DefaultRota) == nil {
			p.add("default_rota", "not_found", "no such rota")
		}
		if err := p.err(); err != nil {
			return err
		}
		if old.Revision == 0 {
			x.stamp(KindSettings, &s.Meta, nil)
		} else {
			x.stamp(KindSettings, &s.Meta, &old.Meta)
		}
		x.settings.put(siteID, &s)
		x.audit("update", KindSettings, siteID, "settings", old, &s)
		for _, in := range x.incidents.all() { // repeat intervals may be shorter now
			if in.Closed == nil {
				x.e.remind(due{at: x.now, ref: in.Subject})
			}
		}
		return nil
	})
	return &s, err
}

func (s *Settings) validate(p *problems) {
	p.link("public_url", s.PublicURL)
	if u, err := url.Parse(s.PublicURL); err == nil && (u.RawQuery != "" || u.Fragment != "") {
		p.add("public_url", "invalid", "leave out everything from ? or # on")
	}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	p.link("heartbeat_url", s.HeartbeatURL)
	if s.RepeatInterval == nil {
		s.RepeatInterval = map[Status]Duration{}
	}
	for severity, d := range s.RepeatInterval {
		if !severity.IsSeverity() {
			p.add("repeat_interval."+string(severity), "unknown", "the keys are WARNING, ERROR and CRITICAL")
		} else {
			p.span("repeat_interval."+string(severity), d, time.Second, year)
		}
	}
	for severity, d := range defaultRepeat() {
		if _, ok := s.RepeatInterval[severity]; !ok {
			s.RepeatInterval[severity] = d
		}
	}
	p.span("retention", s.Retention, time.Hour, 50*year)
	p.span("sum_retention", s.SumRetention, time.Hour, 50*year)
	p.span("history_retention", s.HistoryKept, time.Hour, 50*year)
	s.TrustedProxies = orEmpty(s.TrustedProxies)
	for i, cidr := range s.TrustedProxies {
		if _, _, err := net.ParseCIDR(cidr); err != nil && net.ParseIP(cidr) == nil {
			p.add(at("trusted_proxies", i), "invalid", "write an address or a network such as 10.0.0.0/8")
		}
	}
	if t := s.SelfCheckTarget; t != "" && !form.ValidURL(t) {
		if _, port, err := net.SplitHostPort(t); err != nil || port == "" {
			p.add("self_check_target", "invalid", "write host:port or a URL")
		}
	}
}

// welcomeMark is the id of the record that says that the first service was
// made, or that somebody was quicker: it is never made again.
const welcomeMark = "welcome"

// welcome makes the built-in service once an admin exists: its check asks
// whether the monitor itself answers, so that a newcomer sees a green check.
func (e *Engine) welcome(ctx context.Context) error {
	e.mu.RLock()
	ready := e.started.Load() && !e.marked.Load()
	admin := ""
	for id, u := range e.tables.users {
		if isAdmin(u) && (admin == "" || id < admin) {
			admin = id
		}
	}
	e.mu.RUnlock()
	if !ready || admin == "" || e.o.SelfURL == "" {
		return nil
	}
	c := NewCheck()
	c.Name, c.Plugin = "Moonwatch answers", "http"
	c.Config = form.Values{"endpoint": e.o.SelfURL + "/healthz", "verify_ssl_certificate": false}
	saved, err := e.SaveCheck(ctx, system, c)
	if err != nil {
		if KindOf(err) == Invalid { // the http plugin was replaced by another
			e.log.Warn("the first service was not made", "error", err)
			return nil
		}
		return err
	}
	s := NewService()
	s.ID, s.Name, s.URL = builtIn.ID, "Moonwatch", e.o.SelfURL
	s.StatusChecks = []string{saved.ID}
	if _, err = e.SaveService(ctx, system, s); KindOf(err) == Invalid {
		s.Name = "Moonwatch (built in)" // somebody was quicker
		_, err = e.SaveService(ctx, system, s)
	}
	return err
}

// welcomed marks that the monitor holds, or held, something.
func (x *tx) welcomed() {
	if !x.e.marked.Load() {
		x.write(KindMark, welcomeMark, true)
		x.whenDurable(func() { x.e.marked.Store(true) })
	}
}

// welcomeSoon is welcome for a caller that must not block.
func (e *Engine) welcomeSoon() {
	if !e.started.Load() {
		return
	}
	e.goLoop(func() {
		if err := e.welcome(e.work); err != nil {
			e.log.Warn("the first service was not made", "error", err)
		}
	})
}

// pluginEntry returns a plugin's entry; before Start there are none.
func (e *Engine) pluginEntry(slug string) (PluginEntry, bool) {
	if e.plugins == nil {
		return PluginEntry{}, false
	}
	return e.plugins.Plugin(slug)
}

// alertPlugins returns what routing needs to know of the loaded alert plugins.
func (e *Engine) alertPlugins() map[string]PluginRoute { return *e.routes.Load() }

func (e *Engine) updateRoutes() {
	routes := map[string]PluginRoute{}
	for _, entry := range e.plugins.List() {
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == AlertPlugin {
			m := entry.Plugin.Meta()
			routes[m.Slug] = PluginRoute{HasUpdate: m.HasUpdate, Channel: m.Channel}
		}
	}
	e.routes.Store(&routes)
}

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
		e.postLater(func(x *tx) error { x.resume(slug); return nil })
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
		x.resume(slug)
		x.audit("resume", KindPlugin, slug, slug, nil, nil)
		x.whenDurable(func() { x.e.hub.publish([]Key{{KindPlugin, slug}}) })
		return nil
	})
}

// PluginSettings returns the stored site-wide settings of a plugin; those of
// one that has none are of revision 0.
func (e *Engine) PluginSettings(slug string) PluginSettings {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.tables.plugins[slug]; s != nil {
		return *s
	}
	return PluginSettings{Meta: Meta{ID: slug}}
}

// pluginObject is the id under which a plugin's site-wide secrets are sealed.
func pluginObject(slug string) string { return slug }

// SavePluginSettings replaces the site-wide settings of a plugin by raw values.
func (e *Engine) SavePluginSettings(ctx context.Context, by Actor, slug string, raw form.Values, revision *uint64) error {
	entry, ok := e.pluginEntry(slug)
	if !ok || entry.Plugin == nil {
		return &Error{Kind: NotFound, Message: "no such plugin"}
	}
	if from := entry.Plugin.Meta().SettingsFrom; from != "" {
		return conflict("%s shares the settings of %s: save them there", slug, from)
	}
	err := retrying(func() error {
		e.mu.RLock()
		old := e.tables.plugins[slug]
		e.mu.RUnlock()
		var stored form.Values
		if old != nil {
			stored = old.Values
		}
		if revision != nil && (old == nil && *revision != 0 || old != nil && *revision != old.Revision) {
			return errChanged
		}
		values, errs := entry.Plugin.Meta().Forms[SettingsForm].Clean(ctx, raw, form.Options{
			Stored: stored, Callbacks: entry.Plugin.Cleaning(SettingsForm, pluginObject(slug)),
			Seal: func(path string, plain []byte) (form.Sealed, error) {
				return e.o.Sealer.Seal(pluginObject(slug), path, plain)
			},
		})
		if len(errs) > 0 {
			return (&problems{errs}).err()
		}
		return e.do(ctx, by, func(x *tx) error {
			if x.plugins.get(slug) != old {
				return errRetry
			}
			s := &PluginSettings{Meta: Meta{ID: slug}, Values: values}
			if old == nil {
				x.stamp(KindPluginSettings, &s.Meta, nil)
				x.audit("update", KindPluginSettings, slug, slug, nil, s)
			} else {
				x.stamp(KindPluginSettings, &s.Meta, &old.Meta)
				x.audit("update", KindPluginSettings, slug, slug, old, s)
			}
			x.plugins.put(slug, s)
			x.retryThrough(slug)
			return nil
		})
	})
	if err == nil {
		e.reviveUnsent(ctx, func(through string, _ *Incident) bool { return e.settingsOwner(through) == slug })
		e.noteNeeds()
	}
	return err
}

// users of a plugin: the checks, services and instances that name it.

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
