package cli

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestPluginSourceStaysInItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plugins")
	if err := os.MkdirAll(filepath.Join(dir, "mine", "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.lua": "one", "mine/lib/x.lua": "two", "../secret": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "../secret"), filepath.Join(dir, "link.lua")); err != nil {
		t.Fatal(err)
	}
	read := pluginSource(dir, fstest.MapFS{"http.lua": {Data: []byte("three")}})
	for file, want := range map[string]string{"a.lua": "one", "mine/lib/x.lua": "two", "shipped:http.lua": "three"} {
		if got, err := read(file); err != nil || string(got) != want {
			t.Errorf("%s reads %q, %v; want %q", file, got, err, want)
		}
	}
	for _, file := range []string{"../secret", "link.lua", "/etc/passwd", "none.lua", "shipped:../a.lua", "shipped:none.lua", ""} {
		if got, err := read(file); err == nil {
			t.Errorf("%q reads %q, want an error", file, got)
		}
	}
}
