package form

import (
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	choice := with(field(ChoiceOne, "kind"), func(f *Field) { f.Choices = []Choice{{"a", ""}, {"b", ""}} })
	when := func(name string, values ...any) func(*Field) {
		return func(f *Field) { f.ShowIf = map[string][]any{name: values} }
	}
	tests := []struct {
		name   string
		fields []Field
		want   string // "field: part of the message", joined by " | "
	}{
		{"fine", []Field{choice, with(field(Char, "x"), when("kind", "a")), with(field(DurationType, "wait"), func(f *Field) { f.Initial = "1m" })}, ""},
		{"a later field", []Field{with(field(Char, "x"), when("kind", "a")), choice}, ""},
		{"no name", []Field{field(Char, "")}, ": has no name"},
		{"bad name", []Field{field(Char, "1a"), field(Char, "a-b"), field(Char, strings.Repeat("a", 65))},
			"1a: begins with | a-b: begins with | " + strings.Repeat("a", 65) + ": begins with"},
		{"twice", []Field{field(Char, "a"), field(Char, "a")}, "a: two fields"},
		{"reserved", []Field{field(Char, "timeout")}, "timeout: reserved"},
		{"unknown type", []Field{field("CharFeild", "a")}, "a: did you mean CharField?"},
		{"no choices", []Field{field(ChoiceMany, "a")}, "a: needs choices"},
		{"choices twice", []Field{with(choice, func(f *Field) { f.Choices = append(f.Choices, Choice{"a", ""}) })}, "kind: twice"},
		{"regex", []Field{field(Regex, "a"), with(field(Regex, "b"), func(f *Field) { f.Regex = "(" })}, "a: needs regex | b: does not compile"},
		{"bounds", []Field{with(field(Integer, "a"), func(f *Field) { f.MinValue, f.MaxValue = ptr(2.0), ptr(1.0) }),
			with(field(Char, "b"), func(f *Field) { f.MinLength, f.MaxLength = ptr(2), ptr(1) }),
			with(field(Float, "c"), func(f *Field) { f.StepSize = ptr(0.0) })},
			"a: min_value | b: min_length | c: step_size"},
		{"list", []Field{field(List, "a"), with(field(List, "b"), func(f *Field) {
			f.Fields = []Field{field(Char, "x"), field(Char, "x"), field(List, "c"), field(Char, "timeout")}
		}), with(field(List, "d"), func(f *Field) {
			f.Fields, f.MinItems, f.MaxItems = []Field{field(Char, "x")}, ptr(2), ptr(1)
		})}, "a: needs fields | b.x: two fields | b.c: inside a ListField | d: min_items"},
		{"secret", []Field{secret(field(Integer, "a")), secret(field(URL, "b")), secret(field(JSON, "c")), secret(field(KeyValue, "d"))}, "a: cannot be a secret"},
		{"show_if", []Field{choice, with(field(Char, "a"), when("kid", "a")), with(field(Char, "b"), when("b", "x")), with(field(Char, "c"), when("kind", "z")),
			with(field(Char, "d"), when("kind"))},
			"a: did you mean kind? | b: itself | c: no choice of kind | d: no value"},
		{"show_if on a secret", []Field{secret(field(Char, "s")), with(field(Char, "a"), when("s", "x"))}, "a: cannot depend on s"},
		{"circle", []Field{with(field(Char, "a"), when("b", "1")), with(field(Char, "b"), when("a", "1")), field(Char, "c")}, "a: circle | b: circle"},
		{"initial", []Field{with(field(Integer, "a"), func(f *Field) { f.Initial = "x" }), with(field(Char, "b"), func(f *Field) { f.Initial = "" }),
			with(choice, func(f *Field) { f.Initial = "c" }),
			with(field(List, "l"), func(f *Field) {
				f.Fields, f.Initial = []Field{field(Char, "x")}, []any{map[string]any{"y": 1}}
			})},
			"a: whole number | kind: valid choice | l: own rules"},
	}
	for _, tt := range tests {
		problems := Form{Fields: tt.fields}.Problems([]string{"timeout"})
		var want []string
		if tt.want != "" {
			want = strings.Split(tt.want, " | ")
		}
		if len(problems) != len(want) {
			t.Errorf("%s: got %v, want %q", tt.name, problems, want)
			continue
		}
		for i, p := range problems {
			at, part, _ := strings.Cut(want[i], ": ")
			if p.Field != at || !strings.Contains(p.Message, part) {
				t.Errorf("%s: got %v, want %q", tt.name, p, want[i])
			}
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"endpoint", "timeout", "verify", "tls", "http_method"}
	for name, want := range map[string]string{
		"endpiont": "endpoint", "time_out": "timeout", "verfiy": "verify", "TLS": "tls", "tsl": "tls", "xyz": "",
		"method": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", name, got, want)
		}
	}
}
