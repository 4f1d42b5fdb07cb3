package cli

import (
	"strings"
	"testing"
)

// Values of one MultipleChoiceField by several --set are all kept; what an alert
// plugin says on trying again is shown, and it can be given a public address.
func TestPluginValuesAndRetries(t *testing.T) {
	t.Chdir(t.TempDir())
	writeText(t, "c.lua", `local forms = require "forms"
return { name = "C", slug = "c", version = "1",
  config_form = { forms.MultipleChoiceField{ "kinds", choices = { { "a", "A" }, { "b", "B" }, { "c", "C" } } },
    forms.BooleanField{ "deep" }, forms.CharField{ "depth", show_if = { deep = true } } },
  run = function(self, check, result) result.succeeded, result.message = true, table.concat(check.kinds, "+") .. check.depth return result end }`)
	for _, set := range [][]string{{"kinds=a", "kinds=c"}, {`kinds=["a"]`, "kinds=c"}, {`kinds=["a","c"]`}} {
		args := []string{"plugin", "run", "c.lua"}
		for _, one := range set {
			args = append(args, "--set", one)
		}
		if code, out, errs := command(args...); code != 0 || !strings.Contains(out, "a+c") {
			t.Errorf("%v: exit %d, %q, %q", set, code, out, errs)
		}
	}
	if code, out, errs := command("plugin", "doc", "c.lua"); code != 0 || !strings.Contains(out, "required where it is shown") {
		t.Errorf("plugin doc: exit %d, %q, %q", code, out, errs)
	}
	writeText(t, "d.lua", `return { name = "D", slug = "d", version = "1", send_alert = function(self, service)
  return false, self:view_url("x") or "no address", service.alert_kind == "test" and { retry = false } or { retry_after = 90 } end }`)
	if code, out, errs := command("plugin", "send", "d.lua"); code != 1 || !strings.Contains(out, "retry    after 1m30s, as the plugin asks") || !strings.Contains(out, "no address") {
		t.Errorf("plugin send: exit %d, %q, %q", code, out, errs)
	}
	if code, out, errs := command("plugin", "send", "d.lua", "--kind", "test", "--public-url", "https://moon.example/"); code != 1 || !strings.Contains(out, "retry    no:") || !strings.Contains(out, "https://moon.example/plugins/d/x") {
		t.Errorf("plugin send with an address: exit %d, %q, %q", code, out, errs)
	}
}
