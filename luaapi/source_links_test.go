package luaapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
)

// link makes a symbolic link in the folder of a plugin.
func link(t *testing.T, dir, to, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// TestFoldersAreReadOnce reads folder plugins with links that lead in circles,
// and out of the plugin: it ends at once, with the plugin's own files alone.
func TestFoldersAreReadOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		links map[string]string
		want  []string
	}{
		{"to itself", map[string]string{"l0": ".", "l1": ".", "l2": ".", "l3": ".", "l4": ".", "l5": ".", "l6": ".", "l7": "."}, []string{"lib/x.lua", "plugin.lua"}},
		{"up and down", map[string]string{"lib/up": "..", "lib/up2": "../lib", "a": "lib/up/lib", "b": "lib/up"}, nil},
		{"by its own name", map[string]string{"l0": "../p", "l1": "../p"}, []string{"lib/x.lua", "plugin.lua"}},
		{"to the system", map[string]string{"usr": "/usr", "etc": "/etc", "root": "/"}, []string{"lib/x.lua", "plugin.lua"}},
		{"to another plugin", map[string]string{"other": "../other"}, []string{"lib/x.lua", "plugin.lua"}},
		{"to files", map[string]string{"a.lua": "lib/x.lua", "b.lua": "../other/plugin.lua", "c.lua": "nowhere.lua", "d.lua": "d.lua"}, []string{"a.lua", "b.lua", "lib/x.lua", "plugin.lua"}},
		{"as Kubernetes mounts", map[string]string{"..data": "..2026", "deep": "..data/deep", "mod.lua": "..data/mod.lua"}, []string{"deep/y.lua", "lib/x.lua", "mod.lua", "plugin.lua"}},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"p/plugin.lua": "return {}", "p/lib/x.lua": "return 1", "other/plugin.lua": "return {}",
			"p/..2026/deep/y.lua": "return 2", "p/..2026/mod.lua": "return 3"} {
			writeFile(t, dir, name, text)
		}
		for name, to := range tt.links {
			link(t, filepath.Join(dir, "p"), to, name)
		}
		begun := time.Now()
		s, err := loader.ReadSource(os.DirFS(dir), "p")
		if took := time.Since(begun); err != nil || took > time.Second {
			t.Errorf("%s: %v after %v", tt.name, err, took)
			continue
		}
		if got := luaval.SortedKeys(s.Files); tt.want != nil && !slices.Equal(got, tt.want) || len(got) > 4 {
			t.Errorf("%s: read %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestFoldersThatAreTooBig holds that no more is looked at than a plugin may
// have, that the error says so, and that it goes when the plugin is mended.
func TestFoldersThatAreTooBig(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(dir string)
		want string
	}{
		"many files": {func(dir string) {
			for i := range loader.MaxEntries {
				writeFile(t, dir, fmt.Sprintf("p/z/%d.txt", i), "x")
			}
		}, "more than 1000 files and folders"},
		"many folders": {func(dir string) {
			for i := range 300 {
				for k := range 4 {
					writeFile(t, dir, fmt.Sprintf("p/z/%d/%d.txt", i, k), "")
				}
			}
		}, "more than 1000 files and folders"},
		"large files": {func(dir string) {
			for i := range 9 {
				writeFile(t, dir, fmt.Sprintf("p/z/%d.txt", i), strings.Repeat("x", 128<<10))
			}
		}, "more than 1048576 bytes"},
		"a file that is endless": {func(dir string) {
			link(t, filepath.Join(dir, "p"), "/proc/self/maps", "z/a.txt") // said to have no bytes
			writeFile(t, dir, "p/z/b.txt", strings.Repeat("x", 1<<20))
		}, "more than 1048576 bytes"},
	} {
		dir := t.TempDir()
		writeFile(t, dir, "p/plugin.lua", "return {}")
		tt.make(dir)
		s, err := loader.ReadSource(os.DirFS(dir), "p")
		if !errors.Is(err, loader.ErrTooBig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if err := os.RemoveAll(filepath.Join(dir, "p/z")); err != nil {
			t.Fatal(err)
		}
		mended, err := loader.ReadSource(os.DirFS(dir), "p")
		if err != nil || mended.Hash == s.Hash {
			t.Errorf("%s, mended: %v, and the hash is %v", name, err, mended.Hash)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	writeFile(t, dir, "p/plugin.lua", "return {}")
	if _, err := loader.ReadSourceUntil(ctx, os.DirFS(dir), "p"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v after the end of the context", err)
	}
}

// TestABadFolderHoldsNothingUp has a folder with links in circles beside a
// plugin that is saved anew: that is live at once, and an ended context leaves
// everything as it is.
func TestABadFolderHoldsNothingUp(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"good.lua": checkSource("good", "return result"), "bad/plugin.lua": checkSource("bad", "return result")})
	dir := rt.opts.Dir
	for i := range 8 {
		link(t, filepath.Join(dir, "bad"), ".", fmt.Sprint("l", i))
	}
	link(t, filepath.Join(dir, "bad"), "/usr", "usr")
	writeFile(t, dir, "good.lua", strings.Replace(checkSource("good", "return result"), `version = "1"`, `version = "2"`, 1))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	pluginFolder{rt}.scan(ended)
	if got := plugin(t, rt, "good").Meta().Version; got != "1" {
		t.Errorf("version %s is live after a scan that was given up", got)
	}
	begun := time.Now()
	pluginFolder{rt}.scan(t.Context())
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("reading the folder took %v", took)
	}
	if good, bad := plugin(t, rt, "good").Meta().Version, plugin(t, rt, "bad").Meta().Version; good != "2" || bad != "1" {
		t.Errorf("versions %s and %s are live, want 2 and 1", good, bad)
	}
	if n := len(foldersBelow(t.Context(), dir)); n > 20 {
		t.Errorf("%d folders are watched", n)
	}
}
