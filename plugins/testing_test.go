package plugins_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/luaapi/plugintest"
	"moonwatch/plugins"
)

// TestPluginsOwnTests runs the tests that stand beside the plugins, in Lua, and
// holds that every plugin has some.
func TestPluginsOwnTests(t *testing.T) {
	tester, err := plugintest.New(plugins.Files())
	if err != nil {
		t.Fatal(err)
	}
	defer tester.Close()
	names, err := filepath.Glob("*.lua")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("*/plugin.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, folders...) {
		tests := strings.TrimSuffix(name, ".lua") + "_test.lua"
		if strings.HasSuffix(name, "_test.lua") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(tests); err != nil {
				t.Fatalf("%s has no tests in Lua: write %s", name, tests)
			}
			report, err := tester.Test(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Files {
				for _, p := range f.Problems {
					t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
				}
				for _, one := range f.Tests {
					if one.Failure != nil {
						t.Errorf("%s:%d: %s: %s\n%s", one.Failure.File, one.Failure.Line, one.Name, one.Failure.Message, one.Detail)
					}
				}
			}
		})
	}
}
