package form

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// everything is a form with a field of each type, all optional.
func everything() Form {
	form := Form{}
	for _, typ := range Types() {
		f := optional(field(typ, "f_"+strings.ToLower(strings.TrimSuffix(string(typ), "Field"))))
		switch typ {
		case ChoiceOne, ChoiceMany:
			f.Choices = []Choice{{"a", "A"}, {"b", "B"}}
		case Regex:
			f.Regex = "."
		case List:
			f.Fields = []Field{field(Char, "name"), optional(secret(field(Char, "password")))}
		}
		form.Fields = append(form.Fields, f)
	}
	form.Fields = append(form.Fields,
		optional(secret(field(Char, "s_char"))), optional(secret(field(KeyValue, "s_keyvalue"))), optional(secret(field(JSON, "s_json"))))
	return form
}

func TestUnsetValues(t *testing.T) {
	text, none := "", any(nil)
	wantSeen := map[string]any{
		"f_char": text, "f_integer": none, "f_float": none, "f_boolean": false, "f_choice": text,
		"f_multiplechoice": []any{}, "f_url": text, "f_email": text, "f_slug": text, "f_regex": text,
		"f_pattern": text, "f_genericipaddress": text, "f_host": text, "f_port": none, "f_duration": none,
		"f_datetime": none, "f_json": none, "f_keyvalue": KeyValues{}, "f_list": []any{},
		"s_char": text, "s_keyvalue": KeyValues{}, "s_json": none,
	}
	empty := Values{}
	for name := range wantSeen {
		empty[name] = nil
	}
	for _, stored := range []Values{nil, {}, empty} {
		seen, err := everything().Seen(stored, untag)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range wantSeen {
			if !reflect.DeepEqual(seen[name], want) {
				t.Errorf("%s is seen as %#v, want %#v", name, seen[name], want)
			}
		}
		public := everything().Public(stored)
		for name, want := range wantSeen {
			if name == "f_keyvalue" {
				want = ""
			}
			if strings.HasPrefix(name, "s_") {
				want = nil
			}
			if !reflect.DeepEqual(public[name], want) {
				t.Errorf("%s is shown as %#v, want %#v", name, public[name], want)
			}
		}
	}
}

func TestSeen(t *testing.T) {
	stored := Values{
		"f_char": "x", "f_integer": 3.0, "f_boolean": true, "f_multiplechoice": []any{"a"}, "f_duration": "1m30s",
		"f_datetime": "2026-01-01T00:00:00.25Z", "f_json": map[string]any{"a": []any{1.0}}, "f_keyvalue": "A: b\na: c",
		"f_list": []any{map[string]any{"name": "n", "password": Sealed("f_list.password=p")}},
		"s_char": Sealed("s_char=word"), "s_keyvalue": Sealed("s_keyvalue=A: b"), "s_json": Sealed(`s_json=[1]`),
		"gone": "value",
	}
	seen, err := everything().Seen(stored, untag)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"f_char": "x", "f_integer": 3.0, "f_boolean": true, "f_multiplechoice": []any{"a"}, "f_duration": 90.0,
		"f_datetime": 1767225600.25, "f_json": map[string]any{"a": []any{1.0}}, "f_keyvalue": KeyValues{{"A", "b"}, {"a", "c"}},
		"f_list": []any{map[string]any{"name": "n", "password": "p"}},
		"s_char": "word", "s_keyvalue": KeyValues{{"A", "b"}}, "s_json": []any{1.0},
	} {
		if !reflect.DeepEqual(seen[name], want) {
			t.Errorf("%s is seen as %#v, want %#v", name, seen[name], want)
		}
	}
	if _, ok := seen["gone"]; ok {
		t.Error("a field that is not in the form is seen")
	}
	seen["f_json"].(map[string]any)["a"] = "changed"
	if !reflect.DeepEqual(stored["f_json"], map[string]any{"a": []any{1.0}}) {
		t.Error("what is seen shares memory with what is stored")
	}
	seen, err = everything().Seen(stored, nil)
	if err != nil || seen["s_char"] != Sealed("s_char=word") {
		t.Errorf("without a key: %v, %v", seen["s_char"], err)
	}
}

func TestSeenInitials(t *testing.T) {
	form := Form{Fields: []Field{
		with(field(Integer, "count"), func(f *Field) { f.Initial = "3" }),
		with(field(DurationType, "wait"), func(f *Field) { f.Initial = "1m" }),
		with(field(List, "rows"), func(f *Field) {
			f.Initial = []any{map[string]any{"name": "first"}}
			f.Fields = []Field{field(Char, "name"), with(field(Port, "port"), func(f *Field) { f.Initial = 80 })}
		}),
		with(field(Char, "bad"), func(f *Field) { f.Initial = 5 }),
	}}
	row := func(name string) []any { return []any{map[string]any{"name": name, "port": 80.0}} }
	seen, err := form.Seen(nil, nil)
	want := map[string]any{"count": 3.0, "wait": 60.0, "rows": row("first"), "bad": ""}
	if err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("nobody saved: %v, %v; want %v", seen, err, want)
	}
	seen, err = form.Seen(Values{"count": nil, "rows": []any{map[string]any{"name": "x"}}}, nil)
	want = map[string]any{"count": nil, "wait": 60.0, "rows": row("x"), "bad": ""}
	if err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("stored empty stays unset, new columns take their initial: %v, %v; want %v", seen, err, want)
	}
}

func TestSeenRefuses(t *testing.T) {
	form := Form{Fields: []Field{
		optional(field(Integer, "count")), optional(field(DurationType, "wait")), optional(field(Char, "name")),
		with(optional(field(List, "rows")), func(f *Field) { f.Fields = []Field{field(Integer, "n")} }),
		secret(optional(field(JSON, "key"))),
	}}
	tests := []struct {
		stored Values
		field  string // named by the error; "" converts
	}{
		{Values{"count": "5"}, ""},
		{Values{"name": 5.0}, ""},
		{Values{"count": "five"}, "count"},
		{Values{"count": []any{1.0}}, "count"},
		{Values{"wait": "5"}, "wait"},
		{Values{"name": map[string]any{"a": 1.0}}, "name"},
		{Values{"rows": "x"}, "rows"},
		{Values{"rows": []any{"x"}}, "rows"},
		{Values{"rows": []any{map[string]any{"n": "x"}}}, "rows.n"},
		{Values{"key": Sealed("key={")}, "key"},
	}
	for _, tt := range tests {
		_, err := form.Seen(tt.stored, untag)
		if tt.field == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), "field "+tt.field) {
			t.Errorf("%v: %v, want one that names %q", tt.stored, err, tt.field)
		}
		if errs := form.Check(tt.stored); tt.field != "" && tt.field != "key" && len(errs) == 0 {
			t.Errorf("%v passes Check", tt.stored)
		}
	}
	closed := errors.New("wrong key")
	_, err := form.Seen(Values{"key": Sealed("x")}, func(string, Sealed) ([]byte, error) { return nil, closed })
	if !errors.Is(err, closed) || !strings.Contains(err.Error(), "key") {
		t.Errorf("a secret that does not open: %v", err)
	}
	hidden := Form{Fields: []Field{field(Boolean, "on"),
		with(field(Integer, "n"), func(f *Field) { f.ShowIf = map[string][]any{"on": {true}} })}}
	seen, err := hidden.Seen(Values{"on": false, "n": "words"}, nil)
	if err != nil || seen["n"] != nil {
		t.Errorf("a hidden value that does not convert: %v, %v", seen, err)
	}
	if _, err := hidden.Seen(Values{"on": true, "n": "words"}, nil); err == nil {
		t.Error("a shown value that does not convert passes")
	}
}

func TestCheck(t *testing.T) {
	form := Form{Fields: []Field{
		with(field(Integer, "count"), func(f *Field) { f.MaxValue = ptr(5.0) }),
		secret(field(Char, "token")),
		with(field(Char, "new"), func(f *Field) { f.Initial = "x" }),
	}}
	for _, tt := range []struct {
		stored Values
		want   string
	}{
		{Values{"count": 5.0, "token": Sealed("T"), "gone": 1.0}, ""},
		{Values{"count": 6.0, "token": Sealed("T")}, "count:max"},
		{Values{"count": 5.0, "token": nil}, "token:required"},
		{Values{"count": 5.0, "token": Sealed("T"), "new": ""}, "new:required"},
		{nil, "count:required token:required"},
	} {
		if got := codes(form.Check(tt.stored)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.stored, got, tt.want)
		}
	}
}

func TestKeyValuesGet(t *testing.T) {
	kv := KeyValues{{"Accept", "a"}, {"X-A", ""}, {"accept", "b"}}
	for name, want := range map[string]string{"ACCEPT": "b", "x-a": ""} {
		if got, ok := kv.Get(name); got != want || !ok {
			t.Errorf("Get(%s) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if _, ok := kv.Get("other"); ok {
		t.Error("Get finds what is not there")
	}
}

func TestPublic(t *testing.T) {
	set := map[string]any{"set": true}
	stored := Values{
		"f_json": []any{Sealed("x"), "y"}, "f_list": []any{map[string]any{"name": "n", "password": Sealed("p")}, "odd"},
		"f_char": Sealed("was secret"), "s_char": Sealed("x"), "s_keyvalue": "A: plain", "gone": Sealed("x"), "f_duration": "1m",
		"f_integer": "no number",
	}
	got := everything().Public(stored)
	for name, want := range map[string]any{
		"f_json": []any{set, "y"}, "f_list": []any{map[string]any{"name": "n", "password": set}, "odd"},
		"f_char": set, "s_char": set, "s_keyvalue": set, "f_duration": "1m", "f_integer": "no number",
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is shown as %#v, want %#v", name, got[name], want)
		}
	}
	if _, ok := got["gone"]; ok {
		t.Error("a field that is not in the form is shown")
	}
}
