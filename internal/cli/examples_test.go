package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"moonwatch/internal/programtest"
)

// TestExamples holds that what stands in examples/ is accepted as it is.
func TestExamples(t *testing.T) {
	m := programtest.New(t)
	file, err := filepath.Abs("../../examples/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m.MustCommand("", "doctor", file, "--plugins", m.Plugins)
	m.MustCommand("", "import", file, "--data", m.Data, "--plugins", m.Plugins)
	if again := m.MustCommand("", "import", file, "--prune", "--data", m.Data, "--plugins", m.Plugins); !strings.HasPrefix(again.Out, "0 created, 0 updated, 0 deleted") {
		t.Errorf("imported again: %s", again.Out)
	}
	unit, err := os.ReadFile("../../examples/moonwatch.service")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(unit), "\nExecStart=/usr/local/bin/moonwatch ")
	line, _, _ := strings.Cut(rest, "\n")
	var c commands
	parser, err := kong.New(&c, kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(strings.Fields(line)); !found || err != nil || c.Serve.Data != "/var/lib/moonwatch" {
		t.Errorf("%q: %v", line, err)
	}
	readme, err := os.ReadFile("../../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"monitor.yaml", "moonwatch.service", "Containerfile"} {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("the README does not mention %s", name)
		}
	}
}
