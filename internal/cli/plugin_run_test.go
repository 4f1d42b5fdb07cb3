package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPluginRunAsJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	source := `return { name = "A", slug = "a", version = "1", run = function(self, check, result) result.succeeded = true return result end }`
	if err := os.WriteFile("a.lua", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command("plugin", "run", "a.lua", "--json")
	if code != 0 || !strings.Contains(out, `"metrics": [],`) || !strings.Contains(out, `"log": [],`) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// Of a folder's plugins, run takes the only check and send the only alert.
func TestPluginRunOfSeveral(t *testing.T) {
	t.Chdir(t.TempDir())
	source := func(checks string) string {
		return `local A = { name = "A", slug = "duo_a", version = "1" }
function A:send_alert(service, users, duty_officers) return "skipped", "nobody" end
local function check(slug)
  return { name = slug, slug = slug, version = "1", run = function(self, check, result) result.succeeded = true result.message = slug return result end }
end
return { A, ` + checks + ` }`
	}
	for _, tt := range []struct {
		checks, command string
		code            int
		want            string
	}{
		{`check("duo_b")`, "run", 0, "duo_b"},
		{`check("duo_b")`, "send", 0, "nobody"},
		{`check("duo_b"), check("duo_c")`, "run", 2, "choose a plugin by --slug: duo_a, duo_b, duo_c"},
	} {
		if err := os.MkdirAll("duo", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("duo", "plugin.lua"), []byte(source(tt.checks)), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := command("plugin", tt.command, "duo"); code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%s of %s: exit %d, want %d with %q\n%s%s", tt.command, tt.checks, code, tt.code, tt.want, out, errs)
		}
	}
}
