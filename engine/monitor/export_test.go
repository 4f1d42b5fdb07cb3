package monitor_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

// lockedSealer seals so that a sealed value opens for its object and field alone.
type lockedSealer struct{}

func (lockedSealer) Seal(object, field string, plain []byte) (form.Sealed, error) {
	return form.Sealed(fmt.Sprintf("%d:%s/%s/%s", time.Now().UnixNano(), object, field, plain)), nil
}

func (lockedSealer) Open(object, field string, s form.Sealed) ([]byte, error) {
	_, rest, _ := strings.Cut(string(s), ":")
	plain, ok := strings.CutPrefix(rest, object+"/"+field+"/")
	if !ok {
		return nil, fmt.Errorf("this does not open here")
	}
	return []byte(plain), nil
}

func (lockedSealer) Fingerprint() string { return "none" }

// newConfigBench is a bench with plugins whose forms have every sort of field.
func newConfigBench(t *testing.T) *bench {
	b := newBench(t)
	b.options = func(o *engine.Options) { o.Sealer = lockedSealer{} }
	secret := func(name string, typ form.Type) form.Field {
		return form.Field{Type: typ, Name: name, Widget: "PasswordInput"}
	}
	rich := &enginetest.Plugin{OnRun: b.run, Info: engine.PluginMeta{Slug: "rich", Name: "Rich", Kind: engine.CheckPlugin, Version: "1", Hash: "h", HasPing: true,
		Forms: map[engine.FormName]form.Form{engine.ConfigForm: {Fields: []form.Field{
			{Type: form.Char, Name: "endpoint", Required: true, Widget: "Textarea"}, {Type: form.Integer, Name: "count", Initial: 3.0}, {Type: form.Float, Name: "ratio"},
			{Type: form.Boolean, Name: "verify", Initial: true}, {Type: form.ChoiceOne, Name: "mode", Choices: []form.Choice{{Value: "a"}, {Value: "no"}}},
			{Type: form.ChoiceMany, Name: "many", Choices: []form.Choice{{Value: "1"}, {Value: "x: y"}}}, {Type: form.DurationType, Name: "wait"},
			{Type: form.DateTime, Name: "since"}, {Type: form.JSON, Name: "json"}, {Type: form.KeyValue, Name: "headers"},
			{Type: form.Char, Name: "hidden", Required: true, ShowIf: map[string][]any{"mode": {"a"}}},
			{Type: form.Char, Name: "fixed", Disabled: true, Initial: "never"},
			secret("password", form.Char), secret("lines", form.KeyValue), secret("secret_json", form.JSON), secret("spare", form.Char),
			{Type: form.List, Name: "rows", Fields: []form.Field{{Type: form.Char, Name: "host", Required: true}, secret("key", form.Char)}},
		}}}}}
	b.plugins.Put(engine.PluginEntry{Slug: "rich", Plugin: rich, File: "rich.lua"})
	chat := &enginetest.Plugin{OnAlert: func(ctx context.Context, in *engine.AlertCall) engine.AlertReport { return b.alert(ctx, "chat", in) },
		Info: engine.PluginMeta{Slug: "chat", Name: "Chat", Kind: engine.AlertPlugin, Version: "1", Hash: "h", Forms: map[engine.FormName]form.Form{
			engine.SettingsForm:      {Fields: []form.Field{secret("token", form.Char), {Type: form.URL, Name: "server"}}},
			engine.UserConfigForm:    {Fields: []form.Field{{Type: form.Char, Name: "nick"}, secret("key", form.Char)}},
			engine.ServiceConfigForm: {Fields: []form.Field{{Type: form.Char, Name: "room"}, secret("hook", form.Char)}},
		}}}
	b.plugins.Put(engine.PluginEntry{Slug: "chat", Plugin: chat, File: "chat.lua"})
	return b.start()
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill configures one of everything, every field other than its default, under
// names that are hard to write.
func fill(t *testing.T, b *bench) {
	t.Helper()
	ctx := t.Context()
	minute := engine.Duration(time.Minute)
	ada := engine.NewUser()
	ada.Username, ada.FirstName, ada.LastName, ada.Email, ada.Role, ada.TimeZone = "ada@example.com", `Ada "the" 1st`, " Lovelace: ", "ada@example.com", access.Admin, "Europe/Berlin"
	ada.Settings = map[string]form.Values{"chat": {"nick": "#ada", "key": "user-key"}}
	ada.QuietHours = []engine.QuietHours{{Days: []string{"mon", "sun"}, Start: "22:00", End: "07:00"}}
	ada.QuietCritical, ada.ContactRules = true, []engine.ContactRule{{Channel: "phone", Severity: engine.StatusCritical}}
	a := must[*engine.User](t)(b.e.Users.SaveUser(ctx, admin, ada, "a very long password", ""))
	off := engine.NewUser()
	off.Username, off.Active = "0o17", false
	o := must[*engine.User](t)(b.e.Users.SaveUser(ctx, admin, off, "", ""))

	c := engine.NewCheck()
	c.Name, c.Plugin, c.Active, c.Importance, c.Interval = `"web": ü #1`, "rich", false, engine.StatusCritical, 90*engine.Duration(time.Second)
	c.Timeout, c.Debounce, c.RecoverAfter, c.RetryInterval, c.NoData = 1500*engine.Duration(time.Millisecond), 2, 3, 5*minute, engine.NoDataKeep
	c.UnknownAfter, c.RunbookLink, c.Tags = 36*60*minute, "https://example.com/a?b=c#d", []string{"true", "null", "a: b", "日本"}
	c.Schedule = &engine.Schedule{Cron: "*/5 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "mon-fri 08:00-18:00"}
	c.Config = form.Values{"endpoint": "yes", "count": 7.0, "ratio": 0.1, "verify": false, "mode": "no", "many": []any{"x: y"}, "wait": "1h30m",
		"since": "2026-01-05T09:00:00Z", "json": map[string]any{"secret": true}, "headers": "A: b\nC: d", "password": "hunter22", "lines": "X: y",
		"secret_json": `{"a":[1]}`, "rows": []any{map[string]any{"host": "h1", "key": "row-key"}, map[string]any{"host": "h2"}}}
	web := must[*engine.Check](t)(b.e.Checks.SaveCheck(ctx, admin, c))
	plain := engine.NewCheck()
	plain.Name, plain.Plugin, plain.Config = "'", "rich", form.Values{"endpoint": "line 1\n  line 2", "json": `"text"`, "mode": "a", "hidden": "shown"}
	quote := must[*engine.Check](t)(b.e.Checks.SaveCheck(ctx, admin, plain))

	berlin := engine.NewRota()
	berlin.Name, berlin.TimeZone, berlin.FallbackUser, berlin.ICalURL = "rota: [1]", "Europe/Berlin", a.ID, "https://feed.example.com/a.ics?token=x"
	berlin.Overrides = []engine.RotaOverride{{User: o.ID, Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), End: time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)}}
	feed := must[*engine.Rota](t)(b.e.Rotas.SaveRota(ctx, admin, berlin))
	turns := engine.NewRota()
	turns.Name, turns.Rotation = "turns", &engine.RotaRotation{Members: []string{o.ID, a.ID}, Every: "1w", Starts: "2026-01-05T09:00"}
	hand := must[*engine.Rota](t)(b.e.Rotas.SaveRota(ctx, admin, turns))

	i := engine.NewInstance()
	i.Name, i.Address, i.StatusChecks = "- host", "::1", []string{quote.ID}
	host := must[*engine.Instance](t)(b.e.Targets.SaveInstance(ctx, admin, i))
	parent := engine.NewService()
	parent.Name = "z parent"
	p := must[*engine.Service](t)(b.e.Targets.SaveService(ctx, admin, parent))
	i2 := *host
	i2.DependsOn = []engine.Ref{{Kind: engine.KindService, ID: p.ID}} // instances come first: this one is put twice
	must[*engine.Instance](t)(b.e.Targets.SaveInstance(ctx, admin, i2))
	s := engine.NewService()
	s.Name, s.URL, s.Instances, s.RunbookLink = "a\\service", "https://example.com", []string{host.ID}, "https://example.com/run"
	s.StatusChecks, s.UsersToNotify = []string{web.ID, quote.ID}, []string{o.ID, a.ID}
	s.Alerts = []engine.AlertChoice{{Plugin: "mail"}, {Plugin: "chat", Settings: form.Values{"room": "[ops]", "hook": "hook-secret"}}}
	s.AlertsEnabled, s.RepeatInterval = false, map[engine.Status]engine.Duration{engine.StatusCritical: minute}
	s.Escalation = []engine.EscalationStep{{After: 5 * minute, Users: []string{a.ID}, Rotas: []string{hand.ID}, Plugins: []string{"mail"}}}
	s.Rotas = []string{hand.ID, feed.ID}
	s.DependsOn, s.IsPublic, s.Tags = []engine.Ref{{Kind: engine.KindInstance, ID: host.ID}, {Kind: engine.KindService, ID: p.ID}}, true, []string{" x"}
	svc := must[*engine.Service](t)(b.e.Targets.SaveService(ctx, admin, s))

	silence := engine.NewSilence()
	silence.Services, silence.Instances, silence.Checks, silence.Tags = []string{svc.ID}, []string{host.ID}, []string{web.ID}, []string{"x"}
	silence.StartsAt, silence.EndsAt = time.Date(2026, 1, 5, 9, 0, 0, 500_000_000, time.UTC), time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	silence.RRule, silence.TimeZone, silence.Comment, silence.Maintenance = "FREQ=WEEKLY;BYDAY=MO", "Europe/Berlin", "two\nlines\n", true
	must[*engine.Silence](t)(b.e.Silences.SaveSilence(ctx, admin, silence))
	if err := b.e.Site.SavePluginSettings(ctx, admin, "chat", form.Values{"token": "site-token", "server": "https://chat.example.com"}, nil); err != nil {
		t.Fatal(err)
	}
	settings := b.e.Settings()
	settings.PublicURL, settings.RepeatInterval = "https://mon.example.com", map[engine.Status]engine.Duration{engine.StatusWarning: minute, engine.StatusError: minute, engine.StatusCritical: minute}
	settings.Retention, settings.SumRetention, settings.HistoryKept = 60*60*minute, 61*60*minute, 62*60*minute
	settings.SelfCheckTarget, settings.PauseAlerts, settings.TrustedProxies = "example.com:443", true, []string{"10.0.0.0/8"}
	settings.HeartbeatURL, settings.FallbackUser, settings.DefaultRota = "https://hc.example.com/x", a.ID, feed.ID
	must[*engine.Settings](t)(b.e.Site.SaveSettings(ctx, admin, settings))
}

func export(t *testing.T, b *bench, passphrase string) []byte {
	t.Helper()
	data, err := b.e.Config.Export(t.Context(), importer.ExportOptions{Passphrase: passphrase, Open: lockedSealer{}.Open})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// importInto imports a document that has no problems.
func importInto(t *testing.T, b *bench, data []byte, o importer.ImportOptions) *importer.ImportReport {
	t.Helper()
	report, err := b.e.Config.Import(t.Context(), admin, data, o)
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return report
}

// deeds lists what a report changes, as "action kind name field…".
func deeds(r *importer.ImportReport) []string {
	out := []string{}
	for _, c := range r.Changes {
		if c.Action == "unchanged" {
			continue
		}
		line := fmt.Sprintf("%s %s %s", c.Action, c.Kind, c.Name)
		if c.Action == "update" {
			for _, f := range c.Fields {
				line += " " + f.Field
			}
		}
		out = append(out, line)
	}
	return out
}

func TestExportAndImportLoseNothing(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	locked := export(t, b, "correct horse")
	open := export(t, b, "")
	for _, secret := range []string{"hunter22", "row-key", "user-key", "hook-secret", "site-token", "argon2id$v", "X: y"} {
		if bytes.Contains(open, []byte(secret)) || bytes.Contains(locked, []byte(secret)) {
			t.Errorf("the export holds %s", secret)
		}
	}
	second := newConfigBench(t)
	defer second.e.Stop()
	options := importer.ImportOptions{Passphrase: "correct horse", Open: lockedSealer{}.Open}
	report := importInto(t, second, locked, options)
	if report.Created < 9 || len(report.Notes) > 0 {
		t.Errorf("report %+v", report)
	}
	if again := export(t, second, ""); !bytes.Equal(again, open) {
		t.Errorf("the export of the import differs:\n%s\n%s", open, again)
	}
	if _, err := second.e.Sessions.Login("ada@example.com", "a very long password"); err != nil {
		t.Errorf("the password was lost: %v", err)
	}
	// What is there already is not changed.
	options.Prune = true
	for name, data := range map[string][]byte{"open": open, "locked": locked, "locked again": export(t, second, "correct horse")} {
		if got := deeds(importInto(t, second, data, options)); len(got) > 0 {
			t.Errorf("%s: importing what is there changes %q", name, got)
		}
	}
	if a, c := checkSecrets(t, b), checkSecrets(t, second); !maps.Equal(a, c) || len(a) != 4 {
		t.Errorf("secrets %v, want %v", c, a)
	}
	if a, c := pingTokens(b), pingTokens(second); !maps.Equal(a, c) {
		t.Errorf("ping tokens %v, want %v", c, a)
	}
}

// checkSecrets opens the secrets of the check with all fields.
func checkSecrets(t *testing.T, b *bench) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, v := range b.e.Checks.Checks() {
		c := must[engine.Check](t)(b.e.Checks.StoredCheck(v.ID))
		if c.Name == "'" {
			continue
		}
		values := maps.Clone(c.Config)
		for i, row := range values["rows"].([]any) {
			values[fmt.Sprint("rows.key", i)] = row.(map[string]any)["key"]
		}
		for name, v := range values {
			if s, ok := v.(form.Sealed); ok {
				plain, err := lockedSealer{}.Open(c.ID, strings.TrimRight(name, "0123456789"), s)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				out[name] = string(plain)
			}
		}
	}
	return out
}

func pingTokens(b *bench) map[string]string {
	out := map[string]string{}
	for _, v := range b.e.Checks.Checks() {
		c, _ := b.e.Checks.StoredCheck(v.ID)
		out[c.Name] = c.PingToken
	}
	return out
}

func TestExportsAreTheSame(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	first := export(t, b, "")
	for range 5 {
		if again := export(t, b, ""); !bytes.Equal(again, first) {
			t.Fatal("two exports of one configuration differ")
		}
	}
	b.e.Stop()
	if again := export(t, b.start(), ""); !bytes.Equal(again, first) {
		t.Error("the export differs after a restart")
	}
}

// jsonFields lists the fields of a struct and of those embedded in it.
func jsonFields(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if f.Anonymous {
			out = append(out, jsonFields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

// TestEveryFieldIsExported makes sure that a field which is added to an object is
// not forgotten here: either the document has it, or it stands in this list.
func TestEveryFieldIsExported(t *testing.T) {
	left := map[string]bool{"id": true, "revision": true, "created": true, "updated": true, "is_fallback": true, "ping_token": true, "feed_token": true, "ical_sealed": true}
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	doc, problems := config.Decode(export(t, b, ""))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, pair := range map[string][2]any{
		"settings": {engine.Settings{}, *doc.Settings}, "user": {engine.User{}, doc.Users[0]}, "check": {engine.Check{}, doc.Checks[0]},
		"service": {engine.Service{}, doc.Services[0]}, "instance": {engine.Instance{}, doc.Instances[0]}, "silence": {engine.Silence{}, doc.Silences[0]},
		"rota": {engine.Rota{}, config.Rota{}},
	} {
		have := config.Plain(pair[1])
		for _, field := range jsonFields(reflect.TypeOf(pair[0])) {
			if _, ok := have[field]; !ok && !left[field] {
				t.Errorf("the %s of a document has no %s", name, field)
			}
		}
	}
}
