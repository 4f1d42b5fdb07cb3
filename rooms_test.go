package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rooms says which rooms a room's code (tests apart) may import, as the map in
// CONTRIBUTING.md draws it. A room may always import itself.
var rooms = map[string][]string{
	"":             {"internal/cli"},
	"internal/cli": {"engine", "engine/access", "engine/config", "engine/config/importer", "engine/form", "engine/monitor", "internal/demo", "luaapi", "luaapi/describe", "luaapi/host", "luaapi/plugintest", "luaapi/starter", "plugins", "server", "storage", "storage/seal"},

	"internal/bench":       {"engine", "engine/form", "engine/history", "engine/state", "internal/programtest", "storage"},
	"internal/demo":        {"engine", "engine/access", "engine/alert", "engine/config/importer", "engine/history", "engine/monitor", "engine/oncall", "engine/state"},
	"internal/measure":     {},
	"internal/binenc":      {},
	"internal/programtest": {},

	// The engine's, in their order: each imports only what stands before it.
	"engine/access":          {},
	"engine/cron":            {},
	"engine/pattern":         {},
	"engine/rota":            {},
	"engine/form":            {"engine/pattern"},
	"engine/config":          {"engine/form"},
	"engine":                 {"engine/access", "engine/form", "engine/rota"},
	"engine/silence":         {"engine", "engine/rota"},
	"engine/schedule":        {"engine", "engine/cron"},
	"engine/judge":           {"engine"},
	"engine/state":           {"engine", "engine/form", "engine/rota", "engine/schedule", "engine/silence"},
	"engine/oncall":          {"engine", "engine/access", "engine/form", "engine/rota", "engine/state"},
	"engine/history":         {"engine", "engine/form", "engine/rota", "engine/silence", "engine/state", "internal/binenc"},
	"engine/alert":           {"engine", "engine/form", "engine/judge", "engine/oncall", "engine/rota", "engine/schedule", "engine/silence", "engine/state"},
	"engine/edit":            {"engine", "engine/access", "engine/alert", "engine/form", "engine/history", "engine/judge", "engine/oncall", "engine/rota", "engine/schedule", "engine/silence", "engine/state"},
	"engine/enginetest":      {"engine", "engine/form"},
	"engine/plugindata":      {"engine", "engine/state"},
	"engine/config/importer": {"engine", "engine/access", "engine/alert", "engine/config", "engine/edit", "engine/form", "engine/rota", "engine/state"},
	"engine/monitor":         {"engine", "engine/access", "engine/alert", "engine/config/importer", "engine/edit", "engine/form", "engine/history", "engine/judge", "engine/oncall", "engine/plugindata", "engine/schedule", "engine/silence", "engine/state"},

	"luaapi": {"engine", "engine/form", "luaapi/host", "luaapi/internal/binding", "luaapi/internal/loader", "luaapi/internal/luaval", "luaapi/internal/module",
		"luaapi/internal/runner", "luaapi/internal/syntax", "luaapi/internal/vm", "luaapi/lint"},
	"luaapi/describe":           {"engine/form"},
	"luaapi/host":               {},
	"luaapi/host/hosttest":      {"luaapi/host"},
	"luaapi/internal/luaval":    {"engine/form", "luaapi/internal/patch", "luaapi/lualib"},
	"luaapi/internal/memory":    {"luaapi/internal/luaval"},
	"luaapi/internal/snapshot":  {"luaapi/internal/luaval", "luaapi/internal/patch"},
	"luaapi/internal/permit":    {},
	"luaapi/internal/vm":        {"engine", "engine/form", "engine/pattern", "luaapi/host", "luaapi/internal/luaval", "luaapi/internal/memory", "luaapi/internal/patch", "luaapi/internal/permit", "luaapi/internal/snapshot", "luaapi/lualib"},
	"luaapi/internal/module":    {"engine", "engine/pattern", "luaapi/host", "luaapi/internal/luaval", "luaapi/internal/memory", "luaapi/internal/vm", "luaapi/lualib"},
	"luaapi/internal/binding":   {"engine", "engine/form", "luaapi/host", "luaapi/internal/luaval", "luaapi/internal/memory", "luaapi/internal/module", "luaapi/internal/vm", "luaapi/lualib"},
	"luaapi/internal/loader":    {"engine", "engine/access", "engine/form", "luaapi/internal/binding", "luaapi/internal/luaval", "luaapi/internal/patch", "luaapi/internal/syntax", "luaapi/internal/permit", "luaapi/internal/vm"},
	"luaapi/internal/runner":    {"engine", "engine/form", "luaapi/host", "luaapi/internal/binding", "luaapi/internal/loader", "luaapi/internal/luaval", "luaapi/internal/module", "luaapi/internal/patch", "luaapi/internal/permit", "luaapi/internal/vm", "luaapi/lualib"},
	"luaapi/internal/patch":     {"luaapi/internal/syntax"},
	"luaapi/internal/syntax":    {},
	"luaapi/lint":               {"engine/form", "luaapi/describe", "luaapi/lint/internal/tree"},
	"luaapi/lint/internal/tree": {},
	"luaapi/lualib":             {"luaapi/internal/patch"},
	"luaapi/plugintest":         {"engine", "engine/access", "engine/form", "engine/pattern", "luaapi/host", "luaapi/internal/binding", "luaapi/internal/loader", "luaapi/internal/luaval", "luaapi/internal/memory", "luaapi/internal/module", "luaapi/internal/runner", "luaapi/internal/permit", "luaapi/internal/vm", "luaapi/lualib"},
	"luaapi/starter":            {},

	"plugins":  {},
	"examples": {},

	// The server's, in their order.
	"server/look":           {},
	"server/rest":           {"engine", "engine/access", "engine/form"},
	"server/rest/openapi":   {"engine/access", "server/rest"},
	"server/auth":           {"engine", "engine/access", "engine/monitor", "server/rest"},
	"server/public":         {"engine", "engine/access", "engine/edit", "engine/history", "engine/monitor", "engine/state", "server/auth", "server/look", "server/rest"},
	"server/revision":       {"engine", "engine/access", "engine/form", "engine/monitor"},
	"server/api":            {"engine", "engine/access", "engine/alert", "engine/config", "engine/config/importer", "engine/edit", "engine/form", "engine/history", "engine/monitor", "engine/oncall", "engine/rota", "engine/state", "server/auth", "server/rest", "server/revision"},
	"server/web/webform":    {"engine", "engine/form"},
	"server/web/drawing":    {"engine", "engine/history", "server/look"},
	"server/web/frame":      {"engine", "engine/access", "engine/alert", "engine/edit", "engine/form", "engine/monitor", "server/look", "server/revision", "server/web/drawing", "server/web/webform"},
	"server/web/ownform":    {"engine", "engine/form", "engine/rota", "server/web/frame", "server/web/webform"},
	"server/web/lookup":     {"engine", "engine/access", "engine/alert", "engine/edit", "engine/form", "engine/monitor", "engine/oncall", "server/web/drawing", "server/web/frame", "server/web/webform"},
	"server/web/pluginedit": {"engine", "engine/access", "engine/form", "engine/monitor", "luaapi/describe", "luaapi/starter", "server/web/drawing", "server/web/frame", "server/web/webform"},
	"server/web/alerting":   {"engine", "engine/access", "engine/alert", "engine/edit", "engine/form", "engine/oncall", "engine/silence", "engine/state", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/webform"},
	"server/web/checks":     {"engine", "engine/access", "engine/edit", "engine/form", "engine/history", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/webform"},
	"server/web/subjects":   {"engine", "engine/access", "engine/alert", "engine/edit", "engine/form", "engine/state", "server/web/alerting", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/webform"},
	"server/web/rotas":      {"engine", "engine/access", "engine/form", "engine/oncall", "engine/rota", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/webform"},
	"server/web/people":     {"engine", "engine/access", "engine/form", "engine/oncall", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/rotas", "server/web/webform"},
	"server/web/records":    {"engine", "engine/access", "engine/history", "engine/rota", "engine/state", "server/revision", "server/web/drawing", "server/web/frame", "server/web/lookup"},
	"server/web":            {"engine", "engine/access", "engine/alert", "engine/edit", "engine/form", "engine/monitor", "engine/oncall", "server/web/alerting", "server/web/checks", "server/web/drawing", "server/web/frame", "server/web/lookup", "server/web/ownform", "server/web/people", "server/web/pluginedit", "server/web/records", "server/web/rotas", "server/web/subjects", "server/web/webform"},
	"server":                {"engine", "engine/form", "engine/monitor", "server/api", "server/auth", "server/public", "server/rest", "server/rest/openapi", "server/web", "server/web/frame"},

	"storage":                     {"engine", "internal/binenc", "storage/internal/badgerfile", "storage/internal/block", "storage/internal/damage", "storage/internal/disk", "storage/internal/layout"},
	"storage/internal/badgerfile": {"internal/binenc", "storage/internal/layout"},
	"storage/internal/block":      {"engine", "internal/binenc"},
	"storage/internal/damage":     {"internal/binenc", "storage/internal/badgerfile", "storage/internal/disk"},
	"storage/internal/disk":       {},
	"storage/internal/layout":     {"engine", "internal/binenc"},
	"storage/seal":                {"engine", "engine/form", "storage/internal/disk"},
	"storage/storagetest":         {"engine"},
}

// plainRooms may import nothing outside the standard library.
var plainRooms = map[string]bool{"engine/cron": true, "engine/form": true, "engine/pattern": true, "plugins": true}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		room := strings.TrimPrefix(strings.TrimPrefix(words[0], "moonwatch"), "/")
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s is not on the map: add it here and in CONTRIBUTING.md", words[0])
			continue
		}
		if room != "" && !bytes.Contains(drawn, []byte("`"+room+"`")) && !bytes.Contains(drawn, []byte("`"+room+"/`")) {
			t.Errorf("%s is not in CONTRIBUTING.md", room)
		}
		for _, imported := range words[1:] {
			to, ours := strings.CutPrefix(imported, "moonwatch/")
			if !ours {
				if plainRooms[room] && strings.Contains(strings.Split(imported, "/")[0], ".") {
					t.Errorf("%s imports %s: it may import the standard library only", room, imported)
				}
				continue
			}
			ok := to == room
			for _, a := range allowed {
				ok = ok || to == a
			}
			if !ok {
				t.Errorf("%q imports %q: that arrow is not on the map", room, to)
			}
		}
	}
}

// TestOnlyTestsHashCheaply holds that no program makes hashes of passwords that are
// easy to guess from.
func TestOnlyTestsHashCheaply(t *testing.T) {
	out, err := exec.Command("git", "grep", "-lw", "HashCheaply", "--", "*.go", ":!*_test.go", ":!engine/access/password.go").Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: none
		t.Fatal(err)
	}
	if len(out) > 0 {
		t.Errorf("these call it and are no tests:\n%s", out)
	}
}

// TestTopLevel holds that nothing new stands beside the rooms.
func TestTopLevel(t *testing.T) {
	want := map[string]bool{"engine": true, "luaapi": true, "plugins": true, "server": true, "storage": true, "examples": true, "docs": true, "internal": true,
		"go.mod": true, "go.sum": true, "README.md": true, "CONTRIBUTING.md": true, "LICENSE": true,
		"CHANGELOG.md": true, "SECURITY.md": true, "RELEASING.md": true, "Makefile": true, "staticcheck.conf": true}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if want[name] || strings.HasPrefix(name, ".") || filepath.Ext(name) == ".go" && !e.IsDir() {
			continue
		}
		if ignored(t, name) {
			continue
		}
		t.Errorf("%s stands at the top level: find its room", name)
	}
}

func ignored(t *testing.T, name string) bool {
	t.Helper()
	return exec.Command("git", "check-ignore", "-q", name).Run() == nil
}
