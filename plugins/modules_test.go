package plugins_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/luaapi"
	"moonwatch/luaapi/plugintest"
	"moonwatch/plugins"
)

// usersOfModules are the shipped files that require a module that ships, by their
// names without .lua.
func usersOfModules(t *testing.T) map[string]string {
	t.Helper()
	files, err := fs.Glob(plugins.Files(), "*.lua")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]string{}
	for _, file := range files {
		text := readShipped(t, file)
		if name := strings.TrimSuffix(file, ".lua"); !strings.HasSuffix(name, "_test") && strings.Contains(text, `require "shipped.`) {
			users[name] = text
		}
	}
	return users
}

func readShipped(t *testing.T, file string) string {
	t.Helper()
	text, err := fs.ReadFile(plugins.Files(), file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, dir, file, text string) {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCopiesFindTheModules copies each plugin that requires a module that ships into
// a plugin folder: alone as a file, and as a folder with modules of its own. In both,
// it loads, the linter finds nothing, in the modules either, and its tests pass.
func TestCopiesFindTheModules(t *testing.T) {
	modules, err := fs.Glob(plugins.Files(), "shipped/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) == 0 {
		t.Fatal("no module ships")
	}
	alone, whole := t.TempDir(), t.TempDir()
	users := usersOfModules(t)
	for name, text := range users {
		tests := readShipped(t, name+"_test.lua")
		put(t, alone, name+".lua", text)
		put(t, alone, name+"_test.lua", tests)
		put(t, whole, name+"/plugin.lua", text)
		put(t, whole, name+"/plugin_test.lua", tests)
		for _, module := range modules {
			put(t, whole, name+"/"+module, readShipped(t, module))
		}
	}
	for _, dir := range []string{alone, whole} {
		rt, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer rt.Close()
		if err := rt.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name := range users {
			if e, _ := rt.Plugin(name); e.Plugin == nil || e.Shipped || len(e.Problems)+len(e.Warnings) > 0 {
				t.Errorf("%s: the copy is not what runs: %v %v", e.File, e.Problems, e.Warnings)
			}
		}
		found, err := rt.Lint(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Error(f)
		}
		tester, err := plugintest.New(plugins.Files())
		if err != nil {
			t.Fatal(err)
		}
		defer tester.Close()
		report, err := tester.Test(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, failed, unrun := report.Counts(); failed+unrun > 0 || len(report.Files) != len(users) {
			t.Errorf("%d failed, %d not run, of %d files", failed, unrun, len(report.Files))
		}
	}
}

// TestGuideListsTheModules holds that README.md has a row for each.
func TestGuideListsTheModules(t *testing.T) {
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := fs.Glob(plugins.Files(), "shipped/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		name := strings.TrimSuffix(filepath.Base(module), ".lua")
		if row := "| [`shipped." + name + "`](" + module + ") | "; !strings.Contains(string(guide), row) {
			t.Errorf("README.md does not list it: %s", row)
		}
	}
}
