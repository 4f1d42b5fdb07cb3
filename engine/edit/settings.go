package edit

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// SaveSettings replaces the site's settings. It returns an *Error.
func (site *Site) SaveSettings(ctx context.Context, by engine.Actor, s engine.Settings) (*engine.Settings, error) {
	s.ID = engine.SiteID
	var p engine.Problems
	ValidateSettings(&s, &p)
	err := submit(ctx, site.State, site.dry, by, func(x *state.Tx) error {
		old := x.Site()
		if old.Revision != s.Revision {
			return engine.ErrChanged
		}
		if s.FallbackUser != "" && x.Users.Get(s.FallbackUser) == nil {
			p.Add("fallback_user", "not_found", "no such user")
		}
		if s.DefaultRota != "" && x.Rotas.Get(s.DefaultRota) == nil {
			p.Add("default_rota", "not_found", "no such rota")
		}
		if err := p.Err(); err != nil {
			return err
		}
		if old.Revision == 0 {
			x.SetRevision(engine.KindSettings, &s.Meta, nil)
		} else {
			x.SetRevision(engine.KindSettings, &s.Meta, &old.Meta)
		}
		x.Settings.Put(engine.SiteID, &s)
		x.Audit("update", engine.KindSettings, engine.SiteID, "settings", old, &s)
		for _, in := range x.Incidents.All() { // repeat intervals may be shorter now
			if in.Closed == nil {
				x.State.WakeAt(state.Timer{At: x.Now, Ref: in.Subject})
			}
		}
		return nil
	})
	return engine.CopyOf(&s), err
}

func ValidateSettings(s *engine.Settings, p *engine.Problems) {
	p.Link("public_url", s.PublicURL)
	if u, err := url.Parse(s.PublicURL); err == nil && (u.RawQuery != "" || u.Fragment != "") {
		p.Add("public_url", "invalid", "leave out everything from ? or # on")
	}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	p.Link("heartbeat_url", s.HeartbeatURL)
	if s.RepeatInterval == nil {
		s.RepeatInterval = map[engine.Status]engine.Duration{}
	}
	for severity, d := range s.RepeatInterval {
		if !severity.IsSeverity() {
			p.Add("repeat_interval."+string(severity), "unknown", "the keys are WARNING, ERROR and CRITICAL")
		} else {
			p.Span("repeat_interval."+string(severity), d, time.Second, engine.Year)
		}
	}
	for severity, d := range engine.DefaultRepeat() {
		if _, ok := s.RepeatInterval[severity]; !ok {
			s.RepeatInterval[severity] = d
		}
	}
	p.Span("retention", s.Retention, time.Hour, 50*engine.Year)
	p.Span("sum_retention", s.SumRetention, time.Hour, 50*engine.Year)
	p.Span("history_retention", s.HistoryKept, time.Hour, 50*engine.Year)
	s.TrustedProxies = engine.OrEmpty(s.TrustedProxies)
	for i, cidr := range s.TrustedProxies {
		if _, _, err := net.ParseCIDR(cidr); err != nil && net.ParseIP(cidr) == nil {
			p.Add(engine.At("trusted_proxies", i), "invalid", "write an address or a network such as 10.0.0.0/8")
		}
	}
	if t := s.SelfCheckTarget; t != "" && !form.ValidURL(t) {
		if _, port, err := net.SplitHostPort(t); err != nil || port == "" {
			p.Add("self_check_target", "invalid", "write host:port or a URL")
		}
	}
}

// PluginSettings returns the stored site-wide settings of a plugin; those of
// one that has none are of revision 0.
func (site *Site) PluginSettings(slug string) engine.PluginSettings {
	site.Mu.RLock()
	defer site.Mu.RUnlock()
	if s := site.Tables.Plugins[slug]; s != nil {
		return *s
	}
	return engine.PluginSettings{Meta: engine.Meta{ID: slug}}
}

// PluginObject is the id under which a plugin's site-wide secrets are sealed.
func PluginObject(slug string) string { return slug }

// SavePluginSettings replaces the site-wide settings of a plugin by raw values.
func (site *Site) SavePluginSettings(ctx context.Context, by engine.Actor, slug string, raw form.Values, revision *uint64) error {
	entry, ok := site.PluginEntry(slug)
	if !ok || entry.Plugin == nil {
		return &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
	}
	if from := entry.Plugin.Meta().SettingsFrom; from != "" {
		return engine.Conflictf("%s shares the settings of %s: save them there", slug, from)
	}
	err := state.Retrying(func() error {
		site.Mu.RLock()
		old := site.Tables.Plugins[slug]
		site.Mu.RUnlock()
		var stored form.Values
		if old != nil {
			stored = old.Values
		}
		if revision != nil && (old == nil && *revision != 0 || old != nil && *revision != old.Revision) {
			return engine.ErrChanged
		}
		values, errs := entry.Plugin.Meta().Forms[engine.SettingsForm].Clean(ctx, raw, form.Options{
			Stored: stored, Callbacks: entry.Plugin.Cleaning(engine.SettingsForm, PluginObject(slug)),
			Seal: func(path string, plain []byte) (form.Sealed, error) {
				return site.Options.Sealer.Seal(PluginObject(slug), path, plain)
			},
		})
		if len(errs) > 0 {
			return (&engine.Problems{List: errs}).Err()
		}
		return submit(ctx, site.State, site.dry, by, func(x *state.Tx) error {
			if x.Plugins.Get(slug) != old {
				return state.ErrRetry
			}
			s := &engine.PluginSettings{Meta: engine.Meta{ID: slug}, Values: values}
			if old == nil {
				x.SetRevision(engine.KindPluginSettings, &s.Meta, nil)
				x.Audit("update", engine.KindPluginSettings, slug, slug, nil, s)
			} else {
				x.SetRevision(engine.KindPluginSettings, &s.Meta, &old.Meta)
				x.Audit("update", engine.KindPluginSettings, slug, slug, old, s)
			}
			x.Plugins.Put(slug, s)
			alert.RetryThrough(x, slug)
			return nil
		})
	})
	if err == nil && !site.dry {
		alert.ReviveUnsent(site.State, ctx, func(through string, _ *engine.Incident) bool { return alert.SettingsOwner(site.State, through) == slug })
		alert.NoteNeeds(site.State)
	}
	return err
}

// users of a plugin: the checks, services and instances that name it.

// Site edits the settings of the site and of plugins.
type Site struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}
