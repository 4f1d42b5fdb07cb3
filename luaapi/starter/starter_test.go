package starter_test

import (
	"strings"
	"testing"

	"moonwatch/luaapi/starter"
)

// TestPlugin: a new plugin bears its own names everywhere, and none of those that
// the files here bear. That it loads and passes its tests is held where it is
// written, by `plugin new` and the editor.
func TestPlugin(t *testing.T) {
	for _, alert := range []bool{false, true} {
		source, test := starter.Plugin(alert, "disk_space")
		for _, want := range []string{"-- Disk space: ", `name = "Disk space", slug = "disk_space"`, "local DiskSpace = {", "return DiskSpace\n"} {
			if !strings.Contains(source, want) {
				t.Errorf("alert %v: there is no %q in\n%s", alert, want, source)
			}
		}
		if !strings.HasPrefix(test, "-- Tests of disk_space.lua: moonwatch plugin test disk_space.lua\n") {
			t.Errorf("alert %v: the test begins with %.80q", alert, test)
		}
		for _, left := range []string{starter.Check, starter.Alert, "MyCheck", "MyAlert", "My check", "My alert"} {
			if strings.Contains(source+test, left) {
				t.Errorf("alert %v: %q is left", alert, left)
			}
		}
	}
	if source, _ := starter.Plugin(false, starter.Check); !strings.Contains(source, `slug = "my_check"`) {
		t.Errorf("under its own name it is\n%s", source)
	}
}
