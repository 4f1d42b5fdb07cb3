package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

const listedCheck = `return { name = "Listed", slug = "SLUG", version = "VERSION", run = function(self, check, result) return result end }`

func listedSource(slug, version string) string {
	return strings.NewReplacer("SLUG", slug, "VERSION", version).Replace(listedCheck)
}

// wantRow holds that a list has a line.
func wantRow(t *testing.T, out, row string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^` + strings.ReplaceAll(regexp.QuoteMeta(row), " ", " +")).MatchString(out) {
		t.Errorf("there is no line %q in\n%s", row, out)
	}
}

// Of two files that define one plugin, the one that runs is not the one that failed.
func TestPluginListOfDoubles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.lua", "b.lua"} {
		writeText(t, filepath.Join(dir, name), listedSource("twice", "1"))
	}
	writeText(t, filepath.Join(dir, "c.lua"), "return {")
	code, out, errs := command("plugin", "list", "--data", t.TempDir(), "--plugins", dir)
	if code != 0 || !strings.Contains(errs, "b.lua:1: the slug twice is defined by two files, a.lua and b.lua; a.lua is the one that runs") ||
		!strings.Contains(errs, "note: as serve would load them from "+dir) {
		t.Errorf("exit %d\n%s", code, errs)
	}
	wantRow(t, out, "twice check 1 active a.lua Listed")
	wantRow(t, out, "c - - failed c.lua")
}

// The running monitor knows which version runs beside a mistake; the files do not.
func TestPluginListOfRunning(t *testing.T) {
	m := programtest.Serving(t)
	m.Save("listed.lua", listedSource("listed", "1.5"))
	m.AwaitPlugin("listed", "1.5")
	m.Save("listed.lua", "return {")
	programtest.Until(t, "the mistake is seen", 3*time.Second, func() bool { p, _ := m.Plugin("listed"); return p.State == "failed" })
	p := m.MustCommand("", "plugin", "list", "--data", m.Data)
	wantRow(t, p.Out, "listed check 1.5 failed listed.lua Listed")
	wantRow(t, p.Out, "http check ")
	if !strings.Contains(p.Err, "listed.lua:1: ") || !strings.Contains(p.Err, "note: as the running monitor has them") {
		t.Errorf("it says %q", p.Err)
	}
	for _, other := range []string{"--plugins=" + m.Plugins, "--files"} {
		if other == "--files" {
			if err := os.Symlink(m.Plugins, filepath.Join(m.Data, "plugins")); err != nil {
				t.Fatal(err)
			}
		}
		p = m.MustCommand("", "plugin", "list", "--data", m.Data, other)
		wantRow(t, p.Out, "listed - - failed listed.lua")
	}
}
