package luaapi

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
)

// TestAnnounce holds what the log says of the plugin folder.
func TestAnnounce(t *testing.T) {
	f := newFolder(t, fstest.MapFS{"one.lua": {Data: []byte(says("one", "shipped"))}, "two.lua": {Data: []byte(says("two", "shipped"))}})
	var log bytes.Buffer
	rt, err := New(Options{Dir: f.dir, Shipped: f.shipped, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	f.rt = rt
	f.write("a.lua", says("a", "first"))
	want := func(when string, lines ...string) {
		t.Helper()
		got := strings.TrimSpace(log.String())
		if got != strings.Join(lines, "\n") {
			t.Errorf("%s: the log says\n%s\nwant\n%s", when, got, strings.Join(lines, "\n"))
		}
		log.Reset()
	}
	if err := rt.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("start", `level=INFO msg="plugin loaded" file=a.lua slug=a version=1`, `level=INFO msg="plugins that ship loaded" number=2`)
	f.look()
	want("nothing changed", "")
	f.write("a.lua", says("a", "second"))
	f.look()
	want("a save", `level=INFO msg="plugin reloaded" file=a.lua slug=a version=1`)
	f.write("a.lua", broken)
	f.look()
	if got := log.String(); !strings.HasPrefix(got, `level=WARN msg="plugin does not load" file=a.lua`) || strings.Count(got, "\n") != 1 {
		t.Errorf("a mistake: %q", got)
	}
	log.Reset()
	f.write("a.lua", says("a", "third"))
	f.look()
	want("a repair", `level=INFO msg="plugin repaired" file=a.lua slug=a version=1`)
	f.write("one.lua", says("one", "mine"))
	f.look()
	want("in place of one that ships", `level=INFO msg="plugin loaded" file=one.lua slug=one version=1`)
	f.write("b.lua", says("a", "double"))
	f.look()
	want("a double", `level=WARN msg="two files define one plugin" slug=a problem="the slug a is defined by two files, a.lua and b.lua; a.lua is the one that runs"`)
	f.look()
	want("the double stays", "")
	f.remove("b.lua")
	f.remove("a.lua")
	f.look()
	want("the file is gone", `level=WARN msg="plugin without its file: its checks are unknown" file=a.lua slug=a`)
}
