package monitor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/storage/storagetest"
)

const head = "moonwatch: 1\n"

func TestImportProblemsHaveLines(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	before := b.store.Applied()
	cases := []struct {
		name, text string
		want       []string // "line location code", the others not looked at
	}{
		{"a field of the plugin", "checks:\n- name: web\n  plugin: rich\n  config:\n    endpont: x\n", []string{
			`5 checks["web"].config.endpoint required`, `6 checks["web"].config.endpont unknown`}},
		{"a field's value", "checks:\n- name: web\n  plugin: rich\n  config:\n    endpoint: x\n    count: many\n    rows:\n    - host: a\n    - key: b\n", []string{
			`7 checks["web"].config.count invalid`, `10 checks["web"].config.rows[1].host required`}},
		{"no such plugin", "checks:\n- name: web\n  plugin: htp\n", []string{`4 checks["web"].plugin not_found`}},
		{"an alert plugin", "checks:\n- name: web\n  plugin: mail\n", []string{`4 checks["web"].plugin invalid`}},
		{"bounds", "checks:\n- name: web\n  plugin: rich\n  config: {endpoint: x}\n  interval: 500ms\n  debounce: 5000\n  importance: BAD\n", []string{
			`6 checks["web"].interval min`, `7 checks["web"].debounce max`, `8 checks["web"].importance invalid`}},
		{"names", "services:\n- name: a\n  status_checks:\n  - nope\n  users_to_notify: [nobody]\n  rotas: [none]\n  instances: [none]\n", []string{
			`5 services["a"].status_checks[0] not_found`, `6 services["a"].users_to_notify[0] not_found`, `7 services["a"].rotas[0] not_found`, `8 services["a"].instances[0] not_found`}},
		{"twice", "services:\n- name: a\n  depends_on:\n  - service: b\n  - {}\n  users_to_notify: [u, u]\n- name: b\nusers:\n- username: u\n  role: admin\n", []string{
			`6 services["a"].depends_on[1] invalid`, `7 services["a"].users_to_notify[1] unique`}},
		{"a cycle", "services:\n- name: a\n  depends_on:\n  - service: b\n- name: b\n  depends_on:\n  - service: c\n- name: c\n  depends_on:\n  - service: a\n- name: d\n  depends_on:\n  - service: a\n", []string{
			`5 services["a"].depends_on[0] cycle`, `8 services["b"].depends_on[0] cycle`, `11 services["c"].depends_on[0] cycle`}},
		{"itself", "instances:\n- name: a\n  depends_on: [{instance: a}]\n", []string{`4 instances["a"].depends_on[0] cycle`}},
		{"alerts", "services:\n- name: a\n  alerts:\n  - plugin: chat\n    settings:\n      rom: x\n  - plugin: nope\n", []string{
			`7 services["a"].alerts[0].settings.rom unknown`, `8 services["a"].alerts[1].plugin not_found`}},
		{"a user", "users:\n- username: a b\n  role: king\n  time_zone: Mars\n  password: short\n  settings: {nope: {}}\n", []string{
			`3 users["a b"].username invalid`, `4 users["a b"].role invalid`, `5 users["a b"].time_zone invalid`, `6 users["a b"].password invalid`, `7 users["a b"].settings.nope not_found`}},
		{"a rota", "rotas:\n- name: a\n- name: b\n  ical_url: x\n  fallback_user: nobody\n- name: c\n  rotation: {members: [nobody], every: 1x, starts: 2026-01-05T09:00}\n  overrides:\n  - user: nobody\n", []string{
			`3 rotas["a"].ical_url required`, `5 rotas["b"].ical_url invalid`, `6 rotas["b"].fallback_user not_found`, `8 rotas["c"].rotation.members[0] not_found`,
			`8 rotas["c"].rotation.members required`, `8 rotas["c"].rotation.every invalid`, `10 rotas["c"].overrides[0].user not_found`, `10 rotas["c"].overrides[0].start required`, `10 rotas["c"].overrides[0].end required`}},
		{"a silence", "silences:\n- services: []\n  starts_at: 2026-01-05T09:00:00Z\n  ends_at: 2026-01-05T08:00:00Z\n", []string{
			`3 silences[0].services required`, `5 silences[0].ends_at min`}},
		{"settings", "settings:\n  retention: 1s\n  fallback_user: nobody\n  public_url: ftp://x\n", []string{
			`3 settings.retention min`, `4 settings.fallback_user not_found`, `5 settings.public_url invalid`}},
		{"plugin settings", "plugin_settings:\n- plugin: nope\n- plugin: chat\n  values:\n    server: x\n", []string{
			`3 plugin_settings["nope"].plugin not_found`, `6 plugin_settings["chat"].values.server invalid`}},
		{"a required secret that is elsewhere", "checks:\n- name: web\n  plugin: probe\n  config:\n    target: x\n    password: {secret: true}\n", []string{
			`7 checks["web"].config.password required`}},
		{"encrypted without a header", "checks:\n- name: web\n  plugin: probe\n  config:\n    target: x\n    password: {encrypted: abc}\n", []string{
			`7 checks["web"].config.password invalid`}},
		{"everything at once", "cheks: []\nchecks:\n- name: web\n  plugin: rich\n  intervall: 1m\n  config: {}\nservices:\n- name: a\n  url: x\n", []string{
			"2 cheks unknown", `6 checks["web"].intervall unknown`, `7 checks["web"].config.endpoint required`, `10 services["a"].url invalid`}},
	}
	for _, c := range cases {
		report, err := b.e.Config.Import(t.Context(), admin, []byte(head+c.text), importer.ImportOptions{})
		if engine.KindOf(err) != engine.Invalid {
			t.Errorf("%s: error %v, want invalid", c.name, err)
			continue
		}
		got := []string{}
		for _, p := range report.Problems {
			got = append(got, fmt.Sprintf("%d %s %s", p.Line, p.Location, p.Code))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q\n%+v", c.name, got, c.want, report.Problems)
		}
		if len(report.Changes)+len(report.Notes)+report.Created > 0 {
			t.Errorf("%s: a refused document reports changes: %+v", c.name, report)
		}
	}
	if b.store.Applied() != before {
		t.Error("a refused import wrote something")
	}
}

func TestImportWithAnErrorInItsLastLineChangesNothing(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	text := strings.Builder{}
	text.WriteString(head + "checks:\n")
	for i := range 2000 {
		fmt.Fprintf(&text, "- {name: check %d, plugin: rich, config: {endpoint: x}}\n", i)
	}
	good := text.String()
	before := b.store.Applied()
	for name, last := range map[string]string{"syntax": "- {name: [", "value": "- {name: last, plugin: rich, config: {}}", "key": "- {name: last, plugin: rich, config: {endpoint: x}, nope: 1}"} {
		report, err := b.e.Config.Import(t.Context(), admin, []byte(good+last), importer.ImportOptions{Prune: true})
		if engine.KindOf(err) != engine.Invalid || len(report.Problems) != 1 || report.Problems[0].Line != 2003 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	if b.store.Applied() != before || len(b.e.Checks.Checks()) != 0 {
		t.Error("something was written")
	}
}

func TestDryRun(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	data := string(export(t, b, ""))
	data = strings.Replace(data, "interval: 1m30s", "interval: 2m", 1)
	data = strings.Replace(data, "password: {secret: true}", "password: a new secret", 1)
	data = strings.Replace(data, "first_name: \"Ada \\\"the\\\" 1st\"", "first_name: Augusta", 1)
	data = strings.Replace(data, "  - name: z parent", "  - name: new\n  - name: z parent", 1)
	data = strings.Replace(data, "comment: |\n      two\n      lines", "comment: another", 1)
	before := export(t, b, "")
	report := importInto(t, b, []byte(data), importer.ImportOptions{DryRun: true, Prune: true, Open: lockedSealer{}.Open})
	want := []string{"update user ada@example.com first_name", `update check "web": ü #1 config.password interval`, "create service new", "create silence another", "delete silence two\nlines\n"}
	got := deeds(report)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, c := range report.Changes {
		for _, f := range c.Fields {
			if f.Field == "config.password" && (f.Before != "(secret)" || f.After != "(secret)") {
				t.Errorf("the password shows: %+v", f)
			}
			if f.Field == "interval" && (f.Before != "1m30s" || f.After != "2m") {
				t.Errorf("interval %+v", f)
			}
		}
	}
	shown, _ := json.Marshal(report)
	for _, secret := range []string{"a new secret", "hunter22", "argon2id"} {
		if strings.Contains(string(shown), secret) {
			t.Errorf("the report shows %s", secret)
		}
	}
	if !report.DryRun || !bytes.Equal(export(t, b, ""), before) {
		t.Error("a dry run changed something")
	}
	applied2 := importInto(t, b, []byte(data), importer.ImportOptions{Prune: true, Open: lockedSealer{}.Open})
	if !slices.Equal(deeds(applied2), want) {
		t.Errorf("the import differs from its dry run: %q", deeds(applied2))
	}
	again := importInto(t, b, []byte(data), importer.ImportOptions{Prune: true, Open: lockedSealer{}.Open})
	if len(deeds(again)) > 0 {
		t.Errorf("the second import changes %q", deeds(again))
	}
	if got := checkSecrets(t, b)["password"]; got != "a new secret" {
		t.Errorf("the password is %q", got)
	}
	if len(checkSecrets(t, b)) != 4 {
		t.Errorf("secrets that the document left out are %v", checkSecrets(t, b))
	}
}

func TestImportKeepsHistory(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	ids := map[string]uint64{}
	for _, c := range b.e.Checks.Checks() {
		ids[c.ID] = c.Revision
	}
	data := strings.Replace(string(export(t, b, "")), "interval: 1m30s", "interval: 2m", 1)
	importInto(t, b, []byte(data), importer.ImportOptions{})
	changed := 0
	for _, c := range b.e.Checks.Checks() {
		old, ok := ids[c.ID]
		if !ok {
			t.Errorf("%s got another id", c.Name)
		}
		changed += int(c.Revision - old)
	}
	if changed != 1 {
		t.Errorf("%d new revisions, want one", changed)
	}
	var last engine.AuditEntry
	for a, err := range state.ScanAudit(t.Context(), b.e.Store, engine.Query{Reverse: true, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		last = *a
	}
	if last.Action != "update" || last.Kind != engine.KindCheck || last.Name != admin.Name || len(last.Changes) != 1 || last.Changes[0].Field != "interval" {
		t.Errorf("audit %+v", last)
	}
}

func TestPassphrase(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	data := export(t, b, "right")
	empty := newConfigBench(t)
	defer empty.e.Stop()
	for _, phrase := range []string{"", "wrong"} {
		report, err := empty.e.Config.Import(t.Context(), admin, data, importer.ImportOptions{Passphrase: phrase})
		if engine.KindOf(err) != engine.Invalid || len(report.Problems) != 1 || report.Problems[0].Location != "encryption" {
			t.Errorf("passphrase %q: %+v %v", phrase, report.Problems, err)
		}
	}
	// A secret that was moved to another object does not open there.
	moved := strings.Replace(string(data), `"\"web\": ü #1"`, "other", -1)
	report, err := empty.e.Config.Import(t.Context(), admin, []byte(moved), importer.ImportOptions{Passphrase: "right"})
	if engine.KindOf(err) != engine.Invalid || len(report.Problems) == 0 || !strings.HasPrefix(report.Problems[0].Location, `checks["other"].`) {
		t.Errorf("moved: %+v %v", report, err)
	}
	// Without the passphrase's secrets, those that are not required are noted.
	report = importInto(t, empty, export(t, b, ""), importer.ImportOptions{})
	var notes []string
	for _, n := range report.Notes {
		notes = append(notes, n.Location)
		if n.Line == 0 || n.Code != "secret" {
			t.Errorf("note %+v", n)
		}
	}
	slices.Sort(notes)
	check := `checks["\"web\": ü #1"].config.`
	want := []string{check + "lines", check + "password", check + "rows[0].key", check + "secret_json", `plugin_settings["chat"].values.token`, `rotas["rota: [1]"].ical_url`,
		`services["a\\service"].alerts[1].settings.hook`, `users["ada@example.com"].password_hash`, `users["ada@example.com"].settings.chat.key`}
	if !slices.Equal(notes, want) {
		t.Errorf("notes\n%q, want\n%q", notes, want)
	}
	if _, err := b.e.Config.Export(t.Context(), importer.ExportOptions{Passphrase: "x"}); err == nil {
		t.Error("an export with a passphrase and nothing that opens secrets")
	}
	failing := errors.New("the key is gone")
	_, err = b.e.Config.Export(t.Context(), importer.ExportOptions{Passphrase: "x", Open: func(string, string, form.Sealed) ([]byte, error) { return nil, failing }})
	if !errors.Is(err, failing) {
		t.Errorf("an export whose secrets do not open: %v", err)
	}
}

// TestFeedsInDocuments holds that the address of a rota's feed, a secret, stands in
// no export in plain, and what becomes of it in an import.
func TestFeedsInDocuments(t *testing.T) {
	const stored, other = "https://calendar.example.org/stored.ics", "https://calendar.example.org/other.ics"
	rotation := "  rotation: {members: [ada], every: 1w, starts: 2026-01-05T09:00}\n"
	for _, tt := range []struct{ name, document, want string }{
		{"as it was exported", "  ical_url: {secret: true}\n", stored},
		{"left out", "", stored},
		{"written anew", "  ical_url: " + other + "\n", other},
		{"left out beside a rotation", rotation, ""},
		{"cleared", "  ical_url: null\n" + rotation, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newConfigBench(t)
			defer b.e.Stop()
			importInto(t, b, []byte("moonwatch: 1\nusers:\n- username: ada\nrotas:\n- name: r\n  ical_url: "+stored+"\n"), importer.ImportOptions{})
			doc := export(t, b, "")
			if strings.Contains(string(doc), "calendar") {
				t.Errorf("the address is in the export:\n%s", doc)
			}
			report := importInto(t, b, []byte("moonwatch: 1\nrotas:\n- name: r\n"+tt.document), importer.ImportOptions{})
			if r := b.e.OnCall.Rotas(); len(r) != 1 || r[0].ICalURL != tt.want || len(report.Notes) > 0 {
				t.Errorf("got %+v, notes %+v", r, report.Notes)
			}
			if again := importInto(t, b, export(t, b, ""), importer.ImportOptions{}); again.Created+again.Updated > 0 {
				t.Errorf("what was exported is no change: %+v", again)
			}
			fresh := newConfigBench(t)
			defer fresh.e.Stop()
			importInto(t, fresh, export(t, b, "right"), importer.ImportOptions{Passphrase: "right"})
			if r := fresh.e.OnCall.Rotas(); len(r) != 1 || r[0].ICalURL != tt.want {
				t.Errorf("with the passphrase elsewhere: %+v", r)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	fill(t, b)
	ada, _ := b.e.Users.UserNamed("ada@example.com")
	caller := engine.Actor{User: ada, Name: "ada@example.com", Role: access.Admin, Via: "api"}
	// Sections that are not in the document stay.
	report, err := b.e.Config.Import(t.Context(), caller, []byte(head+"silences: []\n"), importer.ImportOptions{Prune: true})
	if err != nil || report.Deleted != 1 || len(b.e.Silences.Silences()) != 0 || len(b.e.Targets.Services()) != 2 {
		t.Fatalf("%+v %v", report, err)
	}
	// What is pruned cannot be referred to.
	report, err = b.e.Config.Import(t.Context(), caller, []byte(head+"checks: []\nservices:\n- name: z parent\n  status_checks: [\"'\"]\n"), importer.ImportOptions{Prune: true})
	if engine.KindOf(err) != engine.Invalid || report.Problems[0].Code != "not_found" {
		t.Errorf("%+v %v", report, err)
	}
	all := head + "users: []\nrotas: []\nchecks: []\ninstances: []\nservices: []\nsilences: []\nplugin_settings: []\n"
	report, err = b.e.Config.Import(t.Context(), caller, []byte(all), importer.ImportOptions{Prune: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.e.Checks.Checks())+len(b.e.Targets.Services())+len(b.e.Targets.Instances()) != 0 || len(b.e.Site.PluginSettings("chat").Values) != 0 {
		t.Errorf("left: %q", deeds(report))
	}
	if users := b.e.Users.Users(); len(users) != 1 || users[0].ID != ada {
		t.Errorf("users %+v", users)
	}
	if len(report.Notes) != 2 || report.Notes[0].Location != "rotas" || report.Notes[1].Location != "users" || len(b.e.OnCall.Rotas()) != 1 {
		t.Errorf("notes %+v", report.Notes)
	}
	// The last admin cannot be demoted either, but may hand over.
	if _, err = b.e.Config.Import(t.Context(), admin, []byte(head+"users:\n- username: ada@example.com\n"), importer.ImportOptions{}); engine.KindOf(err) != engine.Invalid {
		t.Errorf("the last admin was demoted: %v", err)
	}
	if _, err = b.e.Config.Import(t.Context(), admin, []byte(head+"settings:\nusers:\n- username: ada@example.com\n- username: zoe\n  role: admin\n"), importer.ImportOptions{}); err != nil {
		t.Errorf("handing over: %v", err)
	}
}

// TestImportKnowsUsersInAnyCase: a username is one person, however it is written.
func TestImportKnowsUsersInAnyCase(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	importInto(t, b, []byte(head+"users:\n- {username: ada, role: admin}\n"), importer.ImportOptions{})
	id, _ := b.e.Users.UserNamed("ada")
	report := importInto(t, b, []byte(head+"users:\n- {username: Ada, role: admin}\nservices:\n- {name: s, users_to_notify: [Ada]}\n"), importer.ImportOptions{Prune: true})
	if now, _ := b.e.Users.UserNamed("aDA"); now != id || len(b.e.Users.Users()) != 1 || b.e.Users.Users()[0].Username != "Ada" || report.Deleted != 0 {
		t.Errorf("written in another case: %q, users %+v", deeds(report), b.e.Users.Users())
	}
	refused, err := b.e.Config.Import(t.Context(), admin, []byte(head+"users:\n- {username: bob}\n- {username: BOB}\n"), importer.ImportOptions{})
	if engine.KindOf(err) != engine.Invalid || len(refused.Problems) != 1 || refused.Problems[0].Location != `users["BOB"]` || refused.Problems[0].Code != "unique" || refused.Problems[0].Line != 4 {
		t.Errorf("one user in two cases: %+v %v", refused.Problems, err)
	}
}

// TestImportOfTheBuiltInService: it is known by what it is, not by its name.
func TestImportOfTheBuiltInService(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	for _, name := range []string{"Moonwatch", "The monitor"} {
		importInto(t, b, []byte(head+"services:\n- {name: "+name+", built_in: true}\n- {name: other, depends_on: [{service: "+name+"}]}\n"), importer.ImportOptions{Prune: true})
		if s, err := b.e.Targets.Service("moonwatch"); err != nil || s.Name != name || len(b.e.Targets.Services()) != 2 {
			t.Fatalf("%s: %+v %v", name, s, err)
		}
	}
	if report := importInto(t, b, []byte(head+"services: []\n"), importer.ImportOptions{Prune: true}); report.Deleted != 1 {
		t.Errorf("%q, want the other service deleted alone", deeds(report))
	}
	report, err := b.e.Config.Import(t.Context(), admin, []byte(head+"services:\n- {name: a, built_in: true}\n- {name: b, built_in: true}\n"), importer.ImportOptions{})
	if engine.KindOf(err) != engine.Invalid || report.Problems[0].Location != `services["b"].built_in` {
		t.Errorf("%+v %v", report, err)
	}
}

// TestImportBeforeStart imports into a folder that no server has open: nothing runs.
func TestImportBeforeStart(t *testing.T) {
	source := newConfigBench(t)
	defer source.e.Stop()
	fill(t, source)
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.Logger = storagetest.NewMemory(), lockedSealer{}, slog.New(slog.DiscardHandler)
	e, err := monitor.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	importer.SetPlugins(e.State, source.plugins)
	if _, err := e.Config.Import(t.Context(), admin, export(t, source, "p"), importer.ImportOptions{Passphrase: "p"}); err != nil {
		t.Fatal(err)
	}
	data, err := e.Config.Export(t.Context(), importer.ExportOptions{})
	if err != nil || !bytes.Equal(data, export(t, source, "")) {
		t.Errorf("it differs: %v\n%s", err, data)
	}
}

// TestImportCutShort ends the process after each batch of a large import: after
// the next start it is as if nothing had happened, or as if all had.

func FuzzImport(f *testing.F) {
	for _, s := range []string{"checks:\n- {name: a, plugin: rich, config: {rows: [{host: {secret: true}}], endpoint: {encrypted: x}}}\n",
		"services:\n- {name: a, built_in: true, depends_on: [{service: a, instance: b}], alerts: [{plugin: chat, settings: {hook: [1]}}]}\n",
		"users:\n- {username: a, settings: {chat: {key: {}}}, password_hash: {secret: true}}\nrotas: [{name: r, rotation: {members: [a]}}]\n",
		"silences:\n- {starts_at: 2026-01-05T09:00:00Z, tags: [a]}\nsettings: {retention: 1h}\nplugin_settings: [{plugin: chat, values: }]\nencryption: {salt: x}\n"} {
		f.Add([]byte(head + s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newConfigBench(t)
		defer b.e.Stop()
		report, err := b.e.Config.Import(t.Context(), admin, data, importer.ImportOptions{Prune: true})
		if err != nil {
			if engine.KindOf(err) != engine.Invalid || len(report.Problems) == 0 {
				t.Fatalf("%v, %+v", err, report)
			}
			return
		}
		first := export(t, b, "")
		if deeds := deeds(importInto(t, b, data, importer.ImportOptions{Prune: true, Open: lockedSealer{}.Open})); len(deeds) > 0 {
			t.Fatalf("the second import changes %q", deeds)
		}
		if got := deeds(importInto(t, b, first, importer.ImportOptions{Prune: true})); len(got) > 0 || !bytes.Equal(first, export(t, b, "")) {
			t.Fatalf("importing what was exported changes %q", got)
		}
	})
}
