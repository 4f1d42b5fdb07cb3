package form

import (
	"encoding/json"
	"reflect"
	"testing"
)

func roundTrip(t *testing.T, v Values) Values {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back Values
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return back
}

func TestValuesSurviveJSON(t *testing.T) {
	for _, v := range []Values{
		nil,
		{},
		{"a": "x", "b": 1.5, "c": true, "d": nil, "e": []any{}, "f": map[string]any{}},
		{"token": Sealed("abc"), "rows": []any{map[string]any{"p": Sealed("x")}, map[string]any{"p": nil}}},
		{"j": map[string]any{"$sealed": "forged"}},
		{"j": map[string]any{"$$sealed": "forged"}},
		{"j": map[string]any{"$sealed": map[string]any{"$$$sealed": []any{Sealed("s")}}}},
		{"j": map[string]any{"$sealed": "a", "b": "c"}},
		{"j": map[string]any{"$sealed": Sealed("s")}},
		{"$sealed": "a"},
		{"s": Sealed("")},
	} {
		if back := roundTrip(t, v); !reflect.DeepEqual(back, v) {
			t.Errorf("%#v comes back as %#v", v, back)
		}
	}
	text, err := json.Marshal(map[string]any{"any": []any{Sealed("x")}})
	if want := `{"any":[{"$sealed":"x"}]}`; err != nil || string(text) != want {
		t.Errorf("outside Values: %s, %v; want %s", text, err, want)
	}
	var s Sealed
	if err := json.Unmarshal([]byte(`{"$sealed":"x"}`), &s); err != nil || s != "x" {
		t.Errorf("a sealed value alone: %q, %v", s, err)
	}
	for _, bad := range []string{`"x"`, `{}`, `{"$sealed":"x","y":"z"}`} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s is read as a sealed value", bad)
		}
	}
}

func TestMask(t *testing.T) {
	set := map[string]any{"set": true}
	got := Mask(Values{"a": Sealed("x"), "b": []any{map[string]any{"c": Sealed("y"), "d": "z"}}, "e": nil})
	want := map[string]any{"a": set, "b": []any{map[string]any{"c": set, "d": "z"}}, "e": nil}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Mask(Values(nil)); !reflect.DeepEqual(got, map[string]any{}) {
		t.Errorf("Mask of nil values: %#v", got)
	}
}
