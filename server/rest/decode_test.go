package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// everything has a field of each form.
type everything struct {
	engine.Meta
	Text    string                            `json:"text"`
	Whole   int8                              `json:"whole"`
	Count   uint                              `json:"count"`
	Number  float64                           `json:"number"`
	Yes     bool                              `json:"yes"`
	At      time.Time                         `json:"at"`
	Maybe   *time.Time                        `json:"maybe"`
	Last    engine.Duration                   `json:"last"`
	Ref     engine.Ref                        `json:"ref"`
	Values  form.Values                       `json:"values"`
	Any     any                               `json:"any"`
	List    []engine.AlertChoice              `json:"list"`
	Map     map[engine.Status]engine.Duration `json:"map"`
	Nested  *engine.Schedule                  `json:"nested"`
	Derived string                            `json:"derived"`
	Hash    string                            `json:"hash"`
}

func decodeText(t *testing.T, text string, into *everything) form.Errors {
	t.Helper()
	v, err := parseJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return overlay(ShapeOf[everything](Shapes{}), reflect.ValueOf(into).Elem(), v.(map[string]any), map[string]bool{"derived": true})
}

func TestDecode(t *testing.T) {
	was := everything{Text: "kept", Yes: true, Derived: "d", Hash: "h", Map: map[engine.Status]engine.Duration{"ERROR": 1}}
	was.ID = "id"
	got := was
	errs := decodeText(t, `{"whole": -7.0, "count": 3, "number": 1e3, "at": "2026-01-01T01:00:00+01:00", "maybe": "2026-01-01T00:00:00Z", "last": "1h30m",
		"ref": {"instance": "i"}, "values": {"a": 1, "b": {"$sealed": "x"}}, "any": [1, null], "list": [{"plugin": "p", "settings": {"x": true}}],
		"map": {"WARNING": "2s", "ERROR": null}, "nested": {"cron": "* * * * *"}, "derived": "x", "id": "other", "revision": "any", "text": "new"}`, &got)
	if errs != nil {
		t.Fatal(errs)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := everything{Meta: was.Meta, Text: "new", Whole: -7, Count: 3, Number: 1000, Yes: true, At: at, Maybe: &at,
		Last: engine.Duration(90 * time.Minute), Ref: engine.Ref{Kind: engine.KindInstance, ID: "i"},
		Values: form.Values{"a": 1.0, "b": map[string]any{"$sealed": "x"}}, Any: []any{1.0, nil},
		List:   []engine.AlertChoice{{Plugin: "p", Settings: form.Values{"x": true}}},
		Map:    map[engine.Status]engine.Duration{"WARNING": engine.Duration(2 * time.Second), "ERROR": 0},
		Nested: &engine.Schedule{Cron: "* * * * *"}, Derived: "d", Hash: "h"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v, want\n%+v", got, want)
	}
	if len(was.Map) != 1 || was.Map["ERROR"] != 1 {
		t.Errorf("what was there is changed: %v", was.Map)
	}
	if errs := decodeText(t, `{"maybe": null, "last": null, "nested": null, "any": null}`, &got); errs != nil || got.Maybe != nil || got.Last != 0 || got.Nested != nil {
		t.Errorf("null: %v %+v", errs, got)
	}
}

func TestDecodeComplaints(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{`{"whole": 128}`, []string{"whole type"}},
		{`{"whole": 1e400}`, []string{"whole type"}},
		{`{"count": -1}`, []string{"count type"}},
		{`{"number": 1e999}`, []string{"number type"}},
		{`{"number": "1"}`, []string{"number type"}},
		{`{"values": {"a": [1e999]}}`, []string{"values.a[0] type"}},
		{`{"hash": "x", "password_hash": "x"}`, []string{"hash unknown", "password_hash unknown"}},
		{`{"list": [{"plugin": 1}, 2, {"settings": null}]}`, []string{"list[0].plugin type", "list[1] type", "list[2].settings type"}},
		{`{"ref": {}}`, []string{"ref type"}},
		{`{"ref": {"service": 1}}`, []string{"ref type"}},
		{`{"last": "-5s"}`, []string{"last invalid"}},
		{`{"at": "2026-13-01T00:00:00Z"}`, []string{"at invalid"}},
		{`{"at": "9999-12-31T23:59:59-23:00", "maybe": "0000-01-01T00:00:00+23:00"}`, []string{"at invalid", "maybe invalid"}},
		{`{"at": null, "text": null, "yes": null, "list": null}`, []string{"text type", "yes type", "at type", "list type"}},
		{`{"nested": {"corn": "x"}}`, []string{"nested.corn unknown"}},
		{`{"txt": 1, "zzzzzz": 2}`, []string{"txt unknown", "zzzzzz unknown"}},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range decodeText(t, tt.text, &everything{}) {
			got = append(got, e.Location+" "+e.Code)
			if e.Location == "txt" && !strings.HasSuffix(e.Message, "did you mean text?") {
				t.Errorf("the message is %q", e.Message)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestMalformedBodySaysWhere(t *testing.T) {
	_, err := parseJSON([]byte("{\n  \"a\": x}"))
	var p *Problem
	if !errors.As(err, &p) || p.Status != http.StatusBadRequest || p.Detail != "the body is not JSON: line 2, column 8" {
		t.Errorf("the error is %v", err)
	}
	_, err = parseJSON([]byte(`{"config": {"a": 1, "a": 2}}`))
	if !errors.As(err, &p) || len(p.Errors) != 1 || p.Errors[0].Location != "config.a" {
		t.Errorf("the error is %+v", p)
	}
}

// FuzzDecode looks for bodies that make the decoder panic, or that it takes
// for something else than encoding/json does.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{"text":"x","list":[{"plugin":"p"}]}`, `{"any":[[1],{"a":null}],"map":{"ERROR":"1s"}}`, `{"whole":1e2}`, `[]`, `{"ref":{"service":"x"}}`} {
		f.Add([]byte(text))
	}
	s := ShapeOf[everything](Shapes{})
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parseJSON(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatal("what is not JSON was read")
		}
		body, ok := v.(map[string]any)
		if !ok {
			return
		}
		var got everything
		if errs := overlay(s, reflect.ValueOf(&got).Elem(), body, nil); len(errs) > 0 {
			return
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
	})
}
