package engine

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"moonwatch/engine/form"
)

// SaveSettings replaces the site's settings. It returns an *Error.
func (e *siteService) SaveSettings(ctx context.Context, by Actor, s Settings) (*Settings, error) {
	s.ID = siteID
	var p problems
	s.validateSettings(&p)
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

func (s *Settings) validateSettings(p *problems) {
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

// PluginSettings returns the stored site-wide settings of a plugin; those of
// one that has none are of revision 0.
func (e *siteService) PluginSettings(slug string) PluginSettings {
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
func (e *siteService) SavePluginSettings(ctx context.Context, by Actor, slug string, raw form.Values, revision *uint64) error {
	entry, ok := e.pluginEntry(slug)
	if !ok || entry.Plugin == nil {
		return &Error{Kind: NotFound, Message: "no such plugin"}
	}
	if from := entry.Plugin.Meta().SettingsFrom; from != "" {
		return conflictf("%s shares the settings of %s: save them there", slug, from)
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

// siteService edits the settings of the site and of plugins.
type siteService struct{ *State }
