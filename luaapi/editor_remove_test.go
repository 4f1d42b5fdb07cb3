package luaapi

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"moonwatch/engine"
)

// left lists the files below a folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRemovingASource(t *testing.T) {
	in := func(slug string) string { return checkSource(slug, "return result") }
	rt := newTestRuntime(t, map[string]string{
		"one.lua": in("one"), "one_test.lua": "return {}",
		"many/plugin.lua": in("many"), "many/lib/deep/x.lua": "return {}", "many/lib/y.lua": "return {}",
		"kept/plugin.lua": in("kept"), "kept/lib/x.lua": "return {}", "kept/README.md": "read me", "kept/lib/data.txt": "1",
		"bad.lua": "return {", "other.lua": in("other"),
	})
	dir := rt.opts.Dir
	for _, slug := range []string{"one", "many", "kept", "bad"} {
		s, err := rt.SourceOf(slug)
		if err != nil {
			t.Fatal(err)
		}
		if err := rt.RemoveSource(t.Context(), s); err != nil {
			t.Errorf("%s: %v", slug, err)
		}
		if e, ok := rt.Plugin(slug); ok != (slug != "bad") || ok && !e.Orphaned {
			t.Errorf("%s: the entry when it was removed is %v %+v", slug, ok, e)
		}
	}
	want := []string{"kept", "kept/README.md", "kept/lib", "kept/lib/data.txt", "one_test.lua", "other.lua"}
	if got := left(t, dir); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if got := runOnce(t, rt, "other", nil); got.Error != "failed" {
		t.Errorf("another plugin: %+v", got)
	}
	// What was removed is back when it is written again.
	if err := rt.WriteSource(t.Context(), engine.PluginSource{Path: "kept", Files: map[string]string{"plugin.lua": in("kept"), "lib/x.lua": "return {}"}}); err != nil {
		t.Fatal(err)
	}
	if e, ok := rt.Plugin("kept"); !ok || e.Orphaned {
		t.Errorf("written again: %+v", e)
	}
}

// TestRemovingStaysInside holds that nothing outside of the plugin folder is removed.
func TestRemovingStaysInside(t *testing.T) {
	source := checkSource("linked", "return result")
	outside := t.TempDir()
	writeFile(t, outside, "folder/plugin.lua", source)
	writeFile(t, outside, "single.lua", strings.ReplaceAll(source, "linked", "single"))
	rt := newTestRuntime(t, nil)
	for _, name := range []string{"folder", "single.lua"} {
		if err := os.Symlink(filepath.Join(outside, name), filepath.Join(rt.opts.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pluginFolder{rt}.scan(t.Context())
	before := left(t, outside)
	for _, bad := range []engine.PluginSource{
		{Path: "../single.lua", Files: map[string]string{"": source}}, {Path: "", Files: map[string]string{"": source}},
		{Path: "..", Files: map[string]string{"plugin.lua": source}}, {Path: ".hidden.lua", Files: map[string]string{"": source}},
		{Path: "folder", Files: map[string]string{"plugin.lua": source, "../../x.lua": ""}},
		{Path: outside, Files: map[string]string{"plugin.lua": source}},
	} {
		if err := rt.RemoveSource(t.Context(), bad); err == nil {
			t.Errorf("%q was removed", bad.Path)
		}
	}
	s, err := rt.SourceOf("linked")
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.RemoveSource(t.Context(), s); err == nil {
		t.Error("the files behind a link were removed")
	}
	if s, err = rt.SourceOf("single"); err != nil {
		t.Fatal(err)
	}
	if err := rt.RemoveSource(t.Context(), s); err != nil { // the link goes, not what it leads to
		t.Error(err)
	}
	if got := left(t, outside); !slices.Equal(got, before) {
		t.Errorf("outside there is %q, want %q", got, before)
	}
	if e, _ := rt.Plugin("single"); !e.Orphaned {
		t.Errorf("the link's plugin: %+v", e)
	}
}
