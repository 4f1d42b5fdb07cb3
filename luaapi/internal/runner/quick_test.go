package runner

import (
	"encoding/json"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// TestFieldsReadTheSameOfQuickChecks holds what a check object with tables of its plain
// fields shows against one without.
func TestFieldsReadTheSameOfQuickChecks(t *testing.T) {
	t.Parallel()
	p := loadTest(t, newTestRunner(t), `local forms, json = require "forms", require "json"
local P = { name = "P", slug = "p", version = "1", config_form = {
  forms.URLField{ "endpoint" }, forms.CharField{ "text", required = false, initial = "usual" },
  forms.IntegerField{ "number", required = false, initial = 7 }, forms.BooleanField{ "flag", initial = true },
  forms.JSONField{ "data", required = false }, forms.ListField{ "rows", required = false, fields = { forms.CharField{ "host" } } } } }
function P:run(check, result)
  local seen = {}
  for _, name in ipairs{ "id", "name", "importance", "interval", "timeout", "active", "endpoint", "text", "number", "flag", "data", "rows", "last_result" } do
    seen[name] = check[name] == nil and "nothing" or check[name]
  end
  seen.unknown = select(2, pcall(function() return check.adress end))
  seen.written = select(2, pcall(function() check.number = 1 end))
  result.message, result.succeeded = json.encode(seen), true
  return result
end
return P`)
	rows := make([]any, 2*16)
	for i := range rows {
		rows[i] = map[string]any{"host": "h"}
	}
	for what, config := range map[string]form.Values{
		"only what has no usual value": {"endpoint": "https://a.example/"},
		"values of its own":            {"endpoint": "https://b.example/", "text": "own", "number": 8, "flag": false, "data": map[string]any{"a": 1}},
		"nothing where one is usual":   {"endpoint": "https://c.example/", "text": "", "number": nil},
		"more tables than are shared":  {"endpoint": "https://d.example/", "rows": rows},
	} {
		seen := map[bool]map[string]any{}
		for _, quick := range []bool{false, true} {
			check := &engine.Check{Meta: engine.Meta{ID: "c1"}, Name: "n", Plugin: "p", Config: config, Importance: engine.StatusError,
				Interval: engine.Duration(time.Second), Timeout: engine.Duration(time.Minute), Active: true}
			if !quick {
				check.Interval = engine.Duration(time.Hour)
			}
			report := p.Run(t.Context(), &engine.CheckRun{Check: check})
			var got map[string]any
			if err := json.Unmarshal([]byte(report.Message), &got); err != nil {
				t.Fatal(what, report.Error, err)
			}
			if want := check.Interval.Std().Seconds(); got["interval"] != want {
				t.Errorf("%s: interval is %v, want %v", what, got["interval"], want)
			}
			delete(got, "interval")
			seen[quick] = got
		}
		slow, _ := json.Marshal(seen[false])
		quick, _ := json.Marshal(seen[true])
		if string(slow) != string(quick) {
			t.Errorf("%s: read by tables\n%s\nwithout\n%s", what, quick, slow)
		}
	}
}
