package main

import (
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs holds that what the documents point at is there: files behind links,
// headings behind anchors, and the paths, tests and commands that stand in code.
func TestDocs(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "*.md").Output()
	if err != nil {
		t.Skipf("not a clone: %v", err)
	}
	tests := testNames(t)
	for file := range strings.FieldsSeq(string(out)) {
		text := readDoc(t, file)
		prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose, -1) {
			checkLink(t, file, link[1])
		}
		if !strings.HasPrefix(file, "docs/dev/") && !isTopLevel(file) {
			continue
		}
		for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(prose, -1) {
			switch name := code[1]; {
			case regexp.MustCompile(`^Test[A-Z]\w*$`).MatchString(name) && !tests[name]:
				t.Errorf("%s: there is no test %s", file, name)
			case ownPath(name) && !exists(name) && !exists(filepath.Join(filepath.Dir(file), name)):
				t.Errorf("%s: there is no %s", file, name)
			}
		}
	}
}

func isTopLevel(file string) bool { return !strings.Contains(file, "/") }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// ownPath reports whether a piece of code is a path of this repository: it begins
// with one of its folders.
func ownPath(code string) bool {
	first, _, deeper := strings.Cut(code, "/")
	if !deeper || strings.ContainsAny(code, " <>{}…*") {
		return false
	}
	switch first {
	case "engine", "luaapi", "storage", "server", "internal", "plugins", "examples", "docs", ".ci", ".github":
		return true
	}
	return false
}

func readDoc(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkLink(t *testing.T, file, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" {
		return // of elsewhere
	}
	to := file
	if u.Path != "" {
		to = path.Join(path.Dir(file), u.Path)
	}
	if !exists(to) {
		t.Errorf("%s: %s leads nowhere", file, link)
	} else if u.Fragment != "" && strings.HasSuffix(to, ".md") && !anchors(readDoc(t, to))[u.Fragment] {
		t.Errorf("%s: %s has no heading for %s", file, to, link)
	}
}

// anchors are the ids of a document's headings, and those that it sets itself.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(text, -1) {
		id := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(h[1]), " ", "-"))
		found[regexp.MustCompile("[^a-z0-9_-]").ReplaceAllString(id, "")] = true
	}
	for _, a := range regexp.MustCompile(`<a (?:id|name)="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		found[a[1]] = true
	}
	return found
}

// testNames are all tests of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command("git", "grep", "-hoE", `^func Test\w+`, "--", "*_test.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		names[strings.TrimPrefix(strings.TrimSpace(line), "func ")] = true
	}
	for name := range names {
		for i := len("Test") + 1; i < len(name); i++ { // a document may name several by how they begin
			names[name[:i]] = true
		}
	}
	return names
}
