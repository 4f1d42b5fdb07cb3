package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// oddTexts are texts that a writer of YAML may get wrong.
var oddTexts = []string{
	"", " ", "  leading", "trailing ", "a: b", "a:b", "a #b", "#a", "- a", "-", "?", "? a", ":", ": a", "*a", "&a", "!a", "!!str a", "|", ">", "%a", "@a", "`a",
	"'", "''", `"`, `a"b'c`, `back\slash`, `\n`, "null", "Null", "~", "true", "No", "on", "y", "0", "-1", "1.5", "1e3", "0x1F", "0o17", "017", "1_000", ".5", ".inf",
	".NaN", "-.inf", "2026-01-05", "2026-01-05T09:00:00Z", "12:30:45", "1h30m", "30s", "[a]", "{a: b}", "a, b", "=", "<<", "---", "...", "--- a", "a\nb", "a\nb\n",
	"a\n\nb\n", "a\nb\n\n", "\na", "a\n  b\n", "  a\nb", "\ta\nb", "a\tb", "a\n\tb\n", "a\r\nb", "a\rb", "a \nb", "a\n \nb", "\x01", "\x7f", "\u0085", "\u00a0", "\u2028",
	"\ufeff", "ü", "日本語", "🌙", "a🌙\nb", "e\u0301", "\U000e0001", "# a\n# b\n", "a\n# b\n", "a: |\n  b\n", "a\n---\nb\n", "a\n...\n", "%a\nb", "{{ x }}", "${x}", "$secret",
	"https://example.com:8080/a?b=c&d=%20#e", "https://example.com/a", "http://[::1]/", strings.Repeat("x", 3000), strings.Repeat("x y ", 500) + "z", "a\\\nb", "return function(c)\n\tif c then\n\t\treturn 1\n\tend\nend",
	"x\n\n\n  y\n", "x\n\t\n", "'a'\n'b'", "\"a\"\nb", "- a\n- b\n", "|\n|", "a  b", "/", "_", "@", "a@b.c", "secret: true",
}

func TestTextsSurvive(t *testing.T) {
	for _, s := range oddTexts {
		doc := &Document{Version: 1, Checks: []Check{{Name: "n" + s, RunbookLink: s, Tags: []string{s, s},
			Config: Values{"text": s, "list": []any{s, []any{s}, map[string]any{"k": s}}, "map": map[string]any{"a": s, "k" + s: s}}}},
			Users: []User{{Username: "u", Settings: map[string]Values{"s" + s: {"k": s}}}}}
		data := Encode(doc)
		got, problems := Decode(data)
		if len(problems) > 0 {
			t.Errorf("%q: %v\n%s", s, problems, data)
			continue
		}
		if a, b := Plain(got.Checks[0]), Plain(doc.Checks[0]); !reflect.DeepEqual(a, b) {
			t.Errorf("%q came back as\n%#v, want\n%#v\n%s", s, a, b, data)
		}
		if again := Encode(got); !bytes.Equal(again, data) {
			t.Errorf("%q is written differently the second time:\n%s\n%s", s, data, again)
		}
	}
}

func TestNumbersSurvive(t *testing.T) {
	for _, v := range []float64{0, 1, -1, 0.1, -2.5, 1e15, 1 << 53, 1<<53 + 2, 1e21, 1e-7, 1.7976931348623157e308, 5e-324, 123456.789, -1e300} {
		data := Encode(&Document{Version: 1, Checks: []Check{{Name: "a", Config: Values{"n": v}}}})
		got, problems := Decode(data)
		if len(problems) > 0 || got.Checks[0].Config["n"] != v {
			t.Errorf("%v came back as %v %v", v, got.Checks[0].Config["n"], problems)
		}
	}
}

func TestSecretsAreNotForged(t *testing.T) {
	config := Values{"a": Secret{}, "b": Secret{"abc"}, "c": map[string]any{"secret": true}, "d": map[string]any{"$secret": true},
		"e": map[string]any{"encrypted": "x"}, "f": map[string]any{"$$encrypted": "x"}, "g": map[string]any{"secret": true, "x": nil}, "h": []any{map[string]any{"secret": false}, Secret{}}}
	data := Encode(&Document{Version: 1, Checks: []Check{{Name: "a", Config: config}}})
	got, problems := Decode(data)
	if len(problems) > 0 || !reflect.DeepEqual(got.Checks[0].Config, config) {
		t.Errorf("got %#v %v\n%s", got.Checks[0].Config, problems, data)
	}
}

func TestDefaults(t *testing.T) {
	doc, problems := Decode([]byte("moonwatch: 1\nchecks:\n- name: a\nusers:\n- username: b\nservices: [{name: c}]\nsilences:\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := doc.Checks[0]
	if !c.Active || c.Importance != "ERROR" || time.Duration(c.Interval) != time.Minute || c.RecoverAfter != 1 || c.NoData != "fail" {
		t.Errorf("check %+v", c)
	}
	if !doc.Services[0].AlertsEnabled || doc.Users[0].Role != "viewer" {
		t.Errorf("%+v", doc)
	}
	if doc.Silences == nil || doc.Instances != nil || doc.Settings != nil {
		t.Errorf("sections that stand there: %+v", doc)
	}
}

func TestProblems(t *testing.T) {
	const good = "moonwatch: 1\n"
	cases := []struct{ name, text, want string }{
		{"empty", "", "0   required the document is empty"},
		{"comment alone", "# a\n", "0   required the document is empty"},
		{"html", "<html>\n<body>", "1   type a document is a map with the sections settings, users, checks and so on"},
		{"no version", "checks: []", "1 moonwatch required the document begins with `moonwatch: 1`, the version of its format"},
		{"newer", "checks: []\nmoonwatch: 2", "2 moonwatch invalid this release reads version 1 of the format"},
		{"two documents", "moonwatch: 1\n---\nmoonwatch: 1\n", "3   invalid one document is expected, not several"},
		{"not UTF-8", "a: b\nc: \xff", "2   invalid this is not UTF-8 text"},
		{"NUL", "a: b\n\x00", "2   invalid null characters are not allowed"},
		{"section", good + "cheks: []", "2 cheks unknown there is no such key; did you mean checks?"},
		{"far section", good + "banana: []", "2 banana unknown there is no such key"},
		{"key", good + "checks:\n- name: web\n  intervall: 1m", `4 checks["web"].intervall unknown there is no such key; did you mean interval?`},
		{"key that is there twice", good + "checks:\n- name: web\n  interval: 1m\n  interval: 2m", "5   unique this key stands in the map already"},
		{"name that is there twice", good + "checks:\n- name: web\n- name: a\n- name: web", `5 checks["web"] unique this name stands in line 3 already`},
		{"no name", good + "checks:\n- interval: 1m", "3 checks[0].name required This field is required."},
		{"null name", good + "checks:\n- name:\n", "3 checks[0].name required This field is required."},
		{"list for map", good + "checks: {}", "2 checks type a list is expected, not a map"},
		{"map for list", good + "checks:\n- name: a\n  config: [1]", `4 checks["a"].config type a map of the plugin's fields is expected`},
		{"text item", good + "checks:\n- a", "3 checks[0] type a map is expected, not text"},
		{"duration", good + "checks:\n- name: a\n  interval: 60", `4 checks["a"].interval type write a duration with units, such as 30s or 1h30m`},
		{"bad duration", good + "checks:\n- name: a\n  interval: 60x", `4 checks["a"].interval invalid write a duration with units, such as 500ms, 30s or 1h30m`},
		{"bool", good + "checks:\n- name: a\n  active: yes", `4 checks["a"].active type true or false is expected, not text`},
		{"fraction", good + "checks:\n- name: a\n  debounce: 1.5", `4 checks["a"].debounce type a whole number is expected`},
		{"time", good + "silences:\n- starts_at: tomorrow", `3 silences[0].starts_at invalid write an instant such as 2026-01-05T09:00:00Z`},
		{"hash in the clear", good + "users:\n- username: a\n  password_hash: abc", `4 users["a"].password_hash type write {secret: true}, or leave this as it was exported`},
		{"anchor", good + "checks: *x", "2   not_found no anchor of this name stands above"},
		{"tag", good + "checks:\n- name: !!str a", "3   unknown tags such as !!str are not used here"},
		{"null tag", good + "checks:\n- name: a\n  tags: [null]", `4 checks["a"].tags[0] required this is empty`},
		{"odd name", good + "checks:\n- name: \"a\\\"b\"\n  x: 1", `4 checks["a\"b"].x unknown there is no such key`},
	}
	for _, c := range cases {
		_, problems := Decode([]byte(c.text))
		got := []string{}
		for _, p := range problems {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", p.Line, p.Location+map[bool]string{true: " "}[p.Location == ""], p.Code, p.Message)))
		}
		if len(got) == 0 || got[0] != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), c.want)
		}
	}
}

func TestSyntaxErrorsHaveLines(t *testing.T) {
	for text, line := range map[string]int{
		"moonwatch: 1\nchecks:\n  - name: \"a\n":      3,
		"moonwatch: 1\nchecks: [a\n":                  2,
		"moonwatch: 1\n\tchecks: a\n":                 2,
		"moonwatch: 1\nchecks:\n- a: b: c\n":          3,
		"moonwatch: 1\nsettings: {public_url: s3cr3t": 2,
	} {
		_, problems := Decode([]byte(text))
		if len(problems) == 0 || problems[0].Line != line {
			t.Errorf("%q: %+v, want line %d", text, problems, line)
		}
		for _, p := range problems {
			if strings.Contains(p.Message, "s3cr3t") {
				t.Errorf("a value is echoed: %s", p.Message)
			}
		}
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	doc, problems := Decode([]byte(`moonwatch: 1
checks:
- &base {name: a, interval: 5m, plugin: http, tags: &t [x, y]}
- <<: *base
  name: b
  interval: 1m
- name: c
  tags: *t
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b, c := doc.Checks[1], doc.Checks[2]
	if b.Name != "b" || b.Plugin != "http" || time.Duration(b.Interval) != time.Minute || !reflect.DeepEqual(c.Tags, []string{"x", "y"}) {
		t.Errorf("%+v\n%+v", b, c)
	}
}

func TestLines(t *testing.T) {
	doc, problems := Decode([]byte("moonwatch: 1\nchecks:\n- name: 'a.b[\"c'\n  config:\n    rows:\n    - host: x\n    - host: y\n      port: 1\n  tags:\n  - a\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	at := Named("checks", `a.b["c`)
	for location, want := range map[string]int{
		at: 3, at + ".config": 4, at + ".config.rows[1].port": 8, at + ".config.rows[1]": 7, at + ".config.rows[9].x": 5, at + ".config.nope": 4,
		at + ".tags[0]": 10, at + ".interval": 3, "users": 0, "checks": 2, "": 0,
	} {
		if got := doc.Line(location); got != want {
			t.Errorf("Line(%s) = %d, want %d", location, got, want)
		}
	}
}

func TestBombs(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	var indented strings.Builder
	for i := range 5000 {
		indented.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"laughs":   laughs,
		"brackets": strings.Repeat("[", 1_000_000),
		"braces":   "a: " + strings.Repeat("{a: ", 200_000),
		"dashes":   strings.Repeat("- ", 1_000_000),
		"keys":     strings.Repeat("? ", 1_000_000),
		"anchors":  strings.Repeat("&a ", 100_000) + "x",
		"tags":     strings.Repeat("!a ", 100_000) + "x",
		"indented": indented.String(),
		"itself":   "a: &a [*a, *a]\nmoonwatch: 1",
		"merges":   "a: &a\n  <<: *a\n",
		"large":    strings.Repeat("x", MaxBytes+1),
	} {
		began := time.Now()
		_, problems := Decode([]byte(text))
		if len(problems) == 0 {
			t.Errorf("%s: no problem", name)
		}
		if took := time.Since(began); took > slowness*5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestLocker(t *testing.T) {
	header, l, err := NewLocker("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := l.Lock("checks/web/password", []byte("hunter22"))
	if err != nil || strings.Contains(locked, "hunter") {
		t.Fatal(locked, err)
	}
	again, err := header.Locker("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open("checks/web/password", locked); err != nil || string(plain) != "hunter22" {
		t.Errorf("Open = %q, %v", plain, err)
	}
	if _, err := again.Open("checks/other/password", locked); err == nil {
		t.Error("a secret opens in another place")
	}
	if _, err := header.Locker("wrong"); err != ErrPassphrase {
		t.Errorf("a wrong passphrase: %v", err)
	}
	for _, h := range []Encryption{{}, {Cipher: cipherName}, {Cipher: cipherName, Salt: header.Salt, Memory: 1 << 30, Rounds: 3}, {Cipher: cipherName, Salt: header.Salt, Memory: 64, Rounds: 1 << 30}} {
		if _, err := h.Locker("x"); err == nil {
			t.Errorf("%+v is taken", h)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("moonwatch: 1\nchecks:\n- name: a\n  config: {a: {secret: true}, b: [1, 2.5, null]}\n  tags: [x]\n"))
	f.Add([]byte("a: &a\n  <<: *a\n? b\n: |\n  c\n"))
	for _, s := range oddTexts {
		f.Add(Encode(&Document{Version: 1, Checks: []Check{{Name: s, Config: Values{"k": s}}}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, problems := Decode(data)
		if doc == nil && len(problems) == 0 {
			t.Fatal("neither a document nor a problem")
		}
		if doc == nil || len(problems) > 0 {
			return
		}
		once := Encode(doc)
		again, problems := Decode(once)
		if len(problems) > 0 {
			t.Fatalf("what was written is not read: %v\n%s", problems, once)
		}
		if twice := Encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("it is written differently the second time:\n%s\n%s", once, twice)
		}
	})
}

func FuzzTexts(f *testing.F) {
	for _, s := range oddTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
		doc := &Document{Version: 1, Checks: []Check{{Name: "n", RunbookLink: s, Config: Values{"k": s, "m": map[string]any{s: []any{s}}}}}}
		got, problems := Decode(Encode(doc))
		if len(problems) > 0 || got.Checks[0].RunbookLink != s || !reflect.DeepEqual(got.Checks[0].Config, doc.Checks[0].Config) {
			t.Fatalf("%q: %v\n%s", s, problems, Encode(doc))
		}
	})
}
