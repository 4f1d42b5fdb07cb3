package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFlags holds the published command line: each command with its flags, and
// each flag as a variable of the environment.
func TestFlags(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	seen := 0
	for command, flags := range map[string]string{
		"serve": "listen data plugins allow-exec tls-cert tls-key memory", "plugin new": "", "plugin lint": "", "plugin test": "", "plugin run": "set json",
		"plugin list": "data plugins", "user add": "role password-stdin data", "user passwd": "password-stdin data", "token create": "user data",
		"export": "data", "import": "dry-run prune data", "backup": "data", "restore": "data", "doctor": "data", "version": "",
	} {
		p := m.cli("", append(strings.Fields(command), "--help")...)
		if p.code != 0 || !strings.Contains(p.out, "Usage: moonwatch "+command) {
			t.Errorf("help of %s: exit %d, %s", command, p.code, p.out)
		}
		for flag := range strings.FieldsSeq(flags) {
			if !regexp.MustCompile(`--` + flag + `\b`).MatchString(p.out) {
				t.Errorf("%s has no --%s", command, flag)
			}
		}
		for _, flag := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?--(\[no-\])?([a-z-]+)`).FindAllStringSubmatch(p.out, -1) {
			seen++
			if name := "MOONWATCH_" + strings.ToUpper(strings.ReplaceAll(flag[2], "-", "_")); flag[2] != "help" && !strings.Contains(p.out, "($"+name+")") {
				t.Errorf("--%s of %s is not read from %s", flag[2], command, name)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d flags were looked at", seen)
	}
	if help := m.cli("", "serve", "--help").out; !strings.Contains(help, "127.0.0.1:8420") || !strings.Contains(help, "moonwatch-data") {
		t.Errorf("the defaults of serve are %s", help)
	}
	for _, bad := range [][]string{{"serve", "--nosuch"}, {"serve", "--memory", "lots"}, {"serve", "--memory", "1MiB"}, {"nosuch"}, {"user", "add"}, {"user", "add", "x", "--role", "emperor", "--password-stdin"}, {"import"}} {
		if p := m.cli("", bad...); p.code == 0 || !strings.HasPrefix(p.err, "moonwatch: ") || strings.Contains(p.err, "goroutine") {
			t.Errorf("%v: exit %d, %s", bad, p.code, p.err)
		}
	}
	// Without --data everything lies in a folder where the program is started.
	m.mustCLI("a long enough password\n", "user", "add", "ada", "--role", "admin", "--password-stdin")
	if _, err := os.Stat(filepath.Join(m.dir, "moonwatch-data")); err != nil {
		t.Error(err)
	}
	// Without any argument it serves, as the environment says.
	m.env = []string{"MOONWATCH_LISTEN=" + m.address, "MOONWATCH_DATA=" + m.data, "MOONWATCH_PLUGINS=" + m.plugins, "MOONWATCH_LOG_FORMAT=json"}
	cmd := m.command()
	cmd.Stdout, cmd.Stderr = m.output, m.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.process, m.ended = cmd, make(chan struct{})
	go func() { defer close(m.ended); cmd.Wait() }()
	until(t, "ready", 20*time.Second, func() bool { status, _, err := m.get("/readyz"); return err == nil && status == 200 })
	if _, err := os.Stat(filepath.Join(m.data, "moonwatch.sock")); err != nil || !strings.Contains(m.output.String(), `"msg":"the monitor runs"`) {
		t.Errorf("%v, printed %s", err, m.output)
	}
	if code := m.end(syscall.SIGINT); code != 0 {
		t.Errorf("ended with %d after SIGINT", code)
	}
}

// TestPasswordsAndTokens: what the commands say is so at the API at once.
func TestPasswordsAndTokens(t *testing.T) {
	t.Parallel()
	m := servingMonitor(t)
	data := []string{"--data", m.data}
	with := func(args ...string) []string { return append(args, data...) }
	login := func(name, password string) int {
		status, _, _ := m.ask("POST", "/session", object{"username": name, "password": password})
		return status
	}
	m.mustCLI("a long enough password\n", with("user", "add", "ada", "--role", "editor", "--password-stdin")...)
	if got := login("ada", "a long enough password"); got != 200 {
		t.Errorf("a login with the first password: %d", got)
	}
	m.mustCLI("another long password\n", with("user", "passwd", "ada", "--password-stdin")...)
	if before, after := login("ada", "a long enough password"), login("ada", "another long password"); before != 401 || after != 200 {
		t.Errorf("after passwd the old password answers %d, the new one %d", before, after)
	}
	admin := m.token
	m.token = lastLine(m.mustCLI("", with("token", "create", "--user", "ada")...).out)
	if status, _, _ := m.ask("POST", "/services", object{"name": "by token"}); status != 201 {
		t.Errorf("with the token of an editor: %d", status)
	}
	if status, _, _ := m.ask("GET", "/settings", nil); status != 403 {
		t.Errorf("an editor's token reads the settings: %d", status)
	}
	secret := m.token
	m.token = admin
	for _, path := range []string{"/tokens?limit=100", "/audit?limit=100", "/export"} {
		if _, text, _ := m.ask("GET", path, nil); strings.Contains(string(text), secret) || strings.Contains(string(text), "another long password") {
			t.Errorf("%s tells what was to be shown once", path)
		}
	}
}
