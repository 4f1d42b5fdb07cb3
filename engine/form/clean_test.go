package form

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func ptr[T any](v T) *T { return &v }

// required, as a plugin's field is unless it says otherwise.
func field(t Type, name string) Field { return Field{Type: t, Name: name, Required: true} }

func with(f Field, change func(*Field)) Field {
	change(&f)
	return f
}

func optional(f Field) Field { return with(f, func(f *Field) { f.Required = false }) }

func secret(f Field) Field { return with(f, func(f *Field) { f.Widget = "PasswordInput" }) }

// tagged seals readably: what was sealed, and for which path.
func tagged(path string, plain []byte) (Sealed, error) {
	return Sealed(path + "=" + string(plain)), nil
}

func untag(path string, s Sealed) ([]byte, error) {
	return []byte(strings.TrimPrefix(string(s), path+"=")), nil
}

// codes gives "location:code" of each complaint.
func codes(errs Errors) string {
	var parts []string
	for _, e := range errs {
		parts = append(parts, e.Location+":"+e.Code)
	}
	return strings.Join(parts, " ")
}

func decodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

func TestFieldTypes(t *testing.T) {
	choices := func(f *Field) { f.Choices = []Choice{{"1", "One"}, {"two", "Two"}, {"3", "Three"}} }
	long := strings.Repeat("x", maxText+1)
	tests := []struct {
		name string
		f    Field
		raw  any
		want any
		code string // "" is clean
	}{
		{"strip", field(Char, "x"), "  a b ", "a b", ""},
		{"textarea strips", with(field(Char, "x"), func(f *Field) { f.Widget = "Textarea" }), " a\n", "a", ""},
		{"space only", field(Char, "x"), "   ", nil, "required"},
		{"null", field(Char, "x"), nil, nil, "required"},
		{"optional null", optional(field(Char, "x")), nil, "", ""},
		{"number for text", field(Char, "x"), 5.0, nil, "type"},
		{"object for text", field(Char, "x"), map[string]any{"a": 1.0}, nil, "type"},
		{"array for text", field(Char, "x"), []any{"a"}, nil, "type"},
		{"min length in characters", with(field(Char, "x"), func(f *Field) { f.MinLength = ptr(3) }), "žž", nil, "min"},
		{"max length in characters", with(field(Char, "x"), func(f *Field) { f.MaxLength = ptr(2) }), "žž", "žž", ""},
		{"max length", with(field(Char, "x"), func(f *Field) { f.MaxLength = ptr(2) }), "abc", nil, "max"},
		{"length after strip", with(field(Char, "x"), func(f *Field) { f.MaxLength = ptr(2) }), " ab ", "ab", ""},
		{"invalid UTF-8", field(Char, "x"), "a\xffb", "a\uFFFDb", ""},
		{"NUL", field(Char, "x"), "a\x00b", nil, "invalid"},
		{"too long", field(Char, "x"), long, nil, "max"},
		{"64 KiB", field(Char, "x"), long[1:], long[1:], ""},
		{"sealed text", field(Char, "x"), Sealed("stolen"), nil, "type"},

		{"integer", field(Integer, "x"), 3.0, 3.0, ""},
		{"integer text", field(Integer, "x"), " 42 ", 42.0, ""},
		{"integer 3.0", field(Integer, "x"), "3.0", 3.0, ""},
		{"integer json.Number", field(Integer, "x"), json.Number("7"), 7.0, ""},
		{"integer of Go", field(Integer, "x"), uint8(7), 7.0, ""},
		{"fraction", field(Integer, "x"), 3.5, nil, "invalid"},
		{"fraction text", field(Integer, "x"), "3.5", nil, "invalid"},
		{"exponent text", field(Integer, "x"), "1e3", nil, "invalid"},
		{"words", field(Integer, "x"), "three", nil, "invalid"},
		{"bool for integer", field(Integer, "x"), true, nil, "type"},
		{"too large", field(Integer, "x"), 1e17, nil, "max"},
		{"too small", field(Integer, "x"), "-99999999999999999999", nil, "min"},
		{"NaN", field(Integer, "x"), math.NaN(), nil, "invalid"},
		{"min value", with(field(Integer, "x"), func(f *Field) { f.MinValue = ptr(5.0) }), 4.0, nil, "min"},
		{"max value", with(field(Integer, "x"), func(f *Field) { f.MaxValue = ptr(5.0) }), 6.0, nil, "max"},
		{"zero is a value", field(Integer, "x"), 0.0, 0.0, ""},
		{"step", with(field(Integer, "x"), func(f *Field) { f.StepSize = ptr(5.0) }), 12.0, nil, "invalid"},
		{"step from min", with(field(Integer, "x"), func(f *Field) { f.StepSize, f.MinValue = ptr(5.0), ptr(2.0) }), 12.0, 12.0, ""},
		{"optional integer", optional(field(Integer, "x")), "", nil, ""},

		{"float", field(Float, "x"), "-1.5e3", -1500.0, ""},
		{"float .5", field(Float, "x"), ".5", 0.5, ""},
		{"inf", field(Float, "x"), "inf", nil, "invalid"},
		{"hex", field(Float, "x"), "0x1p4", nil, "invalid"},
		{"huge", field(Float, "x"), "1e999", nil, "invalid"},
		{"infinite", field(Float, "x"), math.Inf(1), nil, "invalid"},
		{"float step", with(field(Float, "x"), func(f *Field) { f.StepSize = ptr(0.1) }), 0.3, 0.3, ""},
		{"object for float", field(Float, "x"), map[string]any{}, nil, "type"},

		{"true", field(Boolean, "x"), true, true, ""},
		{"on", field(Boolean, "x"), "on", true, ""},
		{"false text", field(Boolean, "x"), "false", false, ""},
		{"empty is false", field(Boolean, "x"), "", false, ""},
		{"null is false", field(Boolean, "x"), nil, false, ""},
		{"number for boolean", field(Boolean, "x"), 1.0, nil, "type"},
		{"maybe", field(Boolean, "x"), "maybe", nil, "invalid"},

		{"choice", with(field(ChoiceOne, "x"), choices), "two", "two", ""},
		{"choice as number", with(field(ChoiceOne, "x"), choices), 1.0, "1", ""},
		{"no choice", with(field(ChoiceOne, "x"), choices), "four", nil, "invalid"},
		{"choice object", with(field(ChoiceOne, "x"), choices), map[string]any{}, nil, "type"},
		{"whole empty list", field(Integer, "x"), []any{}, nil, "type"},
		{"text empty list", field(Char, "x"), []any{}, nil, "type"},
		{"choice empty", with(field(ChoiceOne, "x"), choices), "", nil, "required"},
		{"choice unset", optional(with(field(ChoiceOne, "x"), choices)), "", "", ""},
		{"choices", with(field(ChoiceMany, "x"), choices), []any{"two", 1.0, "two"}, []any{"two", "1"}, ""},
		{"choices from text", with(field(ChoiceMany, "x"), choices), "two", []any{"two"}, ""},
		{"choices from JSON text", with(field(ChoiceMany, "x"), choices), `["1",3]`, []any{"1", "3"}, ""},
		{"one is no choice", with(field(ChoiceMany, "x"), choices), []any{"two", "four"}, nil, "invalid"},
		{"choices object", with(field(ChoiceMany, "x"), choices), map[string]any{"a": "b"}, nil, "type"},
		{"choices null inside", with(field(ChoiceMany, "x"), choices), []any{nil}, nil, "type"},
		{"choices empty", with(field(ChoiceMany, "x"), choices), []any{}, nil, "required"},
		{"choices unset", optional(with(field(ChoiceMany, "x"), choices)), nil, []any{}, ""},

		{"URL", field(URL, "x"), " https://example.com/a?b=c ", "https://example.com/a?b=c", ""},
		{"URL one label and port", field(URL, "x"), "http://graphite:8080", "http://graphite:8080", ""},
		{"URL of IPv6", field(URL, "x"), "http://[::1]:80/", "http://[::1]:80/", ""},
		{"URL without scheme", field(URL, "x"), "example.com", nil, "invalid"},
		{"URL scheme", field(URL, "x"), "ftp://example.com", nil, "invalid"},
		{"URL javascript", field(URL, "x"), "javascript:alert(1)", nil, "invalid"},
		{"URL without host", field(URL, "x"), "http:///x", nil, "invalid"},
		{"URL port", field(URL, "x"), "http://a:99999", nil, "invalid"},
		{"URL space", field(URL, "x"), "http://a/b c", nil, "invalid"},
		{"URL long", field(URL, "x"), "http://a/" + strings.Repeat("b", 2048), nil, "max"},

		{"email", field(Email, "x"), " ada@example.com", "ada@example.com", ""},
		{"email plus", field(Email, "x"), "a.b+c@sub.example.org", "a.b+c@sub.example.org", ""},
		{"email local", field(Email, "x"), "root@localhost", "root@localhost", ""},
		{"email bare", field(Email, "x"), "ada", nil, "invalid"},
		{"email no domain", field(Email, "x"), "ada@", nil, "invalid"},
		{"email one label", field(Email, "x"), "ada@host", nil, "invalid"},
		{"email two dots", field(Email, "x"), "a..b@example.com", nil, "invalid"},
		{"email newline", field(Email, "x"), "a@example.com\nBcc: b@example.com", nil, "invalid"},
		{"email literal", field(Email, "x"), "a@[127.0.0.1]", "a@[127.0.0.1]", ""},

		{"slug", field(Slug, "x"), "a-B_9", "a-B_9", ""},
		{"no slug", field(Slug, "x"), "a b", nil, "invalid"},

		{"regex searches", with(field(Regex, "x"), func(f *Field) { f.Regex = "[0-9]+" }), "ab12", "ab12", ""},
		{"regex anchored", with(field(Regex, "x"), func(f *Field) { f.Regex = "^[0-9]+$" }), "ab12", nil, "invalid"},
		{"regex keeps space", with(field(Regex, "x"), func(f *Field) { f.Regex = "^ a$" }), " a", " a", ""},

		{"pattern", field(Pattern, "x"), `^a(b|c)$`, `^a(b|c)$`, ""},
		{"pattern keeps space", field(Pattern, "x"), ` a `, ` a `, ""},
		{"no pattern", field(Pattern, "x"), `a(`, nil, "invalid"},
		{"lookahead", field(Pattern, "x"), `(?=a)`, nil, "invalid"},
		{"pattern of many groups", field(Pattern, "x"), strings.Repeat("(.?)", 3000) + "b", nil, "invalid"},
		{"pattern of many classes", field(Pattern, "x"), strings.Repeat(`\pL`, 5400), nil, "invalid"},
		{"long text for a regex", with(field(Regex, "x"), func(f *Field) { f.Regex = "^(a?){1000}b?$" }), strings.Repeat("a", 60_000), nil, "invalid"},

		{"IPv4", field(GenericIPAddress, "x"), "10.0.0.1", "10.0.0.1", ""},
		{"IPv6 canonical", field(GenericIPAddress, "x"), "2001:DB8:0::0:1", "2001:db8::1", ""},
		{"no IP", field(GenericIPAddress, "x"), "10.0.0.256", nil, "invalid"},
		{"IP with zone", field(GenericIPAddress, "x"), "fe80::1%eth0", nil, "invalid"},

		{"host", field(Host, "x"), "db-1.example.com", "db-1.example.com", ""},
		{"host underscore", field(Host, "x"), "_x_.local", "_x_.local", ""},
		{"host IPv6 in brackets", field(Host, "x"), "[::1]", "::1", ""},
		{"host with port", field(Host, "x"), "example.com:80", nil, "invalid"},
		{"host with scheme", field(Host, "x"), "http://example.com", nil, "invalid"},
		{"mistyped address", field(Host, "x"), "10.0.0.256", nil, "invalid"},
		{"host space", field(Host, "x"), "a b", nil, "invalid"},
		{"host hyphen", field(Host, "x"), "-a.b", nil, "invalid"},
		{"host option", field(Host, "x"), "-oProxyCommand=x", nil, "invalid"},

		{"port", field(Port, "x"), "443", 443.0, ""},
		{"port 0", field(Port, "x"), 0.0, nil, "min"},
		{"port high", field(Port, "x"), 65536.0, nil, "max"},
		{"port narrower", with(field(Port, "x"), func(f *Field) { f.MinValue = ptr(1024.0) }), 80.0, nil, "min"},

		{"duration", field(DurationType, "x"), "90m", "1h30m", ""},
		{"duration seconds", field(DurationType, "x"), 1.5, "1s500ms", ""},
		{"duration zero", field(DurationType, "x"), 0.0, "0s", ""},
		{"duration bare text", field(DurationType, "x"), "90", nil, "invalid"},
		{"duration negative", field(DurationType, "x"), -1.0, nil, "min"},
		{"duration long", field(DurationType, "x"), 1e12, nil, "max"},
		{"duration long text", field(DurationType, "x"), "99999999w", nil, "max"},
		{"duration min", with(field(DurationType, "x"), func(f *Field) { f.MinValue = ptr(10.0) }), "5s", nil, "min"},
		{"duration max", with(field(DurationType, "x"), func(f *Field) { f.MaxValue = ptr(10.0) }), "1m", nil, "max"},
		{"duration bool", field(DurationType, "x"), true, nil, "type"},

		{"date", field(DateTime, "x"), "2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z", ""},
		{"date of a browser", field(DateTime, "x"), "2026-03-01T12:00", "2026-03-01T12:00:00Z", ""},
		{"date with space", field(DateTime, "x"), "2026-03-01 12:00:30", "2026-03-01T12:00:30Z", ""},
		{"date as number", field(DateTime, "x"), 0.5, "1970-01-01T00:00:00.5Z", ""},
		{"no date", field(DateTime, "x"), "tomorrow", nil, "invalid"},
		{"date number far", field(DateTime, "x"), 1e15, nil, "invalid"},
		{"date object", field(DateTime, "x"), map[string]any{}, nil, "type"},

		{"JSON text", field(JSON, "x"), `{"a":[1,null]}`, map[string]any{"a": []any{1.0, nil}}, ""},
		{"JSON value", field(JSON, "x"), []any{1, "x"}, []any{1.0, "x"}, ""},
		{"JSON text value", field(JSON, "x"), `"abc"`, "abc", ""},
		{"JSON empty object", field(JSON, "x"), map[string]any{}, map[string]any{}, ""},
		{"JSON false", field(JSON, "x"), false, false, ""},
		{"JSON null text", field(JSON, "x"), `null`, nil, "required"},
		{"JSON bad", field(JSON, "x"), `abc`, nil, "invalid"},
		{"JSON deep", field(JSON, "x"), strings.Repeat("[", 66) + strings.Repeat("]", 66), nil, "invalid"},
		{"JSON 64 deep", optional(field(JSON, "x")), strings.Repeat("[", 64) + "]" + strings.Repeat("]", 63), nestedArrays(64), ""},
		{"JSON long", field(JSON, "x"), []any{long[:40000], long[:40000]}, nil, "max"},
		{"JSON sealed", field(JSON, "x"), []any{Sealed("x")}, nil, "type"},

		{"key values", field(KeyValue, "x"), " Accept:  text/html \r\n\n X-A:b:c", "Accept: text/html\nX-A: b:c", ""},
		{"key values object", field(KeyValue, "x"), map[string]any{"b": "2", "a": 1.0}, "a: 1\nb: 2", ""},
		{"key values empty value", field(KeyValue, "x"), "A:", "A:", ""},
		{"key values no colon", field(KeyValue, "x"), "A: b\nC", nil, "invalid"},
		{"key values no name", field(KeyValue, "x"), ": b", nil, "invalid"},
		{"key values newline", field(KeyValue, "x"), map[string]any{"a": "b\r\nc: d"}, nil, "invalid"},
		{"key values nested", field(KeyValue, "x"), map[string]any{"a": []any{}}, nil, "type"},
		{"key values empty object", field(KeyValue, "x"), map[string]any{}, nil, "required"},
		{"key values unset", optional(field(KeyValue, "x")), map[string]any{}, "", ""},
		{"key values array", field(KeyValue, "x"), []any{"a"}, nil, "type"},
	}
	for _, tt := range tests {
		t.Run(string(tt.f.Type)+"/"+tt.name, func(t *testing.T) {
			form := Form{Fields: []Field{tt.f}}
			got, errs := form.Clean(context.Background(), map[string]any{"x": tt.raw}, Options{Prefix: "config"})
			if tt.code != "" {
				if want := "config.x:" + tt.code; codes(errs) != want {
					t.Fatalf("got %v and complaints %v, want %s", got, errs, want)
				}
				return
			}
			if len(errs) > 0 {
				t.Fatalf("complaints: %v", errs)
			}
			if !reflect.DeepEqual(got["x"], tt.want) {
				t.Fatalf("got %#v, want %#v", got["x"], tt.want)
			}
			again, errs := form.Clean(context.Background(), form.Public(got), Options{})
			if len(errs) > 0 || !reflect.DeepEqual(again, got) {
				t.Errorf("cleaned again as shown: %#v, %v; want %#v", again, errs, got)
			}
			if errs := form.Check(got); len(errs) > 0 {
				t.Errorf("as stored it does not pass: %v", errs)
			}
			if _, err := form.Seen(got, nil); err != nil {
				t.Errorf("Seen: %v", err)
			}
		})
	}
}

func nestedArrays(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

func TestMissingValues(t *testing.T) {
	form := Form{Fields: []Field{
		with(field(Char, "path"), func(f *Field) { f.Initial = "/" }),
		field(Char, "host"),
		optional(field(Integer, "count")),
		field(Boolean, "verify"),
		with(field(Boolean, "follow"), func(f *Field) { f.Initial = true }),
		with(field(Char, "token"), func(f *Field) { f.Env = "TOKEN" }),
		with(field(Char, "old"), func(f *Field) { f.Deprecated = "use host" }),
	}}
	_, errs := form.Clean(context.Background(), map[string]any{"hots": "a"}, Options{Prefix: "config"})
	if got, want := codes(errs), "config.host:required config.hots:unknown"; got != want {
		t.Errorf("complaints %s, want %s", got, want)
	}
	if got := errs[1].Message; !strings.Contains(got, "host") {
		t.Errorf("no hint in %q", got)
	}
	got, errs := form.Clean(context.Background(), map[string]any{"host": "a"}, Options{})
	want := Values{"path": "/", "host": "a", "count": nil, "verify": false, "follow": true, "token": "", "old": ""}
	if len(errs) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v; want %#v", got, errs, want)
	}
}

func TestErrorMessages(t *testing.T) {
	f := field(Char, "x")
	f.MinLength, f.MaxLength = ptr(3), ptr(5)
	f.ErrorMessages = map[string]string{"required": "Who?", "min_length": "At least %(limit_value)d!", "max": "Too much."}
	for raw, want := range map[string]string{"": "Who?", "ab": "At least 3!", "abcdef": "Too much."} {
		_, errs := Form{Fields: []Field{f}}.Clean(context.Background(), map[string]any{"x": raw}, Options{})
		if len(errs) != 1 || errs[0].Message != want {
			t.Errorf("%q: %v, want %s", raw, errs, want)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	raw := map[string]any{}
	for i := range 500 {
		raw[strings.Repeat("k", i+1)] = "v"
	}
	_, errs := Form{}.Clean(context.Background(), raw, Options{})
	if len(errs) != maxErrors {
		t.Errorf("%d complaints, want %d", len(errs), maxErrors)
	}
	for _, e := range errs {
		if len(e.Location) > 80 || len(e.Message) > 200 {
			t.Fatalf("a long complaint: %v", e)
		}
	}
	if got, want := (Errors{{Message: "a"}, {Location: "x", Message: "b"}}).Error(), "a; x: b"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestShowIf(t *testing.T) {
	form := Form{Fields: []Field{
		with(field(Integer, "port"), func(f *Field) { f.ShowIf = map[string][]any{"mode": {"tcp"}} }),
		with(field(ChoiceOne, "mode"), func(f *Field) {
			f.Initial, f.Choices = "http", []Choice{{"http", ""}, {"tcp", ""}}
		}),
		with(field(Boolean, "tls"), func(f *Field) { f.ShowIf = map[string][]any{"mode": {"tcp"}} }),
		with(field(Char, "ca"), func(f *Field) { f.ShowIf = map[string][]any{"tls": {true}} }),
	}}
	tests := []struct {
		name, raw string
		stored    Values
		want      Values
		errs      string
	}{
		{"hidden is not required", `{}`, nil, Values{"mode": "http"}, ""},
		{"hidden is not validated", `{"port":"x","mode":"http"}`, nil, Values{"mode": "http"}, ""},
		{"hidden keeps what is stored", `{"port":9,"mode":"http"}`, Values{"port": 7.0}, Values{"mode": "http", "port": 7.0}, ""},
		{"shown is required", `{"mode":"tcp"}`, nil, nil, "port:required"},
		{"shown", `{"mode":"tcp","port":7}`, nil, Values{"mode": "tcp", "port": 7.0, "tls": false}, ""},
		{"shown by a shown one", `{"mode":"tcp","port":7,"tls":true}`, nil, nil, "ca:required"},
		{"hidden by a hidden one", `{"mode":"http","tls":true}`, Values{"tls": true}, Values{"mode": "http", "tls": true}, ""},
		{"a bad value shows nothing", `{"mode":"udp"}`, nil, nil, "mode:invalid"},
	}
	for _, tt := range tests {
		got, errs := form.Clean(context.Background(), decodeJSON(t, tt.raw), Options{Stored: tt.stored})
		if codes(errs) != tt.errs || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, %v; want %v, %s", tt.name, got, errs, tt.want, tt.errs)
		}
	}
	circle := Form{Fields: []Field{
		with(field(Char, "a"), func(f *Field) { f.ShowIf = map[string][]any{"b": {"1"}} }),
		with(field(Char, "b"), func(f *Field) { f.ShowIf = map[string][]any{"a": {"1"}} }),
	}}
	circle.Clean(context.Background(), map[string]any{"a": "1", "b": "1"}, Options{}) // ends
}

func TestDisabled(t *testing.T) {
	form := Form{Fields: []Field{with(field(Char, "x"), func(f *Field) { f.Disabled, f.Initial = true, "first" })}}
	for _, tt := range []struct {
		stored Values
		want   string
	}{{nil, "first"}, {Values{"x": "kept"}, "kept"}} {
		got, errs := form.Clean(context.Background(), map[string]any{"x": "changed"}, Options{Stored: tt.stored})
		seen, err := form.Seen(got, nil)
		if len(errs) > 0 || err != nil || seen["x"] != tt.want {
			t.Errorf("stored %v: seen %v, %v, %v; want %s", tt.stored, seen, errs, err, tt.want)
		}
	}
}
