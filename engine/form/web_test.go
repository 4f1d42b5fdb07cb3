package form

import (
	"net/url"
	"reflect"
	"testing"
)

func TestFromWeb(t *testing.T) {
	form := Form{Fields: []Field{
		field(Char, "name"), field(Char, "note"), field(Boolean, "verify"), field(ChoiceMany, "tags"), field(Integer, "count"),
		secret(field(Char, "token")),
		with(field(List, "rows"), func(f *Field) {
			f.Fields = []Field{
				field(Host, "host"), with(field(Port, "port"), func(f *Field) { f.Initial = 80 }),
				field(Boolean, "tls"), secret(field(Char, "password")),
			}
		}),
	}}
	row := func(host, port, password string, tls bool) map[string]any {
		return map[string]any{"host": host, "port": port, "tls": tls, "password": password}
	}
	tests := []struct {
		name, query, prefix string
		want                map[string]any
	}{
		{"nothing", "", "", map[string]any{"verify": false, "tags": []any{}, "rows": []any{}}},
		{"simple", "config.name=+a+&config.note=x%0D%0Ay&config.verify=on&config.tags=&config.tags=b&config.tags=a&config.count=5&config.token=&other=1", "config",
			map[string]any{"name": " a ", "note": "x\ny", "verify": true, "tags": []any{"b", "a"}, "count": "5", "token": "", "rows": []any{}}},
		{"hidden input before a checkbox", "verify=false&verify=on", "", map[string]any{"verify": true, "tags": []any{}, "rows": []any{}}},
		{"hidden input alone", "verify=false", "", map[string]any{"verify": false, "tags": []any{}, "rows": []any{}}},
		{"clear a secret", "token=&token.clear=on", "", map[string]any{"verify": false, "tags": []any{}, "rows": []any{}, "token": nil}},
		{"rows with a gap", "rows.0.host=a&rows.0.port=80&rows.0.password=&rows.10.host=c&rows.10.port=82&rows.10.tls=on&rows.10.password=p&rows.2.host=b&rows.2.port=81&rows.2.password=", "",
			map[string]any{"verify": false, "tags": []any{}, "rows": []any{row("a", "80", "", false), row("b", "81", "", false), row("c", "82", "p", true)}}},
		{"a spare row is dropped", "rows.0.host=&rows.0.port=80&rows.0.password=&rows.0.tls=on", "", map[string]any{"verify": false, "tags": []any{}, "rows": []any{}}},
		{"a row that was there is not", "rows.0=1&rows.0.host=&rows.0.port=80&rows.0.password=", "",
			map[string]any{"verify": false, "tags": []any{}, "rows": []any{row("", "80", "", false)}}},
		{"a row that was stored", "rows.3=0-abc&rows.3.host=a&rows.3.port=80&rows.3.password=", "",
			map[string]any{"verify": false, "tags": []any{}, "rows": []any{keyed(row("a", "80", "", false), "0-abc")}}},
		{"odd row numbers", "rows.-1.host=a&rows.01.host=b&rows.x.host=c&rows.99999999999999999999.host=d", "", map[string]any{"verify": false, "tags": []any{}, "rows": []any{}}},
	}
	for _, tt := range tests {
		v, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		got := form.FromWeb(v, tt.prefix)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func keyed(row map[string]any, key string) map[string]any {
	row[RowKey] = key
	return row
}
