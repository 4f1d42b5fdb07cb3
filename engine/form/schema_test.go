package form

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestJSONSchema(t *testing.T) {
	form := Form{Fields: []Field{
		with(field(URL, "endpoint"), func(f *Field) { f.HelpText, f.Group = "Where to look", "Target" }),
		with(field(Integer, "count"), func(f *Field) {
			f.Initial, f.MinValue, f.MaxValue, f.Unit = "3", ptr(1.0), ptr(9.0), "times"
		}),
		with(optional(field(ChoiceOne, "mode")), func(f *Field) { f.Choices = []Choice{{"a", "First"}} }),
		secret(field(Char, "token")),
		with(field(Char, "ca"), func(f *Field) { f.ShowIf = map[string][]any{"mode": {"a"}} }),
		with(field(List, "rows"), func(f *Field) { f.Fields, f.MaxItems = []Field{field(Port, "port")}, ptr(5) }),
	}}
	want := `{
		"type": "object", "additionalProperties": false, "required": ["endpoint", "rows"],
		"x-order": ["endpoint", "count", "mode", "token", "ca", "rows"],
		"properties": {
			"endpoint": {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2048, "title": "Endpoint",
				"description": "Where to look", "x-group": "Target", "x-widget": "URLInput"},
			"count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3, "title": "Count", "x-unit": "times", "x-widget": "NumberInput"},
			"mode": {"type": ["string", "null"], "enum": ["a", "", null], "x-labels": {"a": "First"}, "title": "Mode", "x-widget": "Select"},
			"token": {"type": ["string", "object", "null"], "format": "password", "writeOnly": true, "minLength": 1, "title": "Token", "x-widget": "PasswordInput"},
			"ca": {"type": "string", "minLength": 1, "title": "Ca", "x-widget": "TextInput", "x-show-if": {"mode": ["a"]}},
			"rows": {"type": "array", "minItems": 1, "maxItems": 5, "title": "Rows", "x-widget": "Rows", "items": {
				"type": "object", "additionalProperties": false, "required": ["port"], "x-order": ["port"],
				"properties": {"port": {"type": "integer", "minimum": 1, "maximum": 65535, "title": "Port", "x-widget": "NumberInput"}}}}
		}}`
	text, err := json.Marshal(form.JSONSchema())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decodeJSON(t, string(text)), decodeJSON(t, want); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", text)
	}
}

func TestSchemaOfEveryType(t *testing.T) {
	text, err := json.Marshal(everything().JSONSchema())
	if err != nil {
		t.Fatal(err)
	}
	properties := decodeJSON(t, string(text))["properties"].(map[string]any)
	for _, f := range everything().Fields {
		p, ok := properties[f.Name].(map[string]any)
		if !ok || p["title"] == "" || p["x-widget"] == "" {
			t.Errorf("%s: %v", f.Name, p)
		}
		if _, typed := p["type"]; !typed && f.Type != JSON {
			t.Errorf("%s has no type", f.Name)
		}
	}
}

func TestDisplay(t *testing.T) {
	f := field(Char, "bone_name")
	if got := f.DisplayLabel(); got != "Bone name" {
		t.Errorf("label %q", got)
	}
	f.Label = "The bone"
	if got := f.DisplayLabel(); got != "The bone" {
		t.Errorf("label %q", got)
	}
	if got := f.DisplayWidget(); got != "TextInput" {
		t.Errorf("widget %q", got)
	}
	if got := everything().Secrets(); !reflect.DeepEqual(got, []string{"f_list.password", "s_char", "s_keyvalue", "s_json"}) {
		t.Errorf("secrets %v", got)
	}
	if everything().Field("f_char") == nil || everything().Field("nothing") != nil {
		t.Error("Field does not find by name")
	}
}
