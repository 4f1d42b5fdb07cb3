package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/storage"
)

// steady is a check plugin that passes, or fails when told so.
const steady = `local forms = require "forms"
return { name = "Steady", slug = "steady", version = "1", author = "t",
  config_form = { forms.CharField{ "say", required = false }, forms.CharField{ "password", required = false, widget = forms.PasswordInput } },
  run = function(self, check, result)
    result.succeeded = check.say ~= "down"
    result.message = "is " .. (check.say or "")
    result:metric("n", 1)
    return result
  end }`

// furnish fills a running monitor with something of everything.
func furnish(m *program) {
	m.save("steady.lua", steady)
	until(m.t, "the plugin", 10*time.Second, func() bool { status, _, _ := m.ask("GET", "/plugins/steady", nil); return status == 200 })
	var users struct{ Items []made }
	m.api("GET", "/users", nil, &users)
	m.api("POST", "/rotas", object{"name": "duty", "rotation": object{"members": []string{users.Items[0].ID}, "every": "1w", "starts": "2026-01-05T09:00"}}, nil)
	var checks []string
	for i := range 20 {
		say := "fine"
		if i%5 == 0 {
			say = "down"
		}
		checks = append(checks, m.check(fmt.Sprintf("check %d", i), "steady", object{"say": say, "password": fmt.Sprintf("sesame %d", i)}, nil))
	}
	m.service("shop", checks, object{"is_public": true, "users_to_notify": []string{users.Items[0].ID}, "alerts": []object{{"plugin": "webhook", "settings": object{"url": "http://127.0.0.1:9/hook"}}}})
	m.api("POST", "/silences", object{"tags": []string{"x"}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}, nil)
}

// everyKind are the kinds of record that a folder holds.
func everyKind() []engine.Kind {
	return []engine.Kind{engine.KindService, engine.KindInstance, engine.KindCheck, engine.KindUser, engine.KindToken, engine.KindPluginSettings,
		engine.KindSettings, engine.KindRota, engine.KindSilence, engine.KindCheckState, engine.KindSubjectState, engine.KindIncident,
		engine.KindIncidentEvent, engine.KindDelivery, engine.KindSession, engine.KindPluginSource, engine.KindPluginData, engine.KindBreaker,
		engine.KindTransition, engine.KindSum, engine.KindShifts, engine.KindContact, engine.KindMark, engine.KindAudit}
}

// contents are all records, results and revisions of a folder that no monitor
// has open.
type contents struct {
	records   map[engine.Key]engine.Record
	results   map[string]engine.Result // by check and sequence
	revisions map[string]string        // by kind, id and number
}

func contentsOf(t *testing.T, data string) contents {
	t.Helper()
	ctx := context.Background()
	db, err := dataFlag{Data: data}.store()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := contents{map[engine.Key]engine.Record{}, map[string]engine.Result{}, map[string]string{}}
	for _, kind := range everyKind() {
		if err := db.Scan(ctx, kind, engine.Query{}, func(r engine.Record) bool {
			r.Data, r.Terms = slices.Clone(r.Data), slices.Clone(r.Terms)
			c.records[engine.Key{Kind: kind, ID: r.ID}] = r
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
	for key, r := range c.records {
		if r.Revision > 0 {
			c.revisionsOf(t, db, key)
		}
		if key.Kind == engine.KindCheck {
			if err := db.Results(ctx, key.ID, 0, 0, func(r *engine.Result) bool {
				c.results[fmt.Sprintf("%s %d", key.ID, r.Seq)] = *r
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

func (c contents) revisionsOf(t *testing.T, db *storage.DB, key engine.Key) {
	list, err := db.Revisions(context.Background(), key.Kind, key.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		c.revisions[fmt.Sprintf("%s %s %d", key.Kind, key.ID, r.Number)] = fmt.Sprintf("%s %v %s", r.Author, r.Deleted, r.Data)
	}
}

func (c contents) count(kind engine.Kind) (n int) {
	for key := range c.records {
		if key.Kind == kind {
			n++
		}
	}
	return n
}

// wantWithin wants all that was restored to be in the original, as it was then.
func (c contents) wantWithin(t *testing.T, original contents) {
	t.Helper()
	for at, text := range c.revisions {
		if original.revisions[at] != text {
			t.Errorf("revision %s differs:\n%s\n%s", at, text, original.revisions[at])
		}
	}
	for at, r := range c.results {
		if got := original.results[at]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", r) {
			t.Errorf("result %s differs: %+v, was %+v", at, r, got)
		}
	}
}

func TestBackupUnderLoadAndRestore(t *testing.T) {
	m := servingMonitor(t)
	furnish(m)
	until(t, "results", 20*time.Second, func() bool { return m.figure("moonwatch_runs_started_total") > 60 })
	if m.figure(`moonwatch_plugin_runs_total{plugin="steady"}`) < 10 {
		t.Error("the figures of plugins are not shown")
	}
	// Edits go on while backups are taken.
	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Add(1)
	go func() {
		defer load.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			status, data, _ := m.ask("POST", "/services", object{"name": fmt.Sprintf("made during %d", i), "tags": []string{strings.Repeat("x", 50)}})
			if status != 201 {
				t.Errorf("an edit during a backup: %d %s", status, data)
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	status, before, _ := m.ask("GET", "/services?limit=1000", nil)
	m.mustCLI("", "backup", "during.backup", "--data", m.data)
	close(stop)
	load.Wait()
	if status != 200 {
		t.Fatal(status)
	}
	if code := m.end(syscall.SIGTERM); code != 0 {
		t.Fatalf("the monitor ended with %d", code)
	}
	m.mustCLI("", "backup", "after.backup", "--data", m.data)
	m.mustCLI("", "export", "original.yaml", "--data", m.data, "--plugins", m.plugins)
	original := contentsOf(t, m.data)

	restored := func(name string) (contents, string, string) {
		data := filepath.Join(m.dir, "restored-"+name)
		if err := os.MkdirAll(data, 0o700); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(m.data, "secret.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "secret.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		p := m.mustCLI("", "restore", name+".backup", "--data", data)
		return contentsOf(t, data), data, p.out
	}
	// Of the moment: whole, and nothing that was not so.
	during, _, _ := restored("during")
	during.wantWithin(t, original)
	if n, least := during.count(engine.KindService), strings.Count(string(before), `"name":"made during`); n < least || least == 0 || n > original.count(engine.KindService) {
		t.Errorf("%d services were restored, of %d before the backup and %d in the end", n, least, original.count(engine.KindService))
	}
	if len(during.results) < 60 {
		t.Errorf("%d results were restored", len(during.results))
	}
	// Of the stopped monitor: equal.
	after, data, said := restored("after")
	if !strings.Contains(said, "21 checks") || !strings.Contains(said, "fits") {
		t.Errorf("restore says %q", said)
	}
	after.wantWithin(t, original)
	if len(after.results) != len(original.results) || len(after.revisions) != len(original.revisions) || len(after.records) != len(original.records) {
		t.Errorf("%d results, %d revisions, %d records; they were %d, %d, %d", len(after.results), len(after.revisions), len(after.records),
			len(original.results), len(original.revisions), len(original.records))
	}
	for key, r := range original.records {
		if got := after.records[key]; !bytes.Equal(got.Data, r.Data) || got.Revision != r.Revision || got.Author != r.Author || !slices.Equal(got.Terms, r.Terms) {
			t.Errorf("%s %s differs:\n%s\n%s", key.Kind, key.ID, got.Data, r.Data)
		}
	}
	m.mustCLI("", "export", "restored.yaml", "--data", data, "--plugins", m.plugins)
	if a, b := m.read("original.yaml"), m.read("restored.yaml"); a != b || !strings.Contains(a, "check 19") {
		t.Error("the exports differ")
	}
	// And it runs.
	m.data = data
	m.start()
	var s made
	m.api("GET", "/services?name=shop", nil, &struct{ Items []*made }{[]*made{&s}})
	if s.OverallStatus == "PASSING" || s.OverallStatus == "" {
		t.Errorf("the restored service is %q", s.OverallStatus)
	}
}

// read is a file of the monitor's directory.
func (m *program) read(name string) string {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

// stoppedMonitor is a furnished monitor that does not run any more.
func stoppedMonitor(t *testing.T) *program {
	m := servingMonitor(t)
	furnish(m)
	if code := m.end(syscall.SIGTERM); code != 0 {
		t.Fatalf("the monitor ended with %d", code)
	}
	return m
}

func TestKeyThatIsLost(t *testing.T) {
	m := stoppedMonitor(t)
	m.mustCLI("", "backup", "b", "--data", m.data)
	if info, err := os.Stat(filepath.Join(m.dir, "b")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v %v", info, err)
	}
	key, err := os.ReadFile(filepath.Join(m.data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	backup, raw := m.read("b"), bytes.TrimSpace(key)
	if binary, err := base64.StdEncoding.DecodeString(string(raw)); err == nil {
		raw = binary
	}
	for _, form := range []string{string(key), string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)} {
		if len(form) < 32 || strings.Contains(backup, strings.TrimSpace(form)) {
			t.Errorf("the backup holds the key, or the key is %d bytes long", len(form))
		}
	}
	fingerprint := regexp.MustCompile(`the key (\S+) opens all`).FindStringSubmatch(m.cli("", "doctor", "--data", m.data, "--plugins", m.plugins).out)
	data := filepath.Join(m.dir, "without")
	p := m.mustCLI("", "restore", "b", "--data", data)
	if len(fingerprint) == 0 || !strings.Contains(p.out, fingerprint[1]) {
		t.Errorf("restore does not name the key %v: %s", fingerprint, p.out)
	}
	if !strings.Contains(p.out, `check "check 3": config.password`) || !strings.Contains(p.out, "--new-key") {
		t.Errorf("restore without the key says %q", p.out)
	}
	// Nothing starts without the key, nor with another one.
	other := "MOONWATCH_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for _, env := range [][]string{nil, {other}} {
		m.env = env
		p := m.cli("", "serve", "--data", data, "--plugins", m.plugins, "--listen", m.address)
		if p.code != 1 || !strings.Contains(p.err, "moonwatch doctor --new-key") || strings.Count(p.err, "\n") > 3 {
			t.Errorf("serve with %v: exit %d, %s", env, p.code, p.err)
		}
		if p := m.cli("", "doctor", "--data", data, "--plugins", m.plugins); p.code != 1 || !strings.Contains(p.out, `check "check 3": config.password`) {
			t.Errorf("doctor with %v: exit %d, %s", env, p.code, p.out)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "secret.key")); err == nil {
		t.Error("a key was made beside secrets that it does not open")
	}
	// A restore with another key says so at once.
	if p := m.cli("", "restore", "b", "--data", filepath.Join(m.dir, "other")); p.code != 1 || !strings.Contains(p.err, "check 3") {
		t.Errorf("restore with another key: exit %d, %s %s", p.code, p.out, p.err)
	}
	// The way out.
	m.env = nil
	p = m.cli("", "doctor", "--new-key", "--data", data, "--plugins", m.plugins)
	if p.code != 1 || !strings.Contains(p.out, "21 secrets cannot be opened") {
		t.Errorf("doctor --new-key: exit %d, %s", p.code, p.out)
	}
	m.data = data
	m.start()
	var checks struct{ Items []made }
	m.api("GET", "/checks?limit=1000&plugin=steady", nil, &checks)
	for _, c := range checks.Items {
		m.api("PATCH", "/checks/"+c.ID, object{"config": object{"say": "fine", "password": "anew"}}, nil)
	}
	var services struct{ Items []made }
	m.api("GET", "/services?name=shop", nil, &services)
	m.api("PATCH", "/services/"+services.Items[0].ID, object{"alerts": []object{{"plugin": "webhook", "settings": object{"url": "http://127.0.0.1:9/hook"}}}}, nil)
	m.end(syscall.SIGTERM)
	if p := m.cli("", "doctor", "--data", data, "--plugins", m.plugins); !strings.Contains(p.out, "opens all 21 secrets") {
		t.Errorf("doctor after all was entered again: %s", p.out)
	}
}

func TestRestoreRefuses(t *testing.T) {
	m := stoppedMonitor(t)
	m.mustCLI("", "backup", "b", "--data", m.data)
	if p := m.cli("", "restore", "b", "--data", m.data); p.code != 1 || !strings.Contains(p.err, "is not empty") {
		t.Errorf("into a full folder: exit %d, %s", p.code, p.err)
	}
	whole := m.read("b")
	for name, text := range map[string]string{"empty": "", "cut": whole[:len(whole)/2], "other": "moonwatch: 1\n", "changed": whole[:len(whole)-10] + "0123456789"} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(m.dir, "into-"+name)
		if p := m.cli("", "restore", name, "--data", data); p.code != 1 || strings.Count(p.err, "\n") != 1 {
			t.Errorf("%s: exit %d, %s", name, p.code, p.err)
		}
		if left, _ := os.ReadDir(data); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
		m.mustCLI("", "restore", "b", "--data", data) // the folder is as good as new
	}
	// A backup takes nothing's place, and says what it holds.
	if p := m.cli("", "backup", "b", "--data", m.data); p.code != 1 || !strings.Contains(p.err, "b is there already") || m.read("b") != whole {
		t.Errorf("a backup over another: exit %d, %s", p.code, p.err)
	}
	if p := m.mustCLI("", "backup", "b2", "--data", m.data); !strings.Contains(p.out, "21 checks") || !strings.Contains(p.out, " results") {
		t.Errorf("backup says %q", p.out)
	}
	if left, _ := filepath.Glob(filepath.Join(m.dir, ".*partial*")); len(left) > 0 {
		t.Errorf("%v were left", left)
	}
	if p := m.cli("", "restore", "nosuch", "--data", filepath.Join(m.dir, "x")); p.code != 1 {
		t.Errorf("no file: exit %d", p.code)
	}
	if p := m.cli("", "backup", "c", "--data", filepath.Join(m.dir, "nosuch")); p.code != 1 {
		t.Errorf("a backup of no folder: exit %d", p.code)
	}
}

func TestExportAndImportOnTheCommandLine(t *testing.T) {
	m := servingMonitor(t)
	furnish(m)
	flags := []string{"--data", m.data, "--plugins", m.plugins}
	m.mustCLI("", append([]string{"export", "running.yaml"}, flags...)...)
	m.mustCLI("over the moon\n", append([]string{"export", "locked.yaml", "--passphrase-stdin"}, flags...)...)
	m.end(syscall.SIGTERM)
	m.mustCLI("", append([]string{"export", "stopped.yaml"}, flags...)...)
	running := m.read("running.yaml")
	if running != m.read("stopped.yaml") || !strings.Contains(running, "check 19") || strings.Contains(running, "sesame") {
		t.Error("the export of the running monitor and of the stopped one differ, or tell secrets")
	}
	if p := m.mustCLI("", append([]string{"export", "-"}, flags...)...); p.out != running {
		t.Error("the export on standard output differs")
	}
	// Into an empty folder that never ran, with the secrets.
	into := []string{"--data", filepath.Join(m.dir, "new"), "--plugins", m.plugins}
	if p := m.cli("wrong\n", append([]string{"import", "locked.yaml", "--passphrase-stdin"}, into...)...); p.code != 1 || !strings.Contains(p.err, "locked.yaml:") {
		t.Errorf("the wrong passphrase: exit %d, %s", p.code, p.err)
	}
	p := m.mustCLI("over the moon\n", append([]string{"import", "locked.yaml", "--passphrase-stdin"}, into...)...)
	if !strings.Contains(p.out, "+ check check 19") || !strings.Contains(p.out, " created") {
		t.Errorf("import says %s", p.out)
	}
	if again := m.mustCLI("", append([]string{"export", "-"}, into...)...); again.out != running {
		t.Errorf("the export after the import differs:\n%s\n%s", running, again.out)
	}
	// An error in the last line changes nothing.
	bad := running + "\nnonsense: 1\n"
	if err := os.WriteFile(filepath.Join(m.dir, "bad.yaml"), []byte(strings.Replace(bad, "debounce: 0", "debounce: 5", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = m.cli("", append([]string{"import", "bad.yaml"}, into...)...)
	last := fmt.Sprintf("bad.yaml:%d: nonsense: ", strings.Count(bad, "\n"))
	if p.code != 1 || !strings.HasPrefix(p.err, last) || !strings.Contains(p.err, "nothing was changed") {
		t.Errorf("a bad file: exit %d, %s, want %s…", p.code, p.err, last)
	}
	if p := m.cli("", append([]string{"doctor", "bad.yaml"}, into...)...); p.code != 1 || !strings.Contains(p.out, "\n"+last) {
		t.Errorf("the doctor on a bad file: exit %d, %s", p.code, p.out)
	}
	// A file is judged by itself: one without a secret that is required makes no monitor.
	if p := m.cli("", append([]string{"doctor", "running.yaml"}, into...)...); p.code != 1 || strings.Count(p.out, "\n") != 1 ||
		!strings.Contains(p.out, `services["shop"].alerts[0].settings.url: this secret is not in the document`) {
		t.Errorf("the doctor on a file without its secrets: exit %d, %s", p.code, p.out)
	}
	m.mustCLI("over the moon\n", append([]string{"doctor", "locked.yaml", "--passphrase-stdin"}, into...)...)
	env := filepath.Join(t.TempDir(), "env.yaml")
	if err := os.WriteFile(env, []byte("\xef\xbb\xbfmoonwatch: 1\nchecks:\n- name: from the environment\n  plugin: tcp\n  config: {host: {env: HOME}, port: {env: NOT_SET_ANYWHERE}, expect: \"${HOME}\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := m.cli("", append([]string{"import", env, "--dry-run"}, into...)...); p.code != 1 || !strings.Contains(p.err, "env.yaml:5: checks") && !strings.Contains(p.err, "NOT_SET_ANYWHERE is not set") || strings.Contains(p.err, "HOME is not set") {
		t.Errorf("import with variables says %q", p.err)
	}
	renamed := regexp.MustCompile(`(url:) *\{?\s*secret: true\}?`).ReplaceAllString(strings.Replace(running, "name: shop", "name: store", 1), "$1 http://127.0.0.1:9/hook")
	dry := m.mustCLI(renamed, append([]string{"import", "-", "--dry-run", "--prune"}, into...)...)
	if !strings.Contains(dry.out, "+ service store") || !strings.Contains(dry.out, "- service shop") || !strings.Contains(dry.out, "nothing was changed") {
		t.Errorf("the dry run says %s", dry.out)
	}
	if again := m.mustCLI("", append([]string{"export", "-"}, into...)...); again.out != running {
		t.Error("something was changed")
	}
}

func TestDoctor(t *testing.T) {
	m := newMonitor(t)
	flags := []string{"doctor", "--data", m.data, "--plugins", m.plugins}
	if p := m.cli("", flags...); p.code != 1 || !strings.Contains(p.out, "there is no data folder") {
		t.Errorf("no folder: exit %d, %s", p.code, p.out)
	}
	if _, err := os.Stat(m.data); err == nil {
		t.Error("the doctor made the folder")
	}
	m.admin()
	if p := m.cli("", flags...); p.code != 0 || !strings.Contains(p.out, "nothing is wrong") {
		t.Errorf("a good folder: exit %d, %s %s", p.code, p.out, p.err)
	}
	m.start()
	if p := m.cli("", flags...); p.code != 0 || !strings.Contains(p.out, "the monitor runs") {
		t.Errorf("a good monitor: exit %d, %s %s", p.code, p.out, p.err)
	}
	m.save("broken.lua", "return {\n  name = \n}")
	m.save("steady.lua", steady)
	until(t, "the plugins", 10*time.Second, func() bool { status, _, _ := m.ask("GET", "/plugins/broken", nil); return status == 200 })
	until(t, "the plugin", 10*time.Second, func() bool { status, _, _ := m.ask("GET", "/plugins/steady", nil); return status == 200 })
	m.check("a check", "steady", object{"say": "fine"}, nil)
	m.api("POST", "/rotas", object{"name": "duty", "ical_url": "http://127.0.0.1:1/nothing"}, nil)
	m.api("PUT", "/settings", object{"pause_alerts": true}, nil)
	want := []string{`plugin broken does not load: broken.lua:3:`, `all alerts are paused`}
	wantFindings := func(when string, want ...string) {
		t.Helper()
		p := m.cli("", flags...)
		for _, w := range want {
			if p.code != 1 || !strings.Contains(p.out, w) {
				t.Errorf("%s: exit %d without %q: %s %s", when, p.code, w, p.out, p.err)
			}
		}
	}
	until(t, "the rota's problem", 10*time.Second, func() bool {
		return strings.Contains(m.cli("", flags...).out, `rota "duty": the feed could not be read`)
	})
	wantFindings("running", want...)
	m.end(syscall.SIGTERM)
	wantFindings("stopped", want...)
	if err := os.Chmod(filepath.Join(m.data, "secret.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantFindings("an open key", "chmod 600")
	if err := os.Chmod(filepath.Join(m.data, "secret.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A folder that is open elsewhere, by a process without a socket.
	held, err := dataFlag{Data: m.data}.open(context.Background(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings("in use", "in use by another moonwatch")
	if err := held.close(); err != nil {
		t.Fatal(err)
	}
}
