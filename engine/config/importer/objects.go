package importer

import (
	"cmp"
	"errors"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
)

func (im *importer) importUsers() {
	for i := range im.doc.Users {
		if d := &im.doc.Users[i]; d.Username != "" {
			im.importUser(d)
		}
	}
	for id, u := range im.now.Users { // those that stay as they are
		if _, listed := im.ids[engine.KindUser][u.Username]; listed && !im.listsUser(id) && engine.IsAdmin(u) {
			im.admins++
		}
	}
}

func (im *importer) listsUser(id string) bool {
	for _, d := range im.doc.Users {
		if im.ids[engine.KindUser][d.Username] == id {
			return true
		}
	}
	return false
}

func (im *importer) importUser(d *config.User) {
	place := config.Named("users", d.Username)
	id := im.ids[engine.KindUser][d.Username]
	old := im.now.Users[id]
	u := engine.User{
		Meta:          engine.Meta{ID: id},
		Username:      d.Username,
		FirstName:     d.FirstName,
		LastName:      d.LastName,
		Email:         d.Email,
		Active:        d.Active,
		Role:          access.Role(d.Role),
		TimeZone:      d.TimeZone,
		Settings:      map[string]form.Values{},
		QuietHours:    []engine.QuietHours{},
		QuietCritical: d.QuietCritical,
		ContactRules:  []engine.ContactRule{},
	}
	for _, q := range d.QuietHours {
		u.QuietHours = append(u.QuietHours, engine.QuietHours{Days: engine.OrEmpty(q.Days), Start: q.Start, End: q.End})
	}
	for _, r := range d.ContactRules {
		u.ContactRules = append(u.ContactRules, engine.ContactRule{Channel: r.Channel, Severity: engine.Status(r.Severity)})
	}
	var p engine.Problems
	for slug, values := range d.Settings {
		var stored form.Values
		if old != nil {
			stored = old.Settings[slug]
		}
		location := "settings." + slug
		u.Settings[slug] = im.raw(&p, slug, engine.UserConfigForm, id, location, place+"."+location, values, stored)
	}
	edit.CleanUser(im.e.State, im.ctx, &p, &u, old)
	im.password(&p, place, &u, old, d)
	if engine.IsAdmin(&u) {
		im.admins++
	}
	im.noteProblems(place, p.List)
	base := engine.NewUser()
	consider(im, engine.KindUser, u.Username, &u, old, &base, func(x *exporter, u *engine.User) any { return x.user(u) })
}

// password finds the hash of a user's password.
func (im *importer) password(p *engine.Problems, place string, u, old *engine.User, d *config.User) {
	if old != nil {
		u.PasswordHash = old.PasswordHash
	}
	switch h := d.PasswordHash; {
	case h != nil && h.Encrypted != "":
		if hash, ok := im.openSecret(p, "password_hash", place+".password_hash", *h); ok {
			u.PasswordHash = hash
		}
	case h != nil && u.PasswordHash == "" && d.Password == "":
		p.Add("password_hash", missingSecret, "the password is not in the document: until an admin sets one, this user cannot log in")
	}
	if d.Password == "" || access.VerifyPassword(u.PasswordHash, d.Password) && u.PasswordHash != "" {
		return
	}
	if err := access.CheckPassword(d.Password, d.Username); err != nil {
		p.Add("password", "invalid", "%s", err)
		return
	}
	hash, err := access.HashPassword(d.Password)
	if err != nil {
		p.Add("password", "invalid", "%s", err)
	}
	u.PasswordHash = hash
}

func (im *importer) importPlugins() {
	for _, d := range im.doc.PluginSettings {
		if d.Plugin == "" {
			continue
		}
		place := config.Named("plugin_settings", d.Plugin)
		old := im.now.Plugins[d.Plugin]
		next := &engine.PluginSettings{Meta: engine.Meta{ID: d.Plugin}}
		var stored form.Values
		if old != nil {
			if stored = old.Values; stored == nil {
				stored = form.Values{}
			}
		}
		var p engine.Problems
		raw := im.raw(&p, d.Plugin, engine.SettingsForm, edit.PluginObject(d.Plugin), "values", place+".values", d.Values, stored)
		entry, known := im.e.PluginEntry(d.Plugin)
		switch {
		case stored != nil && edit.SameValues(raw, stored):
			next.Values = stored
		case !known || entry.Plugin == nil:
			p.Add("plugin", "not_found", "no plugin has this slug")
		case entry.Plugin.Meta().SettingsFrom != "":
			p.Add("plugin", "invalid", "this plugin shares the settings of %s: write them there", entry.Plugin.Meta().SettingsFrom)
		default:
			values, errs := edit.CleanValues(im.e.State, im.ctx, d.Plugin, engine.SettingsForm, edit.PluginObject(d.Plugin), "values", raw, stored)
			next.Values = values
			p.List = append(p.List, errs...)
		}
		im.noteProblems(place, p.List)
		consider(im, engine.KindPluginSettings, d.Plugin, next, old, &engine.PluginSettings{Meta: engine.Meta{ID: d.Plugin}}, func(x *exporter, s *engine.PluginSettings) any { return x.plugin(s) })
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
	id := im.ids[engine.KindCheck][d.Name]
	old := im.now.Checks[id]
	c := engine.Check{
		Meta:          engine.Meta{ID: id},
		Name:          d.Name,
		Plugin:        d.Plugin,
		Active:        d.Active,
		Importance:    engine.Status(d.Importance),
		Interval:      engine.Duration(d.Interval),
		Timeout:       engine.Duration(d.Timeout),
		Debounce:      d.Debounce,
		RecoverAfter:  d.RecoverAfter,
		RetryInterval: engine.Duration(d.RetryInterval),
		NoData:        engine.NoData(d.NoData),
		UnknownAfter:  engine.Duration(d.UnknownAfter),
		RunbookLink:   d.RunbookLink,
		Tags:          engine.OrEmpty(d.Tags),
	}
	if s := d.Schedule; s != nil {
		c.Schedule = &engine.Schedule{Cron: s.Cron, TimeZone: s.TimeZone, ActiveHours: s.ActiveHours}
	}
	var p engine.Problems
	var stored form.Values
	if old != nil {
		c.Revision, c.PingToken = old.Revision, old.PingToken
		if old.Plugin == c.Plugin {
			if stored = old.Config; stored == nil {
				stored = form.Values{}
			}
		}
	}
	c.Config = im.raw(&p, c.Plugin, engine.ConfigForm, id, "config", place+".config", d.Config, stored)
	if d.PingToken != nil && d.PingToken.Encrypted != "" && old == nil {
		if token, ok := im.openSecret(&p, "ping_token", place+".ping_token", *d.PingToken); ok && !im.pingTaken(token) {
			c.PingToken = token
		}
	}
	clean, err := edit.CleanCheck(im.e.State, im.ctx, c, old)
	if failed := (*engine.Error)(nil); errors.As(err, &failed) {
		p.List = append(p.List, failed.Fields...)
		if len(failed.Fields) == 0 {
			p.Add("", "invalid", "%s", failed.Message)
		}
	} else if err != nil {
		p.Add("", "invalid", "%s", err)
	}
	im.noteProblems(place, p.List)
	if clean == nil {
		return
	}
	base := engine.NewCheck()
	consider(im, engine.KindCheck, d.Name, clean, old, &base, func(x *exporter, c *engine.Check) any { return x.check(c) })
}

func (im *importer) pingTaken(token string) bool {
	for _, c := range im.now.Checks {
		if c.PingToken == token {
			return true
		}
	}
	return false
}

func (im *importer) alerting(p *engine.Problems, object, place string, old *engine.Alerting, d *config.Alerting) engine.Alerting {
	a := engine.Alerting{
		RunbookLink:    d.RunbookLink,
		AlertsEnabled:  d.AlertsEnabled,
		RepeatInterval: map[engine.Status]engine.Duration{},
		StatusRule:     d.StatusRule,
		IsPublic:       d.IsPublic,
		Tags:           engine.OrEmpty(d.Tags),
		Alerts:         []engine.AlertChoice{},
		Escalation:     []engine.EscalationStep{},
		DependsOn:      []engine.Ref{},
	}
	a.StatusChecks = im.refs(p, "status_checks", engine.KindCheck, d.StatusChecks)
	a.UsersToNotify = im.refs(p, "users_to_notify", engine.KindUser, d.UsersToNotify)
	a.Rotas = im.refs(p, "rotas", engine.KindRota, d.Rotas)
	for severity, span := range d.RepeatInterval {
		a.RepeatInterval[engine.Status(severity)] = engine.Duration(span)
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
		a.Alerts = append(a.Alerts, engine.AlertChoice{
			Plugin: choice.Plugin,
			Settings: im.raw(p, choice.Plugin, engine.ServiceConfigForm, object, engine.At("alerts", i)+".settings",
				alertPlace(place, choice.Plugin), choice.Settings, stored),
		})
	}
	for i, s := range d.Escalation {
		location := engine.At("escalation", i)
		a.Escalation = append(a.Escalation, engine.EscalationStep{
			After:   engine.Duration(s.After),
			Users:   im.refs(p, location+".users", engine.KindUser, s.Users),
			Rotas:   im.refs(p, location+".rotas", engine.KindRota, s.Rotas),
			Plugins: engine.OrEmpty(s.Plugins),
		})
	}
	for i, r := range d.DependsOn {
		kind, name := engine.KindService, r.Service
		if r.Instance != "" {
			kind, name = engine.KindInstance, r.Instance
		}
		if (r.Service == "") == (r.Instance == "") {
			p.Add(engine.At("depends_on", i), "invalid", "name either a service or an instance")
		} else if id := im.ref(p, engine.At("depends_on", i), kind, name); id != "" {
			a.DependsOn = append(a.DependsOn, engine.Ref{Kind: kind, ID: id})
		}
	}
	edit.CleanAlerting(im.e.State, im.ctx, p, object, &a, old)
	return a
}

func (im *importer) importInstances() {
	for i := range im.doc.Instances {
		d := &im.doc.Instances[i]
		if d.Name == "" {
			continue
		}
		place := config.Named("instances", d.Name)
		next := &engine.Instance{Meta: engine.Meta{ID: im.ids[engine.KindInstance][d.Name]}, Name: d.Name, Address: d.Address}
		old := im.now.Instances[next.ID]
		var p engine.Problems
		p.Name("name", d.Name, engine.NameOf(old, func(i *engine.Instance) string { return i.Name }))
		p.Text("address", d.Address, false, 255)
		var alerting *engine.Alerting
		if old != nil {
			alerting = &old.Alerting
		}
		next.Alerting = im.alerting(&p, next.ID, place, alerting, &d.Alerting)
		im.deps[engine.Ref{Kind: engine.KindInstance, ID: next.ID}] = next.DependsOn
		im.noteProblems(place, p.List)
		base := engine.NewInstance()
		consider(im, engine.KindInstance, d.Name, next, old, &base, func(x *exporter, i *engine.Instance) any { return x.instance(i) })
	}
	for id, i := range im.now.Instances {
		if _, listed := im.deps[engine.Ref{Kind: engine.KindInstance, ID: id}]; !listed {
			im.deps[engine.Ref{Kind: engine.KindInstance, ID: id}] = i.DependsOn
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
		next := &engine.Service{Meta: engine.Meta{ID: im.ids[engine.KindService][d.Name]}, Name: d.Name, URL: d.URL}
		old := im.now.Services[next.ID]
		var p engine.Problems
		p.Name("name", d.Name, engine.NameOf(old, func(s *engine.Service) string { return s.Name }))
		p.Link("url", d.URL)
		next.Instances = im.refs(&p, "instances", engine.KindInstance, d.Instances)
		var alerting *engine.Alerting
		if old != nil {
			alerting = &old.Alerting
		}
		next.Alerting = im.alerting(&p, next.ID, place, alerting, &d.Alerting)
		im.deps[engine.Ref{Kind: engine.KindService, ID: next.ID}] = next.DependsOn
		im.noteProblems(place, p.List)
		base := engine.NewService()
		consider(im, engine.KindService, d.Name, next, old, &base, func(x *exporter, s *engine.Service) any { return x.service(s) })
	}
	for id, s := range im.now.Services {
		if _, listed := im.deps[engine.Ref{Kind: engine.KindService, ID: id}]; !listed {
			im.deps[engine.Ref{Kind: engine.KindService, ID: id}] = s.DependsOn
		}
	}
}

// importSilences matches silences by what they say, having no name: one that is
// stored is unchanged, any other is new.
func (im *importer) importSilences() {
	stored := map[string][]string{}
	for id, s := range im.now.Silences {
		key := string(silenceKey(im.before.silence(s)))
		stored[key] = append(stored[key], id)
	}
	for i := range im.doc.Silences {
		d := &im.doc.Silences[i]
		next := &engine.Silence{Tags: engine.OrEmpty(d.Tags), StartsAt: d.StartsAt, EndsAt: d.EndsAt, RRule: d.RRule, TimeZone: d.TimeZone,
			Comment: d.Comment, Author: cmp.Or(d.Author, im.by.Name), Maintenance: d.Maintenance}
		var p engine.Problems
		next.Services = im.refs(&p, "services", engine.KindService, d.Services)
		next.Instances = im.refs(&p, "instances", engine.KindInstance, d.Instances)
		next.Checks = im.refs(&p, "checks", engine.KindCheck, d.Checks)
		if len(p.List) == 0 { // else it may seem to name nothing
			edit.ValidateSilence(next, &p)
		}
		im.noteProblems(engine.At("silences", i), p.List)
		key := string(silenceKey(im.after.silence(next)))
		var old *engine.Silence
		if same := stored[key]; len(same) > 0 {
			old, stored[key] = im.now.Silences[same[0]], same[1:]
			next.ID = old.ID
			im.kept[old.ID] = true
		} else {
			next.ID = im.e.IDs.New()
		}
		base := engine.NewSilence()
		consider(im, engine.KindSilence, cmp.Or(next.Comment, "silence"), next, old, &base, func(x *exporter, s *engine.Silence) any { return x.silence(s) })
	}
}

func (im *importer) importSettings() {
	d := im.doc.Settings
	if d == nil {
		return
	}
	next := &engine.Settings{
		Meta:            engine.Meta{ID: engine.SiteID},
		PublicURL:       d.PublicURL,
		RepeatInterval:  map[engine.Status]engine.Duration{},
		Retention:       engine.Duration(d.Retention),
		SumRetention:    engine.Duration(d.SumRetention),
		HistoryKept:     engine.Duration(d.HistoryRetention),
		SelfCheckTarget: d.SelfCheckTarget,
		PauseAlerts:     d.PauseAlerts,
		TrustedProxies:  d.TrustedProxies,
		HeartbeatURL:    d.HeartbeatURL,
	}
	for severity, span := range d.RepeatInterval {
		next.RepeatInterval[engine.Status(severity)] = engine.Duration(span)
	}
	var p engine.Problems
	next.DefaultRota = im.optional(&p, "default_rota", engine.KindRota, d.DefaultRota)
	next.FallbackUser = im.optional(&p, "fallback_user", engine.KindUser, d.FallbackUser)
	edit.ValidateSettings(next, &p)
	im.noteProblems("settings", p.List)
	consider(im, engine.KindSettings, "settings", next, im.now.Settings, nil, func(x *exporter, s *engine.Settings) any { return x.settings(s) })
}
