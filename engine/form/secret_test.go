package form

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSecrets(t *testing.T) {
	form := Form{Fields: []Field{
		secret(field(Char, "token")),
		optional(secret(field(KeyValue, "headers"))),
		optional(secret(field(JSON, "key"))),
	}}
	stored := Values{"token": Sealed("T"), "headers": Sealed("H"), "key": Sealed("K")}
	tests := []struct {
		name, raw string
		stored    Values
		want      Values
		errs      string
	}{
		{"entered", `{"token":" a b ","headers":"A: b","key":{"a":1}}`, nil,
			Values{"token": Sealed("token= a b "), "headers": Sealed("headers=A: b"), "key": Sealed(`key={"a":1}`)}, ""},
		{"left out stays", `{}`, stored, stored, ""},
		{"empty stays", `{"token":"","headers":" ","key":""}`, stored, stored, ""},
		{"marked stays", `{"token":{"set":true},"headers":{"set":true},"key":{"set":true}}`, stored, stored, ""},
		{"null clears", `{"token":"x","headers":null,"key":null}`, stored, Values{"token": Sealed("token=x"), "headers": nil, "key": nil}, ""},
		{"null of a required one", `{"token":null}`, stored, nil, "token:required"},
		{"required, nothing stored", `{"token":""}`, nil, nil, "token:required"},
		{"required, cleared before", `{}`, Values{"token": nil}, nil, "token:required"},
		{"optional, nothing stored", `{"token":"x"}`, nil, Values{"token": Sealed("token=x"), "headers": nil, "key": nil}, ""},
		{"marked, nothing stored", `{"token":"x","key":{"set":true}}`, nil, nil, "key:required"},
		{"JSON text", `{"token":"x","key":"\"abc\""}`, nil, Values{"token": Sealed("token=x"), "headers": nil, "key": Sealed(`key="abc"`)}, ""},
		{"plain from an older schema", `{}`, Values{"token": "plain"}, Values{"token": Sealed("token=plain"), "headers": nil, "key": nil}, ""},
		{"an object is no mark", `{"token":{"set":false}}`, stored, nil, "token:type"},
	}
	for _, tt := range tests {
		got, errs := form.Clean(context.Background(), decodeJSON(t, tt.raw), Options{Stored: tt.stored, Seal: tagged})
		if codes(errs) != tt.errs || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, %v; want %v, %s", tt.name, got, errs, tt.want, tt.errs)
		}
	}
}

func TestSecretsAreNotForged(t *testing.T) {
	form := Form{Fields: []Field{secret(field(Char, "token")), optional(field(JSON, "data"))}}
	_, errs := form.Clean(context.Background(), map[string]any{"token": Sealed("other")},
		Options{Stored: Values{"token": Sealed("T")}, Seal: tagged})
	if codes(errs) != "token:type" {
		t.Errorf("a sealed value of the client's own: %v", errs)
	}
	got, errs := form.Clean(context.Background(), decodeJSON(t, `{"token":"x","data":{"$sealed":"T"}}`), Options{Seal: tagged})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if back := roundTrip(t, got); !reflect.DeepEqual(back, got) {
		t.Errorf("stored and read: %#v, want %#v", back, got)
	}
}

func TestSealingFails(t *testing.T) {
	form := Form{Fields: []Field{secret(field(Char, "token"))}}
	raw := map[string]any{"token": "open sesame"}
	for _, seal := range []Sealing{nil, func(string, []byte) (Sealed, error) { return "", errors.New("open sesame") }} {
		got, errs := form.Clean(context.Background(), raw, Options{Seal: seal, Prefix: "config"})
		if got != nil || codes(errs) != "config:invalid" || strings.Contains(errs.Error(), "sesame") {
			t.Errorf("got %v, %v", got, errs)
		}
	}
}

// A field that was a secret under an earlier schema stays sealed.
func TestNoSecretAnyMore(t *testing.T) {
	form := Form{Fields: []Field{field(Char, "token"), optional(field(Integer, "count"))}}
	stored := Values{"token": Sealed("token=abc"), "gone": map[string]any{"x": Sealed("y")}}
	for _, raw := range []string{`{"token":{"set":true}}`, `{"token":""}`, `{}`} {
		got, errs := form.Clean(context.Background(), decodeJSON(t, raw), Options{Stored: stored})
		if len(errs) > 0 || got["token"] != stored["token"] {
			t.Errorf("%s: %v, %v", raw, got, errs)
		}
	}
	if errs := form.Check(stored); len(errs) > 0 {
		t.Errorf("Check: %v", errs)
	}
	seen, err := form.Seen(stored, untag)
	if err != nil || seen["token"] != "abc" {
		t.Errorf("seen %v, %v", seen, err)
	}
	want := map[string]any{"token": map[string]any{"set": true}, "count": nil}
	if got := form.Public(stored); !reflect.DeepEqual(got, want) {
		t.Errorf("Public: %v, want %v", got, want)
	}
}

func TestRows(t *testing.T) {
	form := Form{Fields: []Field{with(field(List, "rows"), func(f *Field) {
		f.Fields = []Field{
			field(Host, "host"),
			with(field(Port, "port"), func(f *Field) { f.Initial = 80 }),
			optional(field(Boolean, "tls")),
		}
		f.MaxItems = ptr(3)
	})}}
	tests := []struct {
		name, raw string
		want      any
		errs      string
	}{
		{"two", `[{"host":"a"},{"host":"b","port":"81","tls":"on"}]`, []any{
			map[string]any{"host": "a", "port": 80.0, "tls": false},
			map[string]any{"host": "b", "port": 81.0, "tls": true}}, ""},
		{"errors", `[{"host":"a"},{"host":"a b","port":0,"prot":1},{}]`, nil,
			"config.rows[1].host:invalid config.rows[1].port:min config.rows[1].prot:unknown config.rows[2].host:required"},
		{"not a list", `"abc"`, nil, "config.rows:type"},
		{"an object", `{"host":"a"}`, nil, "config.rows:type"},
		{"not an object", `["a"]`, nil, "config.rows[0]:type"},
		{"none", `[]`, nil, "config.rows:required"},
		{"null", `null`, nil, "config.rows:required"},
		{"JSON text", `"[{\"host\":\"a\"}]"`, []any{map[string]any{"host": "a", "port": 80.0, "tls": false}}, ""},
		{"too many", `[{"host":"a"},{"host":"a"},{"host":"a"},{"host":"a"}]`, nil, "config.rows:max"},
	}
	for _, tt := range tests {
		got, errs := form.Clean(context.Background(), decodeJSON(t, `{"rows":`+tt.raw+`}`), Options{Prefix: "config"})
		if codes(errs) != tt.errs || !reflect.DeepEqual(got["rows"], tt.want) {
			t.Errorf("%s: got %v, %v; want %v, %s", tt.name, got, errs, tt.want, tt.errs)
		}
	}
	form.Fields[0].MinItems, form.Fields[0].MaxItems = ptr(2), nil
	_, errs := form.Clean(context.Background(), decodeJSON(t, `{"rows":[{"host":"a"}]}`), Options{})
	if codes(errs) != "rows:min" {
		t.Errorf("too few: %v", errs)
	}
	many := make([]any, maxRows+1)
	for i := range many {
		many[i] = map[string]any{"host": "a"}
	}
	if _, errs := form.Clean(context.Background(), map[string]any{"rows": many}, Options{}); codes(errs) != "rows:max" {
		t.Errorf("%d rows: %v", len(many), errs)
	}
}

func TestRowSecrets(t *testing.T) {
	required := Form{Fields: []Field{with(field(List, "rows"), func(f *Field) {
		f.Fields = []Field{field(Host, "host"), with(field(Port, "port"), func(f *Field) { f.Initial = 80 }), secret(field(Char, "password"))}
	})}}
	free := Form{Fields: []Field{with(optional(field(List, "rows")), func(f *Field) {
		f.Fields = []Field{field(Host, "host"), optional(secret(field(Char, "password")))}
	})}}
	stored := Values{"rows": []any{
		map[string]any{"host": "a", "port": 80.0, "password": Sealed("A")},
		map[string]any{"host": "b", "password": Sealed("B")}, // port came later: its initial
		map[string]any{"host": "c", "port": 80.0, "password": Sealed("C")},
	}}
	twins := Values{"rows": []any{
		map[string]any{"host": "a", "password": Sealed("A1")},
		map[string]any{"host": "a", "password": Sealed("A2")},
	}}
	keyAt := func(stored Values, place int) string {
		columns := Form{Fields: required.Fields[0].Fields}
		if len(stored["rows"].([]any)) == 2 {
			columns.Fields = free.Fields[0].Fields
		}
		return KeyOfRow(place, columns.Public(stored["rows"].([]any)[place].(map[string]any)))
	}
	tests := []struct {
		name   string
		form   Form
		stored Values
		raw    string
		want   string // the passwords
		errs   string
	}{
		{"unchanged", required, stored, `[{"host":"a"},{"host":"b"},{"host":"c"}]`, "A B C", ""},
		{"moved", required, stored, `[{"host":"c","password":""},{"host":"a","password":{"set":true}},{"host":"b"}]`, "C A B", ""},
		{"one removed", required, stored, `[{"host":"a"},{"host":"c"}]`, "A C", ""},
		{"replaced", required, stored, `[{"host":"a"},{"host":"x"},{"host":"c"}]`, "", "rows[1].password:required"},
		{"replaced, counting on its secret", required, stored, `[{"host":"a"},{"host":"x","password":{"set":true}},{"host":"c"}]`, "", "rows[1].password:required"},
		{"replaced, free", free, stored, `[{"host":"a"},{"host":"x","password":""},{"host":"c"}]`, "", "rows[1].password:required"},
		{"replaced without a secret", free, stored, `[{"host":"a"},{"host":"x","password":null},{"host":"c"}]`, "A <nil> C", ""},
		{"all replaced", required, stored, `[{"host":"x"},{"host":"y"},{"host":"z"}]`, "", "rows[0].password:required rows[1].password:required rows[2].password:required"},
		{"moved and replaced", required, stored, `[{"host":"c"},{"host":"x"},{"host":"a"}]`, "", "rows[1].password:required"},
		{"another port", required, stored, `[{"host":"a","port":81},{"host":"b"},{"host":"c"}]`, "", "rows[0].password:required"},
		{"edited, by its key", required, stored, `[{"host":"x","#row":"` + keyAt(stored, 0) + `"},{"host":"b"},{"host":"c"}]`, "A B C", ""},
		{"edited and moved, by its key", required, stored, `[{"host":"b"},{"host":"x","#row":"` + keyAt(stored, 0) + `"},{"host":"c"}]`, "B A C", ""},
		{"a key twice", required, stored, `[{"host":"x","#row":"` + keyAt(stored, 0) + `"},{"host":"y","#row":"` + keyAt(stored, 0) + `"},{"host":"c"}]`, "", "rows[1].password:required"},
		{"a key of what was there before", required, stored, `[{"host":"x","#row":"0-0123456789abcdef"},{"host":"b"},{"host":"c"}]`, "", "rows[0].password:required"},
		{"removed, the other by its key", free, twins, `[{"host":"b","#row":"` + keyAt(twins, 1) + `"}]`, "A2", ""},
		{"changed and another removed", required, stored, `[{"host":"x"},{"host":"c"}]`, "", "rows[0].password:required"},
		{"changed and entered", required, stored, `[{"host":"x","password":"new"},{"host":"c"}]`, "rows.password=new C", ""},
		{"added", required, stored, `[{"host":"a"},{"host":"b"},{"host":"c"},{"host":"d"}]`, "", "rows[3].password:required"},
		{"null", required, stored, `[{"host":"a","password":null}]`, "", "rows[0].password:required"},
		{"a copy does not share", required, stored, `[{"host":"a"},{"host":"a"},{"host":"b"},{"host":"c"}]`, "", "rows[1].password:required"},
		{"twins stay in place", free, twins, `[{"host":"a"},{"host":"a"}]`, "A1 A2", ""},
		{"cleared", free, twins, `[{"host":"a","password":null},{"host":"a"}]`, "<nil> A2", ""},
		{"added without one", free, twins, `[{"host":"a"},{"host":"a"},{"host":"b"}]`, "A1 A2 <nil>", ""},
		{"would be lost", free, twins, `[{"host":"x"}]`, "", "rows[0].password:required"},
		{"counted on", free, nil, `[{"host":"x","password":{"set":true}}]`, "", "rows[0].password:required"},
	}
	for _, tt := range tests {
		if strings.Contains(tt.name, "free") || strings.Contains(tt.name, "without a secret") { // no port there
			tt.stored = Values{"rows": []any{
				map[string]any{"host": "a", "password": Sealed("A")}, map[string]any{"host": "b", "password": Sealed("B")}, map[string]any{"host": "c", "password": Sealed("C")}}}
		}
		got, errs := tt.form.Clean(context.Background(), decodeJSON(t, `{"rows":`+tt.raw+`}`), Options{Stored: tt.stored, Seal: tagged})
		var passwords []string
		rows, _ := got["rows"].([]any)
		for _, row := range rows {
			text := "<nil>"
			if s, ok := row.(map[string]any)["password"].(Sealed); ok {
				text = string(s)
			}
			passwords = append(passwords, text)
		}
		if have := strings.Join(passwords, " "); have != tt.want || codes(errs) != tt.errs {
			t.Errorf("%s: got %q, %v; want %q, %s", tt.name, have, errs, tt.want, tt.errs)
		}
	}
}

func TestRowColumns(t *testing.T) {
	form := Form{Fields: []Field{with(field(List, "rows"), func(f *Field) {
		f.Fields = []Field{
			field(Char, "name"),
			with(field(Char, "fixed"), func(f *Field) { f.Disabled, f.Initial = true, "f" }),
			field(Boolean, "login"),
			with(secret(field(Char, "password")), func(f *Field) { f.ShowIf = map[string][]any{"login": {true}} }),
			with(field(Char, "extra"), func(f *Field) { f.ShowIf = map[string][]any{"fixed": {"old"}} }),
		}
	})}}
	stored := Values{"rows": []any{map[string]any{"name": "a", "fixed": "old", "login": false, "password": Sealed("A"), "extra": "e"}}}
	got, errs := form.Clean(context.Background(), decodeJSON(t, `{"rows":[{"name":"a","fixed":"new","extra":"e"}]}`), Options{Stored: stored})
	if len(errs) > 0 || !reflect.DeepEqual(got, stored) {
		t.Errorf("hidden and disabled columns: got %v, %v; want %v", got, errs, stored)
	}
	_, errs = form.Clean(context.Background(), decodeJSON(t, `{"rows":[{"name":"a","login":true},{"name":"b"}]}`), Options{})
	if codes(errs) != "rows[0].password:required" {
		t.Errorf("shown in one row: %v", errs)
	}
}
