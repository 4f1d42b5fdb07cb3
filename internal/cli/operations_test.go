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
	"moonwatch/internal/programtest"
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
func furnish(m *programtest.Program) {
	m.Save("steady.lua", steady)
	programtest.Until(m.T, "the plugin", 10*time.Second, func() bool { status, _, _ := m.Ask("GET", "/plugins/steady", nil); return status == 200 })
	var users struct{ Items []programtest.Made }
	m.API("GET", "/users", nil, &users)
	m.API("POST", "/rotas", programtest.Object{"name": "duty", "rotation": programtest.Object{"members": []string{users.Items[0].ID}, "every": "1w", "starts": "2026-01-05T09:00"}}, nil)
	var checks []string
	for i := range 20 {
		say := "fine"
		if i%5 == 0 {
			say = "down"
		}
		checks = append(checks, m.Check(fmt.Sprintf("check %d", i), "steady", programtest.Object{"say": say, "password": fmt.Sprintf("sesame %d", i)}, nil))
	}
	m.Service("shop", checks, programtest.Object{"is_public": true, "users_to_notify": []string{users.Items[0].ID}, "alerts": []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": "http://127.0.0.1:9/hook"}}}})
	m.API("POST", "/silences", programtest.Object{"tags": []string{"x"}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}, nil)
}

// everyKind are the kinds of record that a folder holds.
func everyKind() []engine.Kind {
	return []engine.Kind{engine.KindService, engine.KindInstance, engine.KindCheck, engine.KindUser, engine.KindToken, engine.KindPluginSettings,
		engine.KindSettings, engine.KindRota, engine.KindSilence, engine.KindCheckState, engine.KindSubjectState, engine.KindIncident,
		engine.KindIncidentEvent, engine.KindDelivery, engine.KindSession, engine.KindPluginSource, engine.KindPluginData, engine.KindBreaker,
		engine.KindTransition, engine.KindAggregate, engine.KindShifts, engine.KindContact, engine.KindMark, engine.KindAudit}
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
	m := programtest.Serving(t)
	furnish(m)
	programtest.Until(t, "results", 20*time.Second, func() bool { return m.Figure("moonwatch_runs_started_total") > 60 })
	if m.Figure(`moonwatch_plugin_runs_total{plugin="steady"}`) < 10 {
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
			status, data, _ := m.Ask("POST", "/services", programtest.Object{"name": fmt.Sprintf("made during %d", i), "tags": []string{strings.Repeat("x", 50)}})
			if status != 201 {
				t.Errorf("an edit during a backup: %d %s", status, data)
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	status, before, _ := m.Ask("GET", "/services?limit=1000", nil)
	m.MustCommand("", "backup", "during.backup", "--data", m.Data)
	close(stop)
	load.Wait()
	if status != 200 {
		t.Fatal(status)
	}
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Fatalf("the monitor ended with %d", code)
	}
	m.MustCommand("", "backup", "after.backup", "--data", m.Data)
	m.MustCommand("", "export", "original.yaml", "--data", m.Data, "--plugins", m.Plugins)
	original := contentsOf(t, m.Data)

	restored := func(name string) (contents, string, string) {
		data := filepath.Join(m.Dir, "restored-"+name)
		if err := os.MkdirAll(data, 0o700); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(m.Data, "secret.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "secret.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		p := m.MustCommand("", "restore", name+".backup", "--data", data)
		return contentsOf(t, data), data, p.Out
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
	m.MustCommand("", "export", "restored.yaml", "--data", data, "--plugins", m.Plugins)
	if a, b := read(m, "original.yaml"), read(m, "restored.yaml"); a != b || !strings.Contains(a, "check 19") {
		t.Error("the exports differ")
	}
	// And it runs.
	m.Data = data
	m.Start()
	var s programtest.Made
	m.API("GET", "/services?name=shop", nil, &struct{ Items []*programtest.Made }{[]*programtest.Made{&s}})
	if s.OverallStatus == "PASSING" || s.OverallStatus == "" {
		t.Errorf("the restored service is %q", s.OverallStatus)
	}
}

// read is a file of the monitor's directory.
func read(m *programtest.Program, name string) string {
	m.T.Helper()
	data, err := os.ReadFile(filepath.Join(m.Dir, name))
	if err != nil {
		m.T.Fatal(err)
	}
	return string(data)
}

// stoppedMonitor is a furnished monitor that does not run any more.
func stoppedMonitor(t *testing.T) *programtest.Program {
	m := programtest.Serving(t)
	furnish(m)
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Fatalf("the monitor ended with %d", code)
	}
	return m
}

func TestKeyThatIsLost(t *testing.T) {
	t.Parallel()
	m := stoppedMonitor(t)
	m.MustCommand("", "backup", "b", "--data", m.Data)
	if info, err := os.Stat(filepath.Join(m.Dir, "b")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v %v", info, err)
	}
	key, err := os.ReadFile(filepath.Join(m.Data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	backup, raw := read(m, "b"), bytes.TrimSpace(key)
	if binary, err := base64.StdEncoding.DecodeString(string(raw)); err == nil {
		raw = binary
	}
	for _, form := range []string{string(key), string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)} {
		if len(form) < 32 || strings.Contains(backup, strings.TrimSpace(form)) {
			t.Errorf("the backup holds the key, or the key is %d bytes long", len(form))
		}
	}
	fingerprint := regexp.MustCompile(`the key (\S+) opens all`).FindStringSubmatch(m.Command("", "doctor", "--data", m.Data, "--plugins", m.Plugins).Out)
	data := filepath.Join(m.Dir, "without")
	p := m.MustCommand("", "restore", "b", "--data", data)
	if len(fingerprint) == 0 || !strings.Contains(p.Out, fingerprint[1]) {
		t.Errorf("restore does not name the key %v: %s", fingerprint, p.Out)
	}
	if !strings.Contains(p.Out, `check "check 3": config.password`) || !strings.Contains(p.Out, "--new-key") {
		t.Errorf("restore without the key says %q", p.Out)
	}
	// Nothing starts without the key, nor with another one.
	other := "MOONWATCH_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for _, env := range [][]string{nil, {other}} {
		m.Env = env
		p := m.Command("", "serve", "--data", data, "--plugins", m.Plugins, "--listen", m.Address)
		if p.Code != 1 || !strings.Contains(p.Err, "moonwatch doctor --new-key") || strings.Count(p.Err, "\n") > 3 {
			t.Errorf("serve with %v: exit %d, %s", env, p.Code, p.Err)
		}
		if p := m.Command("", "doctor", "--data", data, "--plugins", m.Plugins); p.Code != 1 || !strings.Contains(p.Out, `check "check 3": config.password`) {
			t.Errorf("doctor with %v: exit %d, %s", env, p.Code, p.Out)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "secret.key")); err == nil {
		t.Error("a key was made beside secrets that it does not open")
	}
	// A restore with another key says so at once.
	if p := m.Command("", "restore", "b", "--data", filepath.Join(m.Dir, "other")); p.Code != 1 || !strings.Contains(p.Err, "check 3") {
		t.Errorf("restore with another key: exit %d, %s %s", p.Code, p.Out, p.Err)
	}
	// The way out.
	m.Env = nil
	p = m.Command("", "doctor", "--new-key", "--data", data, "--plugins", m.Plugins)
	if p.Code != 1 || !strings.Contains(p.Out, "21 secrets cannot be opened") {
		t.Errorf("doctor --new-key: exit %d, %s", p.Code, p.Out)
	}
	m.Data = data
	m.Start()
	var checks struct{ Items []programtest.Made }
	m.API("GET", "/checks?limit=1000&plugin=steady", nil, &checks)
	for _, c := range checks.Items {
		m.API("PATCH", "/checks/"+c.ID, programtest.Object{"config": programtest.Object{"say": "fine", "password": "anew"}}, nil)
	}
	var services struct{ Items []programtest.Made }
	m.API("GET", "/services?name=shop", nil, &services)
	m.API("PATCH", "/services/"+services.Items[0].ID, programtest.Object{"alerts": []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": "http://127.0.0.1:9/hook"}}}}, nil)
	m.End(syscall.SIGTERM)
	if p := m.Command("", "doctor", "--data", data, "--plugins", m.Plugins); !strings.Contains(p.Out, "opens all 21 secrets") {
		t.Errorf("doctor after all was entered again: %s", p.Out)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	m := stoppedMonitor(t)
	m.MustCommand("", "backup", "b", "--data", m.Data)
	if p := m.Command("", "restore", "b", "--data", m.Data); p.Code != 1 || !strings.Contains(p.Err, "is not empty") {
		t.Errorf("into a full folder: exit %d, %s", p.Code, p.Err)
	}
	whole := read(m, "b")
	for name, text := range map[string]string{"empty": "", "cut": whole[:len(whole)/2], "other": "moonwatch: 1\n", "changed": whole[:len(whole)-10] + "0123456789"} {
		if err := os.WriteFile(filepath.Join(m.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(m.Dir, "into-"+name)
		if p := m.Command("", "restore", name, "--data", data); p.Code != 1 || strings.Count(p.Err, "\n") != 1 {
			t.Errorf("%s: exit %d, %s", name, p.Code, p.Err)
		}
		if left, _ := os.ReadDir(data); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
		m.MustCommand("", "restore", "b", "--data", data) // the folder is as good as new
	}
	// A backup takes nothing's place, and says what it holds.
	if p := m.Command("", "backup", "b", "--data", m.Data); p.Code != 1 || !strings.Contains(p.Err, "b is there already") || read(m, "b") != whole {
		t.Errorf("a backup over another: exit %d, %s", p.Code, p.Err)
	}
	if p := m.MustCommand("", "backup", "b2", "--data", m.Data); !strings.Contains(p.Out, "21 checks") || !strings.Contains(p.Out, " results") {
		t.Errorf("backup says %q", p.Out)
	}
	if left, _ := filepath.Glob(filepath.Join(m.Dir, ".*partial*")); len(left) > 0 {
		t.Errorf("%v were left", left)
	}
	if p := m.Command("", "restore", "nosuch", "--data", filepath.Join(m.Dir, "x")); p.Code != 1 {
		t.Errorf("no file: exit %d", p.Code)
	}
	if p := m.Command("", "backup", "c", "--data", filepath.Join(m.Dir, "nosuch")); p.Code != 1 {
		t.Errorf("a backup of no folder: exit %d", p.Code)
	}
}

func TestExportAndImportOnTheCommandLine(t *testing.T) {
	t.Parallel()
	m := programtest.Serving(t)
	furnish(m)
	flags := []string{"--data", m.Data, "--plugins", m.Plugins}
	m.MustCommand("", append([]string{"export", "running.yaml"}, flags...)...)
	m.MustCommand("over the moon\n", append([]string{"export", "locked.yaml", "--passphrase-stdin"}, flags...)...)
	m.End(syscall.SIGTERM)
	m.MustCommand("", append([]string{"export", "stopped.yaml"}, flags...)...)
	running := read(m, "running.yaml")
	if running != read(m, "stopped.yaml") || !strings.Contains(running, "check 19") || strings.Contains(running, "sesame") {
		t.Error("the export of the running monitor and of the stopped one differ, or tell secrets")
	}
	if p := m.MustCommand("", append([]string{"export", "-"}, flags...)...); p.Out != running {
		t.Error("the export on standard output differs")
	}
	// Into an empty folder that never ran, with the secrets.
	into := []string{"--data", filepath.Join(m.Dir, "new"), "--plugins", m.Plugins}
	if p := m.Command("wrong\n", append([]string{"import", "locked.yaml", "--passphrase-stdin"}, into...)...); p.Code != 1 || !strings.Contains(p.Err, "locked.yaml:") {
		t.Errorf("the wrong passphrase: exit %d, %s", p.Code, p.Err)
	}
	p := m.MustCommand("over the moon\n", append([]string{"import", "locked.yaml", "--passphrase-stdin"}, into...)...)
	if !strings.Contains(p.Out, "+ check check 19") || !strings.Contains(p.Out, " created") {
		t.Errorf("import says %s", p.Out)
	}
	if again := m.MustCommand("", append([]string{"export", "-"}, into...)...); again.Out != running {
		t.Errorf("the export after the import differs:\n%s\n%s", running, again.Out)
	}
	// An error in the last line changes nothing.
	bad := running + "\nnonsense: 1\n"
	if err := os.WriteFile(filepath.Join(m.Dir, "bad.yaml"), []byte(strings.Replace(bad, "debounce: 0", "debounce: 5", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = m.Command("", append([]string{"import", "bad.yaml"}, into...)...)
	last := fmt.Sprintf("bad.yaml:%d: nonsense: ", strings.Count(bad, "\n"))
	if p.Code != 1 || !strings.HasPrefix(p.Err, last) || !strings.Contains(p.Err, "nothing was changed") {
		t.Errorf("a bad file: exit %d, %s, want %s…", p.Code, p.Err, last)
	}
	if p := m.Command("", append([]string{"doctor", "bad.yaml"}, into...)...); p.Code != 1 || !strings.Contains(p.Out, "\n"+last) {
		t.Errorf("the doctor on a bad file: exit %d, %s", p.Code, p.Out)
	}
	// A file is judged by itself: one without a secret that is required makes no monitor.
	if p := m.Command("", append([]string{"doctor", "running.yaml"}, into...)...); p.Code != 1 || strings.Count(p.Out, "\n") != 1 ||
		!strings.Contains(p.Out, `services["shop"].alerts[0].settings.url: this secret is not in the document`) {
		t.Errorf("the doctor on a file without its secrets: exit %d, %s", p.Code, p.Out)
	}
	m.MustCommand("over the moon\n", append([]string{"doctor", "locked.yaml", "--passphrase-stdin"}, into...)...)
	env := filepath.Join(t.TempDir(), "env.yaml")
	if err := os.WriteFile(env, []byte("\xef\xbb\xbfmoonwatch: 1\nchecks:\n- name: from the environment\n  plugin: tcp\n  config: {host: {env: HOME}, port: {env: NOT_SET_ANYWHERE}, expect: \"${HOME}\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := m.Command("", append([]string{"import", env, "--dry-run"}, into...)...); p.Code != 1 || !strings.Contains(p.Err, "env.yaml:5: checks") && !strings.Contains(p.Err, "NOT_SET_ANYWHERE is not set") || strings.Contains(p.Err, "HOME is not set") {
		t.Errorf("import with variables says %q", p.Err)
	}
	renamed := regexp.MustCompile(`(url:) *\{?\s*secret: true\}?`).ReplaceAllString(strings.Replace(running, "name: shop", "name: store", 1), "$1 http://127.0.0.1:9/hook")
	dry := m.MustCommand(renamed, append([]string{"import", "-", "--dry-run", "--prune"}, into...)...)
	if !strings.Contains(dry.Out, "+ service store") || !strings.Contains(dry.Out, "- service shop") || !strings.Contains(dry.Out, "nothing was changed") {
		t.Errorf("the dry run says %s", dry.Out)
	}
	if again := m.MustCommand("", append([]string{"export", "-"}, into...)...); again.Out != running {
		t.Error("something was changed")
	}
}

func TestDoctor(t *testing.T) {
	m := programtest.New(t)
	flags := []string{"doctor", "--data", m.Data, "--plugins", m.Plugins}
	if p := m.Command("", flags...); p.Code != 1 || !strings.Contains(p.Out, "there is no data folder") {
		t.Errorf("no folder: exit %d, %s", p.Code, p.Out)
	}
	if _, err := os.Stat(m.Data); err == nil {
		t.Error("the doctor made the folder")
	}
	m.Admin()
	if p := m.Command("", flags...); p.Code != 0 || !strings.Contains(p.Out, "nothing is wrong") {
		t.Errorf("a good folder: exit %d, %s %s", p.Code, p.Out, p.Err)
	}
	m.Start()
	if p := m.Command("", flags...); p.Code != 0 || !strings.Contains(p.Out, "the monitor runs") {
		t.Errorf("a good monitor: exit %d, %s %s", p.Code, p.Out, p.Err)
	}
	m.Save("broken.lua", "return {\n  name = \n}")
	m.Save("steady.lua", steady)
	programtest.Until(t, "the plugins", 10*time.Second, func() bool { status, _, _ := m.Ask("GET", "/plugins/broken", nil); return status == 200 })
	programtest.Until(t, "the plugin", 10*time.Second, func() bool { status, _, _ := m.Ask("GET", "/plugins/steady", nil); return status == 200 })
	m.Check("a check", "steady", programtest.Object{"say": "fine"}, nil)
	m.API("POST", "/rotas", programtest.Object{"name": "duty", "ical_url": "http://127.0.0.1:1/nothing"}, nil)
	m.API("PUT", "/settings", programtest.Object{"pause_alerts": true}, nil)
	want := []string{`plugin broken does not load: broken.lua:3:`, `all alerts are paused`}
	wantFindings := func(when string, want ...string) {
		t.Helper()
		p := m.Command("", flags...)
		for _, w := range want {
			if p.Code != 1 || !strings.Contains(p.Out, w) {
				t.Errorf("%s: exit %d without %q: %s %s", when, p.Code, w, p.Out, p.Err)
			}
		}
	}
	programtest.Until(t, "the rota's problem", 10*time.Second, func() bool {
		return strings.Contains(m.Command("", flags...).Out, `rota "duty": the feed could not be read`)
	})
	wantFindings("running", want...)
	m.End(syscall.SIGTERM)
	wantFindings("stopped", want...)
	if err := os.Chmod(filepath.Join(m.Data, "secret.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantFindings("an open key", "chmod 600")
	if err := os.Chmod(filepath.Join(m.Data, "secret.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A folder that is open elsewhere, by a process without a socket.
	held, err := dataFlag{Data: m.Data}.open(context.Background(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings("in use", "in use by another moonwatch")
	if err := held.close(); err != nil {
		t.Fatal(err)
	}
}
