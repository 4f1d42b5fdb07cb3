package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNewcomer does what the README says: one command in an empty folder, the
// printed link, and a first service that is green.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.launch()
	link := regexp.MustCompile(`(http://\S+)/setup\?token=(\S+)`)
	until(t, "address and set-up link printed", 10*time.Second, func() bool { return link.MatchString(m.output.String()) })
	found := link.FindStringSubmatch(m.output.String())
	if found[1] != "http://"+m.address || !strings.Contains(m.output.String(), "Moonwatch runs at http://"+m.address) {
		t.Errorf("printed %q", m.output)
	}
	wrong := object{"token": "guess", "username": "ada", "password": "a long enough password"}
	if status, _, _ := m.ask("POST", "/setup", wrong); status != 403 {
		t.Errorf("a guessed set-up secret: %d, want 403", status)
	}
	right := object{"token": found[2], "username": "ada", "password": "a long enough password"}
	m.api("POST", "/setup", right, nil)
	if status, _, _ := m.ask("POST", "/setup", right); status != 404 {
		t.Errorf("the set-up link a second time: %d, want 404", status)
	}
	m.token = lastLine(m.mustCLI("", "token", "create", "--user", "ada", "--data", m.data).out)
	green := until(t, "a green first service", 5*time.Second, func() bool {
		var services struct{ Items []made }
		m.api("GET", "/services", nil, &services)
		var checks struct {
			Items []struct{ Plugin, Status string }
		}
		m.api("GET", "/checks", nil, &checks)
		return len(services.Items) == 1 && services.Items[0].OverallStatus == "PASSING" &&
			len(checks.Items) == 1 && checks.Items[0].Plugin == "http" && checks.Items[0].Status == "PASSING"
	})
	t.Logf("green %v after the set-up", green.Round(time.Millisecond))
	if code := m.end(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d after SIGTERM", code)
	}
	m.output = &output{}
	m.start()
	if strings.Contains(m.output.String(), "/setup") {
		t.Error("a monitor with users still prints a set-up link")
	}
}

// TestCommandLine runs the commands beside the running monitor (by its socket)
// and without it.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	m := servingMonitor(t)
	t.Run("running", func(t *testing.T) { tryCommands(t, m, "grace") })
	t.Run("second process", func(t *testing.T) {
		p := m.cli("", "serve", "--listen", freeAddress(t), "--data", m.data, "--plugins", m.plugins)
		if p.code == 0 || !strings.Contains(p.err, "in use") && !strings.Contains(p.err, "another") || strings.Contains(p.err, "goroutine") {
			t.Errorf("a second monitor on the folder: exit %d, %q", p.code, p.err)
		}
		if status, _, err := m.get("/readyz"); err != nil || status != 200 {
			t.Errorf("the first is disturbed: %d %v", status, err)
		}
	})
	if info, err := os.Stat(filepath.Join(m.data, "moonwatch.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}
	if code := m.end(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d", code)
	}
	t.Run("stopped", func(t *testing.T) { tryCommands(t, m, "linus") })
	t.Run("killed", func(t *testing.T) { // its socket is left over
		m.start()
		m.end(syscall.SIGKILL)
		tryCommands(t, m, "ken")
	})
	m.start()
	var users struct{ Items []struct{ Username string } }
	m.api("GET", "/users", nil, &users)
	if len(users.Items) != 4 {
		t.Errorf("users %v, want all that were added", users.Items)
	}
}

func tryCommands(t *testing.T, m *program, name string) {
	data := []string{"--data", m.data}
	with := func(args ...string) []string { return append(args, data...) }
	m.mustCLI("a long enough password\n", with("user", "add", name, "--role", "viewer", "--password-stdin")...)
	m.mustCLI("another long password\n", with("user", "passwd", name, "--password-stdin")...)
	if token := lastLine(m.mustCLI("", with("token", "create", "--user", name)...).out); len(token) < 20 || strings.Contains(token, " ") {
		t.Errorf("the last line of token create is %q", token)
	}
	for _, c := range []struct {
		what  string
		stdin string
		args  []string
		want  string
	}{
		{"a second user of the name", "a long enough password\n", with("user", "add", name, "--role", "viewer", "--password-stdin"), "username"},
		{"a short password", "short\n", with("user", "add", name+"2", "--role", "viewer", "--password-stdin"), "password"},
		{"a token of nobody", "", with("token", "create", "--user", "nobody"), "nobody"},
		{"a password of nobody", "a long enough password\n", with("user", "passwd", "nobody", "--password-stdin"), "nobody"},
	} {
		p := m.cli(c.stdin, c.args...)
		if p.code != 1 || !strings.Contains(p.err, c.want) || strings.Contains(p.err, "short") && c.want == "password" && strings.Contains(p.err, "\"short\"") {
			t.Errorf("%s: exit %d, %q", c.what, p.code, p.err)
		}
	}
	if p := m.mustCLI("", with("plugin", "list", "--plugins", m.plugins)...); !strings.Contains(p.out, "webhook") || !strings.Contains(p.out, "http") {
		t.Errorf("plugin list: %q", p.out)
	}
	if p := m.mustCLI("", "version"); !strings.HasPrefix(p.out, "moonwatch ") {
		t.Errorf("version: %q", p.out)
	}
}

const greeting = `local forms = require "forms"
local P = { name = "Greeting", slug = "greeting", version = "1.0", config_form = {
  forms.CharField{ "who" }, forms.IntegerField{ "times", initial = 1 }, forms.KeyValueField{ "words", required = false } } }
function P:run(check, result)
  print("hello " .. check.who)
  result.succeeded = check.who ~= "nobody"
  result.unknown = check.who == "stranger"
  result.error = "nobody is there"
  result:metric("times", check.times)
  return result
end
return P
`

// TestPluginRun holds the exit codes of plugin run: 0 passed, 1 failed or
// unknown, 2 could not run.
func TestPluginRun(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	good, broken := m.save("greeting.lua", greeting), m.save("broken.lua", "return {\n  name = \n}")
	for _, c := range []struct {
		what string
		args []string
		code int
		want string // on either stream
	}{
		{"passes", []string{good, "--set", "who=ada"}, 0, "passed"},
		{"fails", []string{good, "--set", "who=nobody"}, 1, "nobody is there"},
		{"unknown", []string{good, "--set", "who=stranger"}, 1, "unknown (the plugin has no data)"},
		{"field missing", []string{good}, 2, "who"},
		{"field unknown", []string{good, "--set", "who=ada", "--set", "whom=ada"}, 2, "whom"},
		{"field wrong", []string{good, "--set", "who=ada", "--set", "times=many"}, 2, "times"},
		{"no value", []string{good, "--set", "who"}, 2, "FIELD=VALUE"},
		{"does not load", []string{broken}, 2, "broken.lua:3:"},
		{"no such file", []string{filepath.Join(m.plugins, "nosuch.lua")}, 2, "nosuch.lua"},
	} {
		p := m.cli("", append([]string{"plugin", "run"}, c.args...)...)
		if p.code != c.code || !strings.Contains(p.out+p.err, c.want) {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.what, p.code, c.code, p.out, p.err)
		}
	}
	var r resultView
	p := m.mustCLI("", "plugin", "run", good, "--set", "who=ada", "--set", "times=3", "--json")
	if err := json.Unmarshal([]byte(p.out), &r); err != nil {
		t.Fatalf("%v in %s", err, p.out)
	}
	if !r.Succeeded || r.Version != "1.0" || len(r.Metrics) != 1 || r.Metrics[0].Value != 3 || len(r.Log) != 1 || r.Log[0].Message != "hello ada" {
		t.Errorf("as JSON: %s", p.out)
	}
	if _, err := os.Stat(m.data); err == nil {
		t.Error("plugin run made a data folder")
	}
	if p := m.cli("", "plugin", "list", "--data", m.data, "--plugins", m.plugins); p.code != 0 || !strings.Contains(p.err, "broken.lua:3:") || !strings.Contains(p.out, "greeting") {
		t.Errorf("plugin list: exit %d\n%s%s", p.code, p.out, p.err)
	}
}
