package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestNewcomer does what the README says: one command in an empty folder, the
// printed link, and a first service that is green.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	m.Launch()
	link := regexp.MustCompile(`(http://\S+)/setup\?token=(\S+)`)
	programtest.Until(t, "address and set-up link printed", 10*time.Second, func() bool { return link.MatchString(m.Output.String()) })
	found := link.FindStringSubmatch(m.Output.String())
	if found[1] != "http://"+m.Address || !strings.Contains(m.Output.String(), "Moonwatch runs at http://"+m.Address) {
		t.Errorf("printed %q", m.Output)
	}
	wrong := programtest.Object{"token": "guess", "username": "ada", "password": "a long enough password"}
	if status, _, _ := m.Ask("POST", "/setup", wrong); status != 403 {
		t.Errorf("a guessed set-up secret: %d, want 403", status)
	}
	right := programtest.Object{"token": found[2], "username": "ada", "password": "a long enough password"}
	m.API("POST", "/setup", right, nil)
	if status, _, _ := m.Ask("POST", "/setup", right); status != 404 {
		t.Errorf("the set-up link a second time: %d, want 404", status)
	}
	m.Token = programtest.LastLine(m.MustCommand("", "token", "create", "--user", "ada", "--data", m.Data).Out)
	green := programtest.Until(t, "a green first service", 5*time.Second, func() bool {
		var services struct{ Items []programtest.Made }
		m.API("GET", "/services", nil, &services)
		var checks struct {
			Items []struct{ Plugin, Status string }
		}
		m.API("GET", "/checks", nil, &checks)
		return len(services.Items) == 1 && services.Items[0].OverallStatus == "PASSING" &&
			len(checks.Items) == 1 && checks.Items[0].Plugin == "http" && checks.Items[0].Status == "PASSING"
	})
	t.Logf("green %v after the set-up", green.Round(time.Millisecond))
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d after SIGTERM", code)
	}
	m.Output = &programtest.Output{}
	m.Start()
	if strings.Contains(m.Output.String(), "/setup") {
		t.Error("a monitor with users still prints a set-up link")
	}
}

// TestCommandLine runs the commands beside the running monitor (by its socket)
// and without it.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	m := programtest.Serving(t)
	t.Run("running", func(t *testing.T) { tryCommands(t, m, "grace") })
	t.Run("second process", func(t *testing.T) {
		p := m.Command("", "serve", "--listen", programtest.FreeAddress(t), "--data", m.Data, "--plugins", m.Plugins)
		if p.Code == 0 || !strings.Contains(p.Err, "in use") && !strings.Contains(p.Err, "another") || strings.Contains(p.Err, "goroutine") {
			t.Errorf("a second monitor on the folder: exit %d, %q", p.Code, p.Err)
		}
		if status, _, err := m.Get("/readyz"); err != nil || status != 200 {
			t.Errorf("the first is disturbed: %d %v", status, err)
		}
	})
	if info, err := os.Stat(filepath.Join(m.Data, "moonwatch.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d", code)
	}
	t.Run("stopped", func(t *testing.T) { tryCommands(t, m, "linus") })
	t.Run("killed", func(t *testing.T) { // its socket is left over
		m.Start()
		m.End(syscall.SIGKILL)
		tryCommands(t, m, "ken")
	})
	m.Start()
	var users struct{ Items []struct{ Username string } }
	m.API("GET", "/users", nil, &users)
	if len(users.Items) != 4 {
		t.Errorf("users %v, want all that were added", users.Items)
	}
}

func tryCommands(t *testing.T, m *programtest.Program, name string) {
	data := []string{"--data", m.Data}
	with := func(args ...string) []string { return append(args, data...) }
	m.MustCommand("a long enough password\n", with("user", "add", name, "--role", "viewer", "--password-stdin")...)
	m.MustCommand("another long password\n", with("user", "passwd", name, "--password-stdin")...)
	if token := programtest.LastLine(m.MustCommand("", with("token", "create", "--user", name)...).Out); len(token) < 20 || strings.Contains(token, " ") {
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
		p := m.Command(c.stdin, c.args...)
		if p.Code != 1 || !strings.Contains(p.Err, c.want) || strings.Contains(p.Err, "short") && c.want == "password" && strings.Contains(p.Err, "\"short\"") {
			t.Errorf("%s: exit %d, %q", c.what, p.Code, p.Err)
		}
	}
	if p := m.MustCommand("", with("plugin", "list", "--plugins", m.Plugins)...); !strings.Contains(p.Out, "webhook") || !strings.Contains(p.Out, "http") {
		t.Errorf("plugin list: %q", p.Out)
	}
	if p := m.MustCommand("", "version"); !strings.HasPrefix(p.Out, "moonwatch ") {
		t.Errorf("version: %q", p.Out)
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
	m := programtest.New(t)
	good, broken := m.Save("greeting.lua", greeting), m.Save("broken.lua", "return {\n  name = \n}")
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
		{"no such file", []string{filepath.Join(m.Plugins, "nosuch.lua")}, 2, "nosuch.lua"},
	} {
		p := m.Command("", append([]string{"plugin", "run"}, c.args...)...)
		if p.Code != c.code || !strings.Contains(p.Out+p.Err, c.want) {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.what, p.Code, c.code, p.Out, p.Err)
		}
	}
	var r programtest.ResultView
	p := m.MustCommand("", "plugin", "run", good, "--set", "who=ada", "--set", "times=3", "--json")
	if err := json.Unmarshal([]byte(p.Out), &r); err != nil {
		t.Fatalf("%v in %s", err, p.Out)
	}
	if !r.Succeeded || r.Version != "1.0" || len(r.Metrics) != 1 || r.Metrics[0].Value != 3 || len(r.Log) != 1 || r.Log[0].Message != "hello ada" {
		t.Errorf("as JSON: %s", p.Out)
	}
	if _, err := os.Stat(m.Data); err == nil {
		t.Error("plugin run made a data folder")
	}
	if p := m.Command("", "plugin", "list", "--data", m.Data, "--plugins", m.Plugins); p.Code != 0 || !strings.Contains(p.Err, "broken.lua:3:") || !strings.Contains(p.Out, "greeting") {
		t.Errorf("plugin list: exit %d\n%s%s", p.Code, p.Out, p.Err)
	}
}
