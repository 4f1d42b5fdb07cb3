package luaapi

import (
	"context"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

const cleaningPlugin = `local forms = require "forms"
local function trim(value)
  if value:find("bad") then return nil, "must not be bad" end
  return value:upper()
end
local P = { name = "C", slug = "c", version = "1",
  config_form = {
    forms.CharField{ "host", clean = trim },
    forms.CharField{ "password", widget = forms.PasswordInput, required = false, clean = function(v) if v == "weak" then return nil, "too weak" end return v end },
    forms.IntegerField{ "low", initial = 1 },
    forms.IntegerField{ "high", initial = 9 },
    forms.KeyValueField{ "headers", required = false },
    forms.ListField{ "rows", required = false, fields = { forms.CharField{ "h", clean = trim } } },
  },
  settings_form = { forms.CharField{ "x", required = false } } }
function P:clean(values, form)
  if form == "settings" then return values end
  if values.low > values.high then return nil, { low = "is above high", [""] = "look again" } end
  if values.host == "LOOP" then while true do end end
  if values.host == "ERROR" then error("oops " .. values.password) end
  if values.host == "HTTP" then require("http").get("http://x.example") end
  values.high = values.high + 1
  return values
end
function P:run(check, result) return result end
return P`

func cleanConfig(t *testing.T, raw map[string]any, stored form.Values) (form.Values, form.Errors) {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"c.lua": cleaningPlugin})
	p := plugin(t, rt, "c")
	return p.Meta().Forms[engine.ConfigForm].Clean(context.Background(), raw, form.Options{
		Stored: stored, Callbacks: p.Cleaning(engine.ConfigForm, "c1"), Prefix: "config",
		Seal: func(path string, plain []byte) (form.Sealed, error) { return testSealer{}.Seal("c1", path, plain) },
	})
}

func TestCleaning(t *testing.T) {
	got, errs := cleanConfig(t, map[string]any{"host": "a", "headers": "A: b\nC: d", "rows": []any{map[string]any{"h": "x"}, map[string]any{"h": "y"}}}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	rows, _ := got["rows"].([]any)
	if got["host"] != "A" || got["high"] != 10.0 || got["headers"] != "A: b\nC: d" || len(rows) != 2 || rows[1].(map[string]any)["h"] != "Y" {
		t.Errorf("got %v", got)
	}
}

func TestCleaningComplaints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw  map[string]any
		want string
	}{
		{map[string]any{"host": "bad"}, "config.host: must not be bad"},
		{map[string]any{"host": "a", "rows": []any{map[string]any{"h": "x"}, map[string]any{"h": "bad"}}}, "config.rows[1].h: must not be bad"},
		{map[string]any{"host": "a", "low": 10, "high": 2}, "config.low: is above high; config: look again"},
		{map[string]any{"host": "a", "password": "weak"}, "config.password: too weak"},
		{map[string]any{"host": "loop"}, "config: The plugin's clean failed: timed out after 1s"},
		{map[string]any{"host": "error", "password": "hunter2hunter2"}, "config: The plugin's clean failed: c.lua:20: oops ***"},
		{map[string]any{"host": "http"}, "config: The plugin's clean failed: c.lua:21: http.get cannot be called in clean or description"},
	}
	for _, tt := range tests {
		_, errs := cleanConfig(t, tt.raw, nil)
		if got := errs.Error(); got != tt.want {
			t.Errorf("%v\n got %s\nwant %s", tt.raw, got, tt.want)
		}
	}
}

// A secret that is left as it is reaches clean in plain, and stays sealed as it was.
func TestCleaningKeepsSecrets(t *testing.T) {
	kept := sealed(t, "c1", "password", "hunter2hunter2")
	got, errs := cleanConfig(t, map[string]any{"host": "a"}, form.Values{"password": kept})
	if len(errs) > 0 || got["password"] != kept {
		t.Errorf("got %v, %v", got, errs)
	}
	_, errs = cleanConfig(t, map[string]any{"host": "error"}, form.Values{"password": kept})
	if text := errs.Error(); strings.Contains(text, "hunter") || !strings.Contains(text, "oops ***") {
		t.Errorf("got %s", text)
	}
	_, errs = cleanConfig(t, map[string]any{"host": "a"}, form.Values{"password": sealed(t, "c1", "password", "weak")})
	if errs.Error() != "config.password: too weak" {
		t.Errorf("got %v", errs)
	}
}
