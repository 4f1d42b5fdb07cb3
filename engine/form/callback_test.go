package form

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// fake is a plugin's clean functions, and what they were given.
type fake struct {
	field func(path string, value any) (any, string, error)
	form  func(values map[string]any) (map[string]any, map[string]string, error)
	paths []string
	seen  []any
	all   map[string]any
}

func (f *fake) CleanField(_ context.Context, path string, value any) (any, string, error) {
	f.paths, f.seen = append(f.paths, path), append(f.seen, value)
	if f.field == nil {
		return value, "", nil
	}
	return f.field(path, value)
}

func (f *fake) CleanForm(_ context.Context, values map[string]any) (map[string]any, map[string]string, error) {
	f.all = values
	if f.form == nil {
		return values, nil, nil
	}
	return f.form(values)
}

func hasClean(f Field) Field { return with(f, func(f *Field) { f.HasClean = true }) }

func callbackForm() Form {
	return Form{Fields: []Field{
		hasClean(field(Char, "name")),
		hasClean(optional(field(DurationType, "wait"))),
		hasClean(secret(optional(field(Char, "token")))),
		optional(field(KeyValue, "headers")),
		with(optional(field(List, "rows")), func(f *Field) {
			f.Fields = []Field{hasClean(field(Host, "host")), secret(optional(field(Char, "password")))}
		}),
	}}
}

func TestCallbacksSee(t *testing.T) {
	f := &fake{}
	raw := decodeJSON(t, `{"name":"a","wait":"1m","token":"sesame","rows":[{"host":"x"},{"host":"y","password":"p"}]}`)
	stored := Values{"rows": []any{map[string]any{"host": "x", "password": Sealed("X")}}}
	got, errs := callbackForm().Clean(context.Background(), raw, Options{Callbacks: f, Seal: tagged, Stored: stored})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if want := []string{"name", "wait", "token", "rows.host", "rows.host"}; !reflect.DeepEqual(f.paths, want) {
		t.Errorf("called for %v, want %v", f.paths, want)
	}
	if want := []any{"a", 60.0, "sesame", "x", "y"}; !reflect.DeepEqual(f.seen, want) {
		t.Errorf("called with %v, want %v", f.seen, want)
	}
	wantAll := map[string]any{"name": "a", "wait": 60.0, "token": "sesame", "headers": KeyValues{}, "rows": []any{
		map[string]any{"host": "x", "password": Sealed("X")}, map[string]any{"host": "y", "password": "p"}}}
	if !reflect.DeepEqual(f.all, wantAll) {
		t.Errorf("the form saw %v, want %v", f.all, wantAll)
	}
	want := Values{"name": "a", "wait": "1m", "token": Sealed("token=sesame"), "headers": "", "rows": []any{
		map[string]any{"host": "x", "password": Sealed("X")}, map[string]any{"host": "y", "password": Sealed("rows.password=p")}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	f = &fake{}
	_, errs = callbackForm().Clean(context.Background(), map[string]any{"name": "a"}, Options{Callbacks: f, Stored: Values{"token": Sealed("T")}})
	if want := []any{"a", Sealed("T")}; len(errs) > 0 || !reflect.DeepEqual(f.seen, want) {
		t.Errorf("unset values and kept secrets: called with %v, want %v; %v", f.seen, want, errs)
	}
}

func TestFieldCallbacks(t *testing.T) {
	back := func(v any, message string, err error) func(string, any) (any, string, error) {
		return func(path string, value any) (any, string, error) {
			if path != "wait" {
				return value, "", nil
			}
			return v, message, err
		}
	}
	tests := []struct {
		name  string
		field func(string, any) (any, string, error)
		want  any
		errs  string
	}{
		{"changed", back(90.0, "", nil), "1m30s", ""},
		{"changed to text", back("2m", "", nil), "2m", ""},
		{"refused", back(nil, "too short", nil), nil, "config.wait:invalid"},
		{"nothing", back(nil, "", nil), nil, "config.wait:invalid"},
		{"wrong type", back(map[string]any{"a": 1.0}, "", nil), nil, "config.wait:type"},
		{"forged", back(Sealed("x"), "", nil), nil, "config:invalid"},
		{"failed", back(nil, "", errors.New("line 3")), nil, "config:invalid"},
	}
	for _, tt := range tests {
		got, errs := callbackForm().Clean(context.Background(), map[string]any{"name": "a", "wait": "1m"},
			Options{Callbacks: &fake{field: tt.field}, Prefix: "config"})
		if codes(errs) != tt.errs || got["wait"] != tt.want {
			t.Errorf("%s: got %v, %v; want %v, %s", tt.name, got["wait"], errs, tt.want, tt.errs)
		}
	}
}

func TestFormCallback(t *testing.T) {
	stored := Values{"token": Sealed("T")}
	set := func(name string, v any) func(map[string]any) (map[string]any, map[string]string, error) {
		return func(values map[string]any) (map[string]any, map[string]string, error) {
			values[name] = v
			return values, nil, nil
		}
	}
	say := func(messages map[string]string) func(map[string]any) (map[string]any, map[string]string, error) {
		return func(map[string]any) (map[string]any, map[string]string, error) { return nil, messages, nil }
	}
	tests := []struct {
		name string
		form func(map[string]any) (map[string]any, map[string]string, error)
		key  string
		want any
		errs string
	}{
		{"unchanged", nil, "token", Sealed("T"), ""},
		{"nil", say(nil), "name", "a", ""},
		{"text", set("name", " b "), "name", "b", ""},
		{"duration", set("wait", 5.0), "wait", "5s", ""},
		{"unset", set("wait", nil), "wait", nil, ""},
		{"required unset", set("name", nil), "", nil, "config.name:required"},
		{"key values", set("headers", map[string]any{"A": "b"}), "headers", "A: b", ""},
		{"empty table", set("headers", []any{}), "headers", "", ""},
		{"secret", set("token", "new"), "token", Sealed("token=new"), ""},
		{"secret cleared", set("token", ""), "token", nil, ""},
		{"secret forged", set("token", Sealed("other")), "", nil, "config:invalid"},
		{"secret moved", set("name", Sealed("T")), "", nil, "config:invalid"},
		{"rows", set("rows", []any{map[string]any{"host": "h"}}), "rows", []any{map[string]any{"host": "h", "password": nil}}, ""},
		{"bad rows", set("rows", []any{map[string]any{"host": "h h"}}), "", nil, "config.rows[0].host:invalid"},
		{"unknown", set("nmae", "x"), "", nil, "config:invalid"},
		{"bad value", set("wait", -1.0), "", nil, "config.wait:min"},
		{"messages", say(map[string]string{"": "all", "wait": "w", "rows[2].host": "r", "nowhere": "n"}), "", nil,
			"config.wait:invalid config.rows[2].host:invalid config:invalid config:invalid"},
		{"no reason", say(map[string]string{"wait": ""}), "", nil, "config:invalid"},
		{"failed", func(map[string]any) (map[string]any, map[string]string, error) { return nil, nil, errors.New("boom") }, "", nil, "config:invalid"},
	}
	for _, tt := range tests {
		got, errs := callbackForm().Clean(context.Background(), map[string]any{"name": "a", "wait": "1m"},
			Options{Callbacks: &fake{form: tt.form}, Prefix: "config", Stored: stored, Seal: tagged})
		if codes(errs) != tt.errs || tt.errs == "" && !reflect.DeepEqual(got[tt.key], tt.want) {
			t.Errorf("%s: got %v, %v; want %v, %s", tt.name, got, errs, tt.want, tt.errs)
		}
	}
}

func TestCallbacksAreNotAskedOfBadValues(t *testing.T) {
	f := &fake{}
	_, errs := callbackForm().Clean(context.Background(), map[string]any{"wait": "soon"}, Options{Callbacks: f})
	if codes(errs) != "name:required wait:invalid" || len(f.paths) > 0 || f.all != nil {
		t.Errorf("complaints %v, called for %v and %v", errs, f.paths, f.all)
	}
}

func TestPluginDoesNotRepeatSecrets(t *testing.T) {
	f := &fake{form: func(v map[string]any) (map[string]any, map[string]string, error) {
		return nil, map[string]string{"token": "bad token " + v["token"].(string)}, nil
	}}
	_, errs := callbackForm().Clean(context.Background(), map[string]any{"name": "a", "token": "open sesame"}, Options{Callbacks: f, Seal: tagged})
	if len(errs) != 1 || strings.Contains(errs[0].Message, "sesame") || !strings.Contains(errs[0].Message, "***") {
		t.Errorf("complaints %v", errs)
	}
}

func TestHiddenRowColumnsSurviveThePlugin(t *testing.T) {
	form := Form{Fields: []Field{with(field(List, "rows"), func(f *Field) {
		f.Fields = []Field{
			field(Char, "name"), field(Boolean, "login"),
			with(secret(field(Char, "password")), func(f *Field) { f.ShowIf = map[string][]any{"login": {true}} }),
		}
	})}}
	stored := Values{"rows": []any{map[string]any{"name": "a", "login": false, "password": Sealed("A")}}}
	rename := &fake{form: func(v map[string]any) (map[string]any, map[string]string, error) {
		v["rows"].([]any)[0].(map[string]any)["name"] = "b"
		return v, nil, nil
	}}
	got, errs := form.Clean(context.Background(), decodeJSON(t, `{"rows":[{"name":"a"}]}`), Options{Stored: stored, Callbacks: rename})
	want := Values{"rows": []any{map[string]any{"name": "b", "login": false, "password": Sealed("A")}}}
	if len(errs) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, errs, want)
	}
}
