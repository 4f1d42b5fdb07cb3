package importer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/config"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// ExportOptions say what becomes of secrets in an export.
type ExportOptions struct {
	// Passphrase encrypts secrets, password hashes and ping tokens into the
	// document; "" leaves them out.
	Passphrase string
	// Open opens a stored secret; it is needed with a passphrase alone. The
	// engine itself holds no key.
	Open func(object, field string, s form.Sealed) ([]byte, error)
}

// Export writes all configuration as a YAML document in which objects name each
// other by name: settings, users, rotas, checks, instances, services and
// silences, without tokens, sessions, revisions and what is derived. The same
// configuration gives the same bytes, but for what is encrypted. The forms of
// plugins say what of their values is written: an engine that is not started
// needs SetPlugins first.
func (cfg *Config) Export(ctx context.Context, o ExportOptions) ([]byte, error) {
	c := cfg.Configured()
	x := &exporter{e: cfg.State, names: c.Names(), secret: func(string, string, string, any) any { return config.Secret{} }}
	doc := &config.Document{Version: config.Version}
	var failed error
	if o.Passphrase != "" {
		if o.Open == nil {
			return nil, errors.New("export the configuration: nothing opens its secrets")
		}
		header, locker, err := config.NewLocker(o.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("export the configuration: %w", err)
		}
		doc.Encryption = header
		x.secret = func(place, object, path string, v any) any {
			s, err := lock(locker, o.Open, place, object, path, v)
			if err != nil && failed == nil {
				failed = fmt.Errorf("export the configuration: open the secret %s: %w", place, err)
			}
			return s
		}
		x.tokens = true
	}
	x.fill(doc, c)
	if failed == nil {
		failed = ctx.Err()
	}
	if failed != nil {
		return nil, failed
	}
	return config.Encode(doc), nil
}

// lock turns a stored secret into one that is encrypted to the passphrase.
func lock(l *config.Locker, open func(string, string, form.Sealed) ([]byte, error), place, object, path string, v any) (config.Secret, error) {
	var plain []byte
	var err error
	switch v := v.(type) {
	case form.Sealed:
		plain, err = open(object, path, v)
	case string:
		plain = []byte(v)
	default: // stored before its field became a secret
		plain, err = json.Marshal(v)
	}
	if err != nil {
		return config.Secret{}, err
	}
	locked, err := l.Lock(place, plain)
	return config.Secret{Encrypted: locked}, err
}

// exporter turns stored objects into those of a document.
type exporter struct {
	e      *state.State
	names  map[engine.Kind]map[string]string
	tokens bool // ping tokens are exported too
	// secret gives what stands for a secret. place names it in the document,
	// object and path in the store.
	secret func(place, object, path string, v any) any
}

func (x *exporter) fill(doc *config.Document, c *state.Configured) {
	s := x.settings(c.Settings)
	doc.Settings = &s
	doc.PluginSettings = exported(c.Plugins, x.plugin, func(a, b config.PluginSettings) int { return cmp.Compare(a.Plugin, b.Plugin) })
	doc.Users = exported(c.Users, x.user, func(a, b config.User) int { return cmp.Compare(a.Username, b.Username) })
	doc.Rotas = exported(c.Rotas, x.rota, func(a, b config.Rota) int { return cmp.Compare(a.Name, b.Name) })
	doc.Checks = exported(c.Checks, x.check, func(a, b config.Check) int { return cmp.Compare(a.Name, b.Name) })
	doc.Instances = exported(c.Instances, x.instance, func(a, b config.Instance) int { return cmp.Compare(a.Name, b.Name) })
	doc.Services = exported(c.Services, x.service, func(a, b config.Service) int { return cmp.Compare(a.Name, b.Name) })
	doc.Silences = slices.DeleteFunc(exported(c.Silences, x.silence, compareSilences), func(s config.Silence) bool {
		return len(s.Services)+len(s.Instances)+len(s.Checks)+len(s.Tags) == 0 // all that it covered is gone
	})
}

func exported[T, D any](m map[string]*T, one func(*T) D, order func(a, b D) int) []D {
	out := make([]D, 0, len(m))
	for _, v := range m {
		out = append(out, one(v))
	}
	slices.SortFunc(out, order)
	return out
}

func compareSilences(a, b config.Silence) int {
	return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.Comment, b.Comment), bytes.Compare(silenceKey(a), silenceKey(b)))
}

// silenceKey is a silence's content: what it is known by, having no name.
func silenceKey(s config.Silence) []byte {
	return config.Encode(&config.Document{Silences: []config.Silence{s}})
}

// named gives the names of objects in the order of their ids; what is gone is
// left out.
func (x *exporter) named(kind engine.Kind, ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if name, ok := x.names[kind][id]; ok {
			out = append(out, name)
		}
	}
	return out
}

// values gives what a document holds of the values of a plugin's form.
func (x *exporter) values(slug string, name engine.FormName, object, place string, stored form.Values) config.Values {
	secret := func(path string, v any) any { return x.secret(place+"."+path, object, path, v) }
	if entry, ok := x.e.PluginEntry(slug); ok && entry.Plugin != nil {
		return entry.Plugin.Meta().Forms[name].Export(stored, secret)
	}
	out, _ := form.ExportBare(map[string]any(stored), "", secret).(map[string]any)
	return out
}

func (x *exporter) settings(s *engine.Settings) config.Settings {
	return config.Settings{PublicURL: s.PublicURL, RepeatInterval: repeats(s.RepeatInterval), Retention: config.Duration(s.Retention),
		SumRetention: config.Duration(s.SumRetention), HistoryRetention: config.Duration(s.HistoryKept), SelfCheckTarget: s.SelfCheckTarget,
		PauseAlerts: s.PauseAlerts, TrustedProxies: s.TrustedProxies, HeartbeatURL: s.HeartbeatURL,
		DefaultRota: x.names[engine.KindRota][s.DefaultRota], FallbackUser: x.names[engine.KindUser][s.FallbackUser]}
}

func repeats(m map[engine.Status]engine.Duration) map[string]config.Duration {
	out := make(map[string]config.Duration, len(m))
	for severity, d := range m {
		out[string(severity)] = config.Duration(d)
	}
	return out
}

func (x *exporter) plugin(s *engine.PluginSettings) config.PluginSettings {
	place := config.Named("plugin_settings", s.ID) + ".values"
	return config.PluginSettings{Plugin: s.ID, Values: x.values(s.ID, engine.SettingsForm, edit.PluginObject(s.ID), place, s.Values)}
}

func (x *exporter) user(u *engine.User) config.User {
	place := config.Named("users", u.Username)
	out := config.User{Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Active: u.Active,
		Role: string(u.Role), TimeZone: u.TimeZone, Settings: map[string]config.Values{}, QuietCritical: u.QuietCritical}
	for slug, values := range u.Settings {
		out.Settings[slug] = x.values(slug, engine.UserConfigForm, u.ID, place+".settings."+slug, values)
	}
	for _, q := range u.QuietHours {
		out.QuietHours = append(out.QuietHours, config.QuietHours{Days: q.Days, Start: q.Start, End: q.End})
	}
	for _, r := range u.ContactRules {
		out.ContactRules = append(out.ContactRules, config.ContactRule{Channel: r.Channel, Severity: string(r.Severity)})
	}
	if u.PasswordHash != "" {
		out.PasswordHash = x.one(place+".password_hash", u.PasswordHash)
	}
	return out
}

// one gives a secret that is not of a form.
func (x *exporter) one(place, plain string) *config.Secret {
	s, ok := x.secret(place, "", "", plain).(config.Secret)
	if !ok {
		return nil
	}
	return &s
}

func (x *exporter) rota(r *engine.Rota) config.Rota {
	out := config.Rota{Name: r.Name, TimeZone: r.TimeZone, FallbackUser: x.names[engine.KindUser][r.FallbackUser]}
	if r.HasFeed() {
		out.ICalURL.Secret = x.one(config.Named("rotas", r.Name)+"."+state.IcalField, x.e.FeedAddresses.Opened(r).ICalURL)
	}
	if r.Rotation != nil {
		out.Rotation = &config.Rotation{Members: x.named(engine.KindUser, r.Rotation.Members), Every: r.Rotation.Every, Starts: r.Rotation.Starts}
	}
	for _, o := range r.Overrides {
		if name := x.names[engine.KindUser][o.User]; name != "" {
			out.Overrides = append(out.Overrides, config.Override{User: name, Start: o.Start, End: o.End})
		}
	}
	if d := r.Dealt; d != nil {
		out.Dealt = &config.Dealt{Until: d.Until, First: d.First}
		for _, s := range d.Shifts {
			if name := x.names[engine.KindUser][s.User]; name != "" {
				out.Dealt.Shifts = append(out.Dealt.Shifts, config.Override{User: name, Start: s.Start, End: s.End})
			}
		}
	}
	return out
}

func (x *exporter) check(c *engine.Check) config.Check {
	place := config.Named("checks", c.Name)
	out := config.Check{Name: c.Name, Plugin: c.Plugin, Config: x.values(c.Plugin, engine.ConfigForm, c.ID, place+".config", c.Config),
		Active: c.Active, Importance: string(c.Importance), Interval: config.Duration(c.Interval), Timeout: config.Duration(c.Timeout),
		Debounce: c.Debounce, RecoverAfter: c.RecoverAfter, RetryInterval: config.Duration(c.RetryInterval), NoData: string(c.NoData),
		UnknownAfter: config.Duration(c.UnknownAfter), RunbookLink: c.RunbookLink, Tags: c.Tags}
	if s := c.Schedule; s != nil {
		out.Schedule = &config.Schedule{Cron: s.Cron, TimeZone: s.TimeZone, ActiveHours: s.ActiveHours}
	}
	if entry, ok := x.e.PluginEntry(c.Plugin); x.tokens && ok && entry.Plugin != nil && entry.Plugin.Meta().HasPing && c.PingToken != "" {
		out.PingToken = x.one(place+".ping_token", c.PingToken)
	}
	return out
}

func (x *exporter) alerting(object, place string, a *engine.Alerting) config.Alerting {
	out := config.Alerting{StatusChecks: x.named(engine.KindCheck, a.StatusChecks), UsersToNotify: x.named(engine.KindUser, a.UsersToNotify),
		AlertsEnabled: a.AlertsEnabled, RepeatInterval: repeats(a.RepeatInterval), Rotas: x.named(engine.KindRota, a.Rotas),
		StatusRule: a.StatusRule, IsPublic: a.IsPublic, RunbookLink: a.RunbookLink, Tags: a.Tags}
	for _, choice := range a.Alerts {
		out.Alerts = append(out.Alerts, config.Alert{Plugin: choice.Plugin,
			Settings: x.values(choice.Plugin, engine.ServiceConfigForm, object, alertPlace(place, choice.Plugin), choice.Settings)})
	}
	for _, s := range a.Escalation {
		step := config.Escalation{
			After:   config.Duration(s.After),
			Users:   x.named(engine.KindUser, s.Users),
			Rotas:   x.named(engine.KindRota, s.Rotas),
			Plugins: s.Plugins,
		}
		if len(step.Users)+len(step.Rotas)+len(step.Plugins) > 0 { // else all that it named is gone
			out.Escalation = append(out.Escalation, step)
		}
	}
	for _, d := range a.DependsOn {
		switch name := x.names[d.Kind][d.ID]; {
		case name == "":
		case d.Kind == engine.KindService:
			out.DependsOn = append(out.DependsOn, config.Ref{Service: name})
		default:
			out.DependsOn = append(out.DependsOn, config.Ref{Instance: name})
		}
	}
	return out
}

// alertPlace is where the secrets of an alert plugin's settings belong: to the
// plugin, wherever it stands in the list.
func alertPlace(subject, plugin string) string {
	return config.Named(subject+".alerts", plugin) + ".settings"
}

func (x *exporter) instance(i *engine.Instance) config.Instance {
	return config.Instance{Name: i.Name, Address: i.Address, Alerting: x.alerting(i.ID, config.Named("instances", i.Name), &i.Alerting)}
}

func (x *exporter) service(s *engine.Service) config.Service {
	return config.Service{Name: s.Name, BuiltIn: s.ID == engine.BuiltIn.ID, URL: s.URL, Instances: x.named(engine.KindInstance, s.Instances),
		Alerting: x.alerting(s.ID, config.Named("services", s.Name), &s.Alerting)}
}

func (x *exporter) silence(s *engine.Silence) config.Silence {
	return config.Silence{
		Comment:     s.Comment,
		Services:    x.named(engine.KindService, s.Services),
		Instances:   x.named(engine.KindInstance, s.Instances),
		Checks:      x.named(engine.KindCheck, s.Checks),
		Tags:        s.Tags,
		StartsAt:    s.StartsAt.UTC(),
		EndsAt:      s.EndsAt.UTC(),
		RRule:       rota.CanonicalRule(s.RRule),
		TimeZone:    s.TimeZone,
		Author:      s.Author,
		Maintenance: s.Maintenance,
	}
}
