package config

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// What takes the parser a minute is refused at once, with the line.
func TestWhatWouldTakeLongIsRefused(t *testing.T) {
	const n = 30_000
	for _, tt := range []struct{ name, text, want string }{
		{"documents", strings.Repeat("---\na: 1\n", 2*n), "one document is expected, not several"},
		{"empty documents", strings.Repeat("---\n", n), "one document is expected, not several"},
		{"directives", strings.Repeat("%YAML 1.2\n---\n", n), "one document is expected, not several"},
		{"anchors", repeated(n, "a%[1]d: &a%[1]d 1\n"), "too many keys"},
		{"anchors of a list", repeated(n, "- &a%d 1\n"), "anchors and aliases"},
		{"aliases", "- &a 1\n" + strings.Repeat("- *a\n", n), "anchors and aliases"},
		{"keys", repeated(n, "a%d: 1\n"), "too many keys"},
		{"one key", strings.Repeat("a: 1\n", n), "too many keys"},
		{"keys of a map in a list", "- a: 1\n" + strings.Repeat("  b: 1\n", n), "too many keys"},
		{"keys beside lists", repeated(n, "a%d:\n- x\n"), "too many keys"},
		{"explicit keys", strings.Repeat("? a\n: b\n", n), "too many keys"},
		{"merged", strings.Repeat("<<: {}\n", n), "too many keys"},
		{"keys with lines of Windows", strings.Repeat("a: 1\r\n", n), "too many keys"},
		{"depth", strings.Repeat("[", n), "deep"},
	} {
		begun := time.Now()
		doc, problems := Decode([]byte(tt.text))
		if doc != nil || len(problems) != 1 || problems[0].Code != "max" || !strings.Contains(problems[0].Message, tt.want) || problems[0].Line == 0 {
			t.Errorf("%s: got %.3v", tt.name, problems)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s took %v", tt.name, took)
		}
	}
}

// A large document of ordinary shape is read.
func TestManyObjectsAreRead(t *testing.T) {
	text := "moonwatch: 1\nchecks:\n" + repeated(5000, "- name: c%d\n  plugin: http\n  config:\n    a: b\n    c: d\n  tags:\n  - x\n  - y\n")
	doc, problems := Decode([]byte(text))
	if len(problems) > 0 || len(doc.Checks) != 5000 {
		t.Errorf("got %.3v", problems)
	}
}

// Editors and shells of Windows put a byte order mark before a file.
func TestByteOrderMarks(t *testing.T) {
	const text = "moonwatch: 1\nchecks:\n- {name: Käse 🌙, plugin: x}\n"
	wide := func(order binary.AppendByteOrder) []byte {
		data := order.AppendUint16(nil, 0xfeff)
		for _, unit := range utf16.Encode([]rune(text)) {
			data = order.AppendUint16(data, unit)
		}
		return data
	}
	for name, data := range map[string][]byte{"UTF-8": []byte("\xef\xbb\xbf" + text), "little": wide(binary.LittleEndian), "big": wide(binary.BigEndian)} {
		doc, problems := Decode(data)
		if len(problems) > 0 || doc.Checks[0].Name != "Käse 🌙" || doc.Line("checks[0].name") != 3 {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}

func TestVariables(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"NAME": "web: 1", "DEBOUNCE": "2", "OFF": "false", "EMPTY": "", "PASS": "${x}007"}[name]
		return v, ok
	}
	const text = `moonwatch: 1
settings:
  public_url: {env: NAME}
checks:
- name: {env: NAME}
  debounce: {env: DEBOUNCE}
  active: {env: OFF}
  config:
    password:
      env: PASS
    list: [{env: EMPTY}]
    headers: {$env: NAME}
    lower: {env: "not a name"}
    two: {env: NAME, other: 1}
    shell: a ${HTTP_PASS} b
`
	doc, problems := DecodeWith([]byte(text), env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := doc.Checks[0]
	if c.Name != "web: 1" || c.Debounce != 2 || c.Active || doc.Settings.PublicURL != "web: 1" || c.Config["password"] != "${x}007" {
		t.Errorf("got %+v", c)
	}
	for key, want := range map[string]string{"list": "[]", "headers": "map[env:NAME]", "lower": "map[env:not a name]", "two": "map[env:NAME other:1]"} {
		if got := fmt.Sprint(c.Config[key]); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	found := doc.Unexpanded()
	if len(found) != 1 || found[0].Location != `checks["web: 1"].config.shell` || found[0].Line != 15 || !strings.Contains(found[0].Message, "{env: HTTP_PASS}") {
		t.Errorf("got warnings %v", found)
	}
	again, problems := Decode(Encode(&Document{Version: 1, Checks: []Check{c}}))
	if len(problems) > 0 || fmt.Sprint(again.Checks[0].Config) != fmt.Sprint(c.Config) {
		t.Errorf("written and read again: %v, %v", again, problems)
	}
	_, problems = Decode([]byte("moonwatch: 1\nchecks:\n- {name: a, plugin: x, config: {p: {env: GONE}}}\n"))
	if len(problems) != 1 || problems[0].Code != "not_found" || problems[0].Line != 3 || !strings.Contains(problems[0].Message, "GONE is not set") {
		t.Errorf("a variable that is not set: %v", problems)
	}
}
