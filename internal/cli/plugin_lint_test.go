package cli

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/luaapi/describe"
	"moonwatch/plugins"
)

func writeText(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPluginLint(t *testing.T) {
	t.Chdir(t.TempDir())
	writeText(t, "good.lua", `return { name = "G", slug = "g", version = "1", run = function(self, check, result) result.succeeded = true return result end }`)
	writeText(t, "bad.lua", "local B = { name = 'B', slug = 'b', version = '1' }\nfunction B:run(check, result)\n  result.eror = 'x'\n  return result\nend\nreturn B\n")
	for _, tt := range []struct {
		args []string
		code int
		out  string
		errs string
	}{
		{[]string{"good.lua"}, 0, "", "no findings\n"},
		{[]string{"bad.lua"}, 1, "bad.lua:3:10: result has no field eror; did you mean error?\n", ""},
		{[]string{"."}, 1, "bad.lua:3:10: result has no field eror; did you mean error?\n", ""},
		{[]string{"good.lua", "nothing.lua"}, 2, "", "moonwatch: lint nothing.lua: there is no such file\n"},
		{[]string{"bad.lua", "nothing.lua"}, 1, "bad.lua:3:10: result has no field eror; did you mean error?\n", "moonwatch: lint nothing.lua: there is no such file\n"},
	} {
		code, out, errs := command(append([]string{"plugin", "lint"}, tt.args...)...)
		if code != tt.code || out != tt.out || errs != tt.errs {
			t.Errorf("lint %v: got %d, %q and %q, want %d, %q and %q", tt.args, code, out, errs, tt.code, tt.out, tt.errs)
		}
	}
}

func TestPluginDoc(t *testing.T) {
	code, out, errs := command("plugin", "doc", "../../plugins/http.lua")
	for _, want := range []string{"# HTTP status\n", "Check plugin `http`", "| `endpoint` | URL to request |  | URLField; required |", "CharField; secret", "HTTP_USER_AGENT"} {
		if code != 0 || errs != "" || !strings.Contains(out, want) {
			t.Errorf("doc: exit %d, %q, want %q in\n%s", code, errs, want, out)
		}
	}
	code, out, _ = command("plugin", "doc", "../../plugins/twilio")
	for _, want := range []string{"# Twilio call\n", "# Twilio SMS\n", "`POST /plugins/twilio_call/answered` | everybody", "channel sms"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("doc: exit %d, want %q in\n%s", code, want, out)
		}
	}
	if code, out, errs := command("plugin", "doc", "nothing.lua"); code != 1 || out != "" || !strings.Contains(errs, "no such file") {
		t.Errorf("a file that is not there: exit %d, %q, %q", code, out, errs)
	}
}

func TestPluginSend(t *testing.T) {
	t.Chdir(t.TempDir())
	writeText(t, "a.lua", `local forms, http = require "forms", require "http"
return { name = "A", slug = "a", version = "1", service_config_form = { forms.URLField{ "hook" } }, user_config_form = { forms.CharField{ "nick" } },
  send_alert = function(self, service, users)
    local response = http.post(service.a_settings.hook, { body = service.alert_kind .. " " .. users[1].a_settings.nick })
    if response.status == 200 then return true end
    return false, "refused"
  end }`)
	got, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		got = string(body[:n])
		w.WriteHeader(status)
	}))
	defer server.Close()
	args := []string{"plugin", "send", "a.lua", "--service", "hook=" + server.URL, "--user", "nick=countess", "--kind", "recovery"}
	if code, out, errs := command(args...); code != 0 || errs != "" || !strings.HasPrefix(out, "sent in ") || got != "recovery countess" {
		t.Errorf("exit %d, %q, %q, sent %q", code, out, errs, got)
	}
	status = http.StatusForbidden
	if code, out, _ := command(args...); code != 1 || !strings.Contains(out, "not sent in ") || !strings.Contains(out, "why      refused") {
		t.Errorf("refused: exit %d, %q", code, out)
	}
	if code, _, errs := command("plugin", "send", "a.lua"); code != 2 || !strings.Contains(errs, "hook") {
		t.Errorf("without the form: exit %d, %q", code, errs)
	}
	if code, _, errs := command(append(args, "--kind", "acknowledged")...); code != 2 || !strings.Contains(errs, "a has no send_alert_update: the monitor does not call it for acknowledged") {
		t.Errorf("acknowledged: exit %d, %q", code, errs)
	}
}

// TestPluginSendKinds holds that each kind calls the function that the monitor calls.
func TestPluginSendKinds(t *testing.T) {
	t.Chdir(t.TempDir())
	writeText(t, "b.lua", `local log = require "log"
local function say(name)
  return function(self, service)
    local ack = service:unexpired_acknowledgement()
    log.info(name .. " " .. service.old_overall_status .. " " .. service.overall_status .. " " .. (ack and ack.user or "nobody"))
    return true
  end
end
return { name = "B", slug = "b", version = "1", send_alert = say "alert", send_alert_update = say "update" }`)
	for kind, want := range map[string]string{
		"firing": "alert PASSING ERROR nobody", "escalation": "alert ERROR CRITICAL nobody", "test": "alert PASSING ERROR nobody",
		"deescalation": "update CRITICAL ERROR nobody", "update": "update ERROR ERROR nobody", "repeat": "alert ERROR ERROR nobody",
		"acknowledged": "update ERROR ERROR ada", "unacknowledged": "update ERROR ERROR nobody", "recovery": "alert ERROR PASSING nobody",
	} {
		if code, out, errs := command("plugin", "send", "b.lua", "--kind", kind); code != 0 || errs != "" || !strings.Contains(out, "log      info: "+want+"\n") {
			t.Errorf("%s: exit %d, %q, %q, want %q", kind, code, out, errs, want)
		}
	}
}

// TestCopiedPlugin copies a shipped plugin that requires modules which ship, and its
// test, into an empty folder: every command that reads plugins takes it.
func TestCopiedPlugin(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"redis.lua", "redis_test.lua"} {
		text, err := fs.ReadFile(plugins.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		writeText(t, name, string(text))
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"lint redis.lua redis_test.lua", 0, "no findings"},
		{"test redis.lua", 0, "0 failed"},
		{"doc redis.lua", 0, "# Redis"},
		{"run redis.lua --set host=127.0.0.1 --set port=1", 1, "Connection refused by 127.0.0.1:1"},
	} {
		if code, out, errs := command(append([]string{"plugin"}, strings.Fields(tt.args)...)...); code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%s: exit %d, %q, %q", tt.args, code, out, errs)
		}
	}
}

// TestEditorFiles holds that the files for editors are written when they are not
// as they should be, and that settings that are there stay.
func TestEditorFiles(t *testing.T) {
	dir := t.TempDir()
	if err := writeEditorFiles(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	for name, want := range describe.Definitions() {
		if read(describe.DefinitionsDir+"/"+name) != want {
			t.Errorf("%s is not as described", name)
		}
	}
	if module, err := fs.ReadFile(plugins.Files(), "shipped/sql.lua"); err != nil || read(describe.DefinitionsDir+"/shipped/sql.lua") != string(module) {
		t.Errorf("a module that ships is not there, %v", err)
	}
	if read(editorConfig) != describe.EditorConfig() {
		t.Errorf("got %s", read(editorConfig))
	}
	writeText(t, filepath.Join(dir, editorConfig), "{}")
	writeText(t, filepath.Join(dir, describe.DefinitionsDir, "http.lua"), "stale")
	kept := filepath.Join(dir, describe.DefinitionsDir, "json.lua")
	before, err := os.Stat(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeEditorFiles(dir); err != nil {
		t.Fatal(err)
	}
	if read(editorConfig) != "{}" || read(describe.DefinitionsDir+"/http.lua") != describe.Definitions()["http.lua"] {
		t.Error("the settings were overwritten, or a stale definition stayed")
	}
	if after, err := os.Stat(kept); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("a definition that had not changed was written")
	}
	if err := writeEditorFiles(filepath.Join(dir, editorConfig, "x")); err == nil {
		t.Error("a folder that cannot be: got no error")
	}
}
