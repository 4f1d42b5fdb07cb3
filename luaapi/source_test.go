package luaapi

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"moonwatch/luaapi/internal/loader"
)

func TestPluginNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.lua", "a.lua", "b_test.lua", ".hidden.lua", "_draft.lua", ".lua", "notes.md", "a.lua~", "#a.lua#", ".#a.lua",
		"folder/plugin.lua", "_folder/plugin.lua", ".folder/plugin.lua", "none/other.lua", "odd/plugin.lua/x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("return {}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"linked.lua": "a.lua", "linked": "folder", "dangling.lua": "nowhere.lua", "device.lua": os.DevNull} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := loader.PluginNames(os.DirFS(dir))
	if want := []string{"a.lua", "b.lua", "folder", "linked", "linked.lua"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
