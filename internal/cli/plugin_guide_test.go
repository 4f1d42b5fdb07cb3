package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// guideBlock is a block of code of the guide.
type guideBlock struct {
	kind string // "lua" or "console"
	text string
	line int
}

func guideBlocks(t *testing.T, file string) []guideBlock {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []guideBlock
	for _, at := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatchIndex(string(text), -1) {
		b := guideBlock{string(text[at[2]:at[3]]), string(text[at[4]:at[5]]), 1 + strings.Count(string(text[:at[0]]), "\n")}
		if b.kind != "lua" && b.kind != "console" {
			t.Errorf("%s:%d: a block of kind %q, which nothing runs", file, b.line, b.kind)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// TestGuide does what the guide says, block by block: a block of Lua that begins
// with the name of a file is written to it; any other must stand in one of the
// files before; commands are run, and print what the guide says ("…" is anything).
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("starts programs")
	}
	blocks := guideBlocks(t, "../../plugins/README.md")
	g := newGuide(t)
	for _, b := range blocks {
		if b.kind == "console" {
			g.commands(b)
			continue
		}
		name := regexp.MustCompile(`^-- ([a-z_/]+\.lua)\n`).FindStringSubmatch(b.text)
		if name == nil {
			g.quoted(b)
			continue
		}
		if err := os.WriteFile(filepath.Join(g.dir, name[1]), []byte(b.text), 0o644); err != nil {
			t.Fatal(err)
		}
		g.files = append(g.files, b.text)
	}
	if g.ran < 10 || len(g.files) != 6 {
		t.Errorf("ran %d commands and wrote %d files: the guide has more", g.ran, len(g.files))
	}
}

// guide is a reader of the guide.
type guide struct {
	t     *testing.T
	dir   string
	bin   string
	files []string
	site  *httptest.Server // in place of the one that the guide starts
	ran   int
}

func newGuide(t *testing.T) *guide {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	g := &guide{t: t, dir: t.TempDir(), bin: t.TempDir()}
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", programtest.AsProgram, self)
	if err := os.WriteFile(filepath.Join(g.bin, "moonwatch"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return g
}

// quoted is a part of a file that is looked at line by line.
func (g *guide) quoted(b guideBlock) {
	for _, text := range g.files {
		if strings.Contains(text, b.text) {
			return
		}
	}
	g.t.Errorf("line %d: this stands in no file of the guide:\n%s", b.line, b.text)
}

// commands runs the commands of a block and compares what they print.
func (g *guide) commands(b guideBlock) {
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		g.ran++
		switch {
		case strings.HasPrefix(command, "cd "):
			g.dir = filepath.Join(g.dir, strings.TrimPrefix(command, "cd "))
		case strings.HasPrefix(command, "python3 -m http.server"):
			files := http.FileServer(http.Dir(g.dir))
			g.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet { // as that server does
					w.WriteHeader(http.StatusNotImplemented)
					return
				}
				files.ServeHTTP(w, r)
			}))
			g.t.Cleanup(g.site.Close)
		case command == "kill %1":
			g.site.Close()
		case strings.HasPrefix(command, "moonwatch serve"):
			g.serve(b, command)
		default:
			g.command(b, command, want)
		}
	}
}

func (g *guide) shell(command string) *exec.Cmd {
	if g.site != nil {
		command = strings.ReplaceAll(command, "http://localhost:8080", g.site.URL)
	}
	c := exec.Command("sh", "-c", command)
	c.Dir = g.dir
	c.Env = append(os.Environ(), "PATH="+g.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return c
}

func (g *guide) command(b guideBlock, command, want string) {
	out, err := g.shell(command).CombinedOutput()
	refused := strings.HasPrefix(want, "not sent") || strings.Contains(want, "Must not be") || strings.Contains(want, "Write a path") || strings.Contains(want, "failed (")
	if _, failed := err.(*exec.ExitError); err != nil && !failed || (err != nil) != refused {
		g.t.Errorf("line %d: %s: %v\n%s", b.line, command, err, out)
	}
	if want = strings.TrimSpace(want); want == "" {
		return
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*)")
	if !regexp.MustCompile(`^\s*` + pattern + `\s*$`).Match(out) {
		g.t.Errorf("line %d: %s: got\n%s\nthe guide says\n%s", b.line, command, out, want)
	}
}

// serve starts the monitor, and ends it when it answers.
func (g *guide) serve(b guideBlock, command string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c := g.shell("exec " + command + " --listen " + address)
	if err := c.Start(); err != nil {
		g.t.Fatal(err)
	}
	answered := false
	for deadline := time.Now().Add(20 * time.Second); !answered && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get("http://" + address + "/readyz"); err == nil {
			answered = response.StatusCode == http.StatusOK
			response.Body.Close()
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Error(err)
	}
	if err := c.Wait(); err != nil || !answered {
		g.t.Errorf("line %d: %s: answered %v, ended with %v", b.line, command, answered, err)
	}
}
