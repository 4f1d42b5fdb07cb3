package engine

import (
	"cmp"
	"errors"

	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/form"
)

func (im *importer) importUsers() {
	for i := range im.doc.Users {
		if d := &im.doc.Users[i]; d.Username != "" {
			im.importUser(d)
		}
	}
	for id, u := range im.now.users { // those that stay as they are
		if _, listed := im.ids[KindUser][u.Username]; listed && !im.listsUser(id) && isAdmin(u) {
			im.admins++
		}
	}
}

func (im *importer) listsUser(id string) bool {
	for _, d := range im.doc.Users {
		if im.ids[KindUser][d.Username] == id {
			return true
		}
	}
	return false
}

func (im *importer) importUser(d *config.User) {
	place := config.Named("users", d.Username)
	id := im.ids[KindUser][d.Username]
	old := im.now.users[id]
	u := User{Meta: Meta{ID: id}, Username: d.Username, FirstName: d.FirstName, LastName: d.LastName, Email: d.Email, Active: d.Active,
		Role: access.Role(d.Role), TimeZone: d.TimeZone, Settings: map[string]form.Values{}, QuietHours: []QuietHours{},
		QuietCritical: d.QuietCritical, ContactRules: []ContactRule{}}
	for _, q := range d.QuietHours {
		u.QuietHours = append(u.QuietHours, QuietHours{Days: orEmpty(q.Days), Start: q.Start, End: q.End})
	}
	for _, r := range d.ContactRules {
		u.ContactRules = append(u.ContactRules, ContactRule{Channel: r.Channel, Severity: Status(r.Severity)})
	}
	var p problems
	for slug, values := range d.Settings {
		var stored form.Values
		if old != nil {
			stored = old.Settings[slug]
		}
		location := "settings." + slug
		u.Settings[slug] = im.raw(&p, slug, UserConfigForm, id, location, place+"."+location, values, stored)
	}
	im.e.cleanUser(im.ctx, &p, &u, old)
	im.password(&p, place, &u, old, d)
	if isAdmin(&u) {
		im.admins++
	}
	im.settle(place, p.list)
	base := NewUser()
	consider(im, KindUser, u.Username, &u, old, &base, func(x *exporter, u *User) any { return x.user(u) })
}

// password finds the hash of a user's password.
func (im *importer) password(p *problems, place string, u, old *User, d *config.User) {
	if old != nil {
		u.PasswordHash = old.PasswordHash
	}
	switch h := d.PasswordHash; {
	case h != nil && h.Encrypted != "":
		if hash, ok := im.openSecret(p, "password_hash", place+".password_hash", *h); ok {
			u.PasswordHash = hash
		}
	case h != nil && u.PasswordHash == "" && d.Password == "":
		p.add("password_hash", missingSecret, "the password is not in the document: until an admin sets one, this user cannot log in")
	}
	if d.Password == "" || access.VerifyPassword(u.PasswordHash, d.Password) && u.PasswordHash != "" {
		return
	}
	if err := access.CheckPassword(d.Password, d.Username); err != nil {
		p.add("password", "invalid", "%s", err)
		return
	}
	hash, err := access.HashPassword(d.Password)
	if err != nil {
		p.add("password", "invalid", "%s", err)
	}
	u.PasswordHash = hash
}

func (im *importer) importPlugins() {
	for _, d := range im.doc.PluginSettings {
		if d.Plugin == "" {
			continue
		}
		place := config.Named("plugin_settings", d.Plugin)
		old := im.now.plugins[d.Plugin]
		next := &PluginSettings{Meta: Meta{ID: d.Plugin}}
		var stored form.Values
		if old != nil {
			if stored = old.Values; stored == nil {
				stored = form.Values{}
			}
		}
		var p problems
		raw := im.raw(&p, d.Plugin, SettingsForm, pluginObject(d.Plugin), "values", place+".values", d.Values, stored)
		entry, known := im.e.pluginEntry(d.Plugin)
		switch {
		case stored != nil && sameValues(raw, stored):
			next.Values = stored
		case !known || entry.Plugin == nil:
			p.add("plugin", "not_found", "no plugin has this slug")
		case entry.Plugin.Meta().SettingsFrom != "":
			p.add("plugin", "invalid", "this plugin shares the settings of %s: write them there", entry.Plugin.Meta().SettingsFrom)
		default:
			values, errs := im.e.cleanValues(im.ctx, d.Plugin, SettingsForm, pluginObject(d.Plugin), "values", raw, stored)
			next.Values = values
			p.list = append(p.list, errs...)
		}
		im.settle(place, p.list)
		consider(im, KindPluginSettings, d.Plugin, next, old, &PluginSettings{Meta: Meta{ID: d.Plugin}}, func(x *exporter, s *PluginSettings) any { return x.plugin(s) })
	}
}

func (im *importer) importChecks() {
	for i := range im.doc.Checks {
		if d := &im.doc.Checks[i]; d.Name != "" {
			im.importCheck(d)
		}
	}
}

func (im *importer) importCheck(d *config.Check) {
	place := config.Named("checks", d.Name)
	id := im.ids[KindCheck][d.Name]
	old := im.now.checks[id]
	c := Check{Meta: Meta{ID: id}, Name: d.Name, Plugin: d.Plugin, Active: d.Active, Importance: Status(d.Importance), Interval: Duration(d.Interval),
		Timeout: Duration(d.Timeout), Debounce: d.Debounce, RecoverAfter: d.RecoverAfter, RetryInterval: Duration(d.RetryInterval),
		NoData: NoData(d.NoData), UnknownAfter: Duration(d.UnknownAfter), RunbookLink: d.RunbookLink, Tags: orEmpty(d.Tags)}
	if s := d.Schedule; s != nil {
		c.Schedule = &Schedule{Cron: s.Cron, TimeZone: s.TimeZone, ActiveHours: s.ActiveHours}
	}
	var p problems
	var stored form.Values
	if old != nil {
		c.Revision, c.PingToken = old.Revision, old.PingToken
		if old.Plugin == c.Plugin {
			if stored = old.Config; stored == nil {
				stored = form.Values{}
			}
		}
	}
	c.Config = im.raw(&p, c.Plugin, ConfigForm, id, "config", place+".config", d.Config, stored)
	if d.PingToken != nil && d.PingToken.Encrypted != "" && old == nil {
		if token, ok := im.openSecret(&p, "ping_token", place+".ping_token", *d.PingToken); ok && !im.pingTaken(token) {
			c.PingToken = token
		}
	}
	clean, err := im.e.cleanCheck(im.ctx, c, old)
	if failed := (*Error)(nil); errors.As(err, &failed) {
		p.list = append(p.list, failed.Fields...)
		if len(failed.Fields) == 0 {
			p.add("", "invalid", "%s", failed.Message)
		}
	} else if err != nil {
		p.add("", "invalid", "%s", err)
	}
	im.settle(place, p.list)
	if clean == nil {
		return
	}
	base := NewCheck()
	consider(im, KindCheck, d.Name, clean, old, &base, func(x *exporter, c *Check) any { return x.check(c) })
}

func (im *importer) pingTaken(token string) bool {
	for _, c := range im.now.checks {
		if c.PingToken == token {
			return true
		}
	}
	return false
}

func (im *importer) alerting(p *problems, object, place string, old *Alerting, d *config.Alerting) Alerting {
	a := Alerting{RunbookLink: d.RunbookLink, AlertsEnabled: d.AlertsEnabled, RepeatInterval: map[Status]Duration{}, StatusRule: d.StatusRule,
		IsPublic: d.IsPublic, Tags: orEmpty(d.Tags), Alerts: []AlertChoice{}, Escalation: []EscalationStep{}, DependsOn: []Ref{}}
	a.StatusChecks = im.refs(p, "status_checks", KindCheck, d.StatusChecks)
	a.UsersToNotify = im.refs(p, "users_to_notify", KindUser, d.UsersToNotify)
	a.Rotas = im.refs(p, "rotas", KindRota, d.Rotas)
	for severity, span := range d.RepeatInterval {
		a.RepeatInterval[Status(severity)] = Duration(span)
	}
	for i, choice := range d.Alerts {
		var stored form.Values
		if old != nil {
			for _, o := range old.Alerts {
				if o.Plugin == choice.Plugin {
					if stored = o.Settings; stored == nil {
						stored = form.Values{}
					}
				}
			}
		}
		a.Alerts = append(a.Alerts, AlertChoice{choice.Plugin, im.raw(p, choice.Plugin, ServiceConfigForm, object, at("alerts", i)+".settings",
			alertPlace(place, choice.Plugin), choice.Settings, stored)})
	}
	for i, s := range d.Escalation {
		location := at("escalation", i)
		a.Escalation = append(a.Escalation, EscalationStep{After: Duration(s.After), Users: im.refs(p, location+".users", KindUser, s.Users),
			Rotas: im.refs(p, location+".rotas", KindRota, s.Rotas), Plugins: orEmpty(s.Plugins)})
	}
	for i, r := range d.DependsOn {
		kind, name := KindService, r.Service
		if r.Instance != "" {
			kind, name = KindInstance, r.Instance
		}
		if (r.Service == "") == (r.Instance == "") {
			p.add(at("depends_on", i), "invalid", "name either a service or an instance")
		} else if id := im.ref(p, at("depends_on", i), kind, name); id != "" {
			a.DependsOn = append(a.DependsOn, Ref{kind, id})
		}
	}
	im.e.cleanAlerting(im.ctx, p, object, &a, old)
	return a
}

func (im *importer) importInstances() {
	for i := range im.doc.Instances {
		d := &im.doc.Instances[i]
		if d.Name == "" {
			continue
		}
		place := config.Named("instances", d.Name)
		next := &Instance{Meta: Meta{ID: im.ids[KindInstance][d.Name]}, Name: d.Name, Address: d.Address}
		old := im.now.instances[next.ID]
		var p problems
		p.name("name", d.Name, nameOf(old, func(i *Instance) string { return i.Name }))
		p.text("address", d.Address, false, 255)
		var alerting *Alerting
		if old != nil {
			alerting = &old.Alerting
		}
		next.Alerting = im.alerting(&p, next.ID, place, alerting, &d.Alerting)
		im.deps[Ref{KindInstance, next.ID}] = next.DependsOn
		im.settle(place, p.list)
		base := NewInstance()
		consider(im, KindInstance, d.Name, next, old, &base, func(x *exporter, i *Instance) any { return x.instance(i) })
	}
	for id, i := range im.now.instances {
		if _, listed := im.deps[Ref{KindInstance, id}]; !listed {
			im.deps[Ref{KindInstance, id}] = i.DependsOn
		}
	}
}

func (im *importer) importServices() {
	for i := range im.doc.Services {
		d := &im.doc.Services[i]
		if d.Name == "" {
			continue
		}
		place := config.Named("services", d.Name)
		next := &Service{Meta: Meta{ID: im.ids[KindService][d.Name]}, Name: d.Name, URL: d.URL}
		old := im.now.services[next.ID]
		var p problems
		p.name("name", d.Name, nameOf(old, func(s *Service) string { return s.Name }))
		p.link("url", d.URL)
		next.Instances = im.refs(&p, "instances", KindInstance, d.Instances)
		var alerting *Alerting
		if old != nil {
			alerting = &old.Alerting
		}
		next.Alerting = im.alerting(&p, next.ID, place, alerting, &d.Alerting)
		im.deps[Ref{KindService, next.ID}] = next.DependsOn
		im.settle(place, p.list)
		base := NewService()
		consider(im, KindService, d.Name, next, old, &base, func(x *exporter, s *Service) any { return x.service(s) })
	}
	for id, s := range im.now.services {
		if _, listed := im.deps[Ref{KindService, id}]; !listed {
			im.deps[Ref{KindService, id}] = s.DependsOn
		}
	}
}

// importSilences matches silences by what they say, having no name: one that is
// stored is unchanged, any other is new.
func (im *importer) importSilences() {
	stored := map[string][]string{}
	for id, s := range im.now.silences {
		key := string(silenceKey(im.before.silence(s)))
		stored[key] = append(stored[key], id)
	}
	for i := range im.doc.Silences {
		d := &im.doc.Silences[i]
		next := &Silence{Tags: orEmpty(d.Tags), StartsAt: d.StartsAt, EndsAt: d.EndsAt, RRule: d.RRule, TimeZone: d.TimeZone,
			Comment: d.Comment, Author: cmp.Or(d.Author, im.by.Name), Maintenance: d.Maintenance}
		var p problems
		next.Services = im.refs(&p, "services", KindService, d.Services)
		next.Instances = im.refs(&p, "instances", KindInstance, d.Instances)
		next.Checks = im.refs(&p, "checks", KindCheck, d.Checks)
		if len(p.list) == 0 { // else it may seem to name nothing
			next.validateSilence(&p)
		}
		im.settle(at("silences", i), p.list)
		key := string(silenceKey(im.after.silence(next)))
		var old *Silence
		if same := stored[key]; len(same) > 0 {
			old, stored[key] = im.now.silences[same[0]], same[1:]
			next.ID = old.ID
			im.kept[old.ID] = true
		} else {
			next.ID = im.e.newID()
		}
		base := NewSilence()
		consider(im, KindSilence, cmp.Or(next.Comment, "silence"), next, old, &base, func(x *exporter, s *Silence) any { return x.silence(s) })
	}
}

func (im *importer) importSettings() {
	d := im.doc.Settings
	if d == nil {
		return
	}
	next := &Settings{Meta: Meta{ID: siteID}, PublicURL: d.PublicURL, RepeatInterval: map[Status]Duration{}, Retention: Duration(d.Retention),
		SumRetention: Duration(d.SumRetention), HistoryKept: Duration(d.HistoryRetention), SelfCheckTarget: d.SelfCheckTarget,
		PauseAlerts: d.PauseAlerts, TrustedProxies: d.TrustedProxies, HeartbeatURL: d.HeartbeatURL}
	for severity, span := range d.RepeatInterval {
		next.RepeatInterval[Status(severity)] = Duration(span)
	}
	var p problems
	next.DefaultRota = im.optional(&p, "default_rota", KindRota, d.DefaultRota)
	next.FallbackUser = im.optional(&p, "fallback_user", KindUser, d.FallbackUser)
	next.validateSettings(&p)
	im.settle("settings", p.list)
	consider(im, KindSettings, "settings", next, im.now.settings, nil, func(x *exporter, s *Settings) any { return x.settings(s) })
}
