package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestFlags holds the published command line: each command with its flags, and
// each flag as a variable of the environment.
func TestFlags(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	seen := 0
	for command, flags := range map[string]string{
		"serve": "listen data plugins allow-exec tls-cert tls-key memory", "plugin new": "", "plugin lint": "", "plugin test": "", "plugin run": "set json",
		"plugin list": "data plugins", "user add": "role password-stdin data", "user passwd": "password-stdin data", "token create": "user data",
		"export": "data", "import": "dry-run prune data", "backup": "data", "restore": "data", "doctor": "data", "version": "",
	} {
		p := m.Command("", append(strings.Fields(command), "--help")...)
		if p.Code != 0 || !strings.Contains(p.Out, "Usage: moonwatch "+command) {
			t.Errorf("help of %s: exit %d, %s", command, p.Code, p.Out)
		}
		for flag := range strings.FieldsSeq(flags) {
			if !regexp.MustCompile(`--` + flag + `\b`).MatchString(p.Out) {
				t.Errorf("%s has no --%s", command, flag)
			}
		}
		for _, flag := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?--(\[no-\])?([a-z-]+)`).FindAllStringSubmatch(p.Out, -1) {
			seen++
			if name := "MOONWATCH_" + strings.ToUpper(strings.ReplaceAll(flag[2], "-", "_")); flag[2] != "help" && !strings.Contains(p.Out, "($"+name+")") {
				t.Errorf("--%s of %s is not read from %s", flag[2], command, name)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d flags were looked at", seen)
	}
	if help := m.Command("", "serve", "--help").Out; !strings.Contains(help, "127.0.0.1:8420") || !strings.Contains(help, "moonwatch-data") {
		t.Errorf("the defaults of serve are %s", help)
	}
	for _, bad := range [][]string{{"serve", "--nosuch"}, {"serve", "--memory", "lots"}, {"serve", "--memory", "1MiB"}, {"nosuch"}, {"user", "add"}, {"user", "add", "x", "--role", "emperor", "--password-stdin"}, {"import"}} {
		if p := m.Command("", bad...); p.Code == 0 || !strings.HasPrefix(p.Err, "moonwatch: ") || strings.Contains(p.Err, "goroutine") {
			t.Errorf("%v: exit %d, %s", bad, p.Code, p.Err)
		}
	}
	// Without --data everything lies in a folder where the program is started.
	m.MustCommand("a long enough password\n", "user", "add", "ada", "--role", "admin", "--password-stdin")
	if _, err := os.Stat(filepath.Join(m.Dir, "moonwatch-data")); err != nil {
		t.Error(err)
	}
	// Without any argument it serves, as the environment says.
	m.Env = []string{"MOONWATCH_LISTEN=" + m.Address, "MOONWATCH_DATA=" + m.Data, "MOONWATCH_PLUGINS=" + m.Plugins, "MOONWATCH_LOG_FORMAT=json"}
	m.Begin(m.Unstarted())
	programtest.Until(t, "ready", 20*time.Second, func() bool { status, _, err := m.Get("/readyz"); return err == nil && status == 200 })
	if _, err := os.Stat(filepath.Join(m.Data, "moonwatch.sock")); err != nil || !strings.Contains(m.Output.String(), `"msg":"the monitor runs"`) {
		t.Errorf("%v, printed %s", err, m.Output)
	}
	if code := m.End(syscall.SIGINT); code != 0 {
		t.Errorf("ended with %d after SIGINT", code)
	}
}

// TestPasswordsAndTokens: what the commands say is so at the API at once.
func TestPasswordsAndTokens(t *testing.T) {
	t.Parallel()
	m := programtest.Serving(t)
	data := []string{"--data", m.Data}
	with := func(args ...string) []string { return append(args, data...) }
	login := func(name, password string) int {
		status, _, _ := m.Ask("POST", "/session", programtest.Object{"username": name, "password": password})
		return status
	}
	m.MustCommand("a long enough password\n", with("user", "add", "ada", "--role", "editor", "--password-stdin")...)
	if got := login("ada", "a long enough password"); got != 200 {
		t.Errorf("a login with the first password: %d", got)
	}
	m.MustCommand("another long password\n", with("user", "passwd", "ada", "--password-stdin")...)
	if before, after := login("ada", "a long enough password"), login("ada", "another long password"); before != 401 || after != 200 {
		t.Errorf("after passwd the old password answers %d, the new one %d", before, after)
	}
	admin := m.Token
	m.Token = programtest.LastLine(m.MustCommand("", with("token", "create", "--user", "ada")...).Out)
	if status, _, _ := m.Ask("POST", "/services", programtest.Object{"name": "by token"}); status != 201 {
		t.Errorf("with the token of an editor: %d", status)
	}
	if status, _, _ := m.Ask("GET", "/settings", nil); status != 403 {
		t.Errorf("an editor's token reads the settings: %d", status)
	}
	secret := m.Token
	m.Token = admin
	for _, path := range []string{"/tokens?limit=100", "/audit?limit=100", "/export"} {
		if _, text, _ := m.Ask("GET", path, nil); strings.Contains(string(text), secret) || strings.Contains(string(text), "another long password") {
			t.Errorf("%s tells what was to be shown once", path)
		}
	}
}
