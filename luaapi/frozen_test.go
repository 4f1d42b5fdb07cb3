package luaapi

import (
	"strings"
	"sync"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// frozenPlugin has every kind of field whose value is a table.
const frozenPlugin = `local forms, json, url = require "forms", require "json", require "url"
local P = { name = "Frozen", slug = "frozen", version = "1",
  settings_form = { forms.KeyValueField{ "tags", initial = "A: b" }, forms.CharField{ "greeting", initial = "hello" } },
  config_form = {
    forms.CharField{ "host" },
    forms.KeyValueField{ "headers", required = false },
    forms.KeyValueField{ "none", required = false },
    forms.MultipleChoiceField{ "kinds", choices = { {"a", "A"}, {"b", "B"} } },
    forms.ListField{ "rows", fields = { forms.CharField{ "h" }, forms.IntegerField{ "p", required = false } } },
    forms.JSONField{ "body" },
  } }
function P:run(check, result)
BODY
  return result
end
return P`

func frozenRun(t *testing.T, body string) engine.RunReport {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"frozen.lua": strings.Replace(frozenPlugin, "BODY", body, 1)})
	in := checkRun("frozen", form.Values{"host": "h.example", "headers": "Accept: x\nX-A: 1", "kinds": []any{"a", "b"},
		"rows": []any{map[string]any{"h": "one", "p": 1.0}, map[string]any{"h": "two"}},
		"body": map[string]any{"k": []any{1.0, nil, "two"}, "empty": map[string]any{}}})
	in.Last = &engine.LastResult{Error: "e"}
	return plugin(t, rt, "frozen").Run(t.Context(), in)
}

// Every way to write into what a run was given raises at the plugin's line.
func TestValuesCannotBeWritten(t *testing.T) {
	tests := []struct{ body, want string }{
		{`check.config.host = "x"`, "check.config is read-only: 'host' cannot be set"},
		{`check.config.host = nil`, "check.config is read-only: 'host' cannot be set"},
		{`check.config["headers"] = {}`, "check.config is read-only: 'headers' cannot be set"},
		{`check.headers.Accept = "x"`, "check.config.headers is read-only: 'Accept' cannot be set"},
		{`check.config.headers.New = "x"`, "check.config.headers is read-only: 'New' cannot be set"},
		{`check.none.New = "x"`, "check.config.none is read-only: 'New' cannot be set"},
		{`check.kinds[1] = "x"`, "check.config.kinds is read-only: '1' cannot be set"},
		{`check.kinds[#check.kinds + 1] = "x"`, "check.config.kinds is read-only: '3' cannot be set"},
		{`check.rows[2] = nil`, "check.config.rows is read-only: '2' cannot be set"},
		{`check.rows[2].h = "x"`, "check.config.rows[2] is read-only: 'h' cannot be set"},
		{`check.body.k[1] = 2`, "check.config.body.k is read-only: '1' cannot be set"},
		{`self.settings.greeting = "x"`, "settings is read-only: 'greeting' cannot be set"},
		{`self.settings.tags.A = "x"`, "settings.tags is read-only: 'A' cannot be set"},
		{`check.last_result.error = "x"`, "last_result is read-only: 'error' cannot be set"},
		{`table.insert(check.kinds, "c")`, "bad argument #1 to 'insert' (check.config.kinds is read-only)"},
		{`table.remove(check.rows)`, "bad argument #1 to 'remove' (check.config.rows is read-only)"},
		{`table.sort(check.kinds)`, "bad argument #1 to 'sort' (check.config.kinds is read-only)"},
		{`setmetatable(check.config, {})`, "bad argument #1 to 'setmetatable' (check.config is read-only)"},
	}
	for _, tt := range tests {
		got := frozenRun(t, "  "+tt.body)
		if want := "frozen.lua:13: " + tt.want; got.Error != want || got.Cause != engine.CauseError {
			t.Errorf("%s\n got %q\nwant %q", tt.body, got.Error, want)
		}
	}
}

// What cannot be written reads like any other table.
func TestValuesReadAsTables(t *testing.T) {
	for _, expression := range []string{
		`type(check.config) == "table" and type(check.headers) == "table"`,
		`check.config == check.config and check.headers == check.config.headers and check.rows[1] == check.rows[1]`,
		`#check.kinds == 2 and #check.rows == 2 and #check.none == 0 and #check.headers == 0`,
		`select("#", unpack(check.kinds)) == 2 and table.concat(check.kinds, ",") == "a,b"`,
		`(function() local s = "" for i, r in ipairs(check.rows) do s = s .. i .. r.h end return s end)() == "1one2two"`,
		`(function() local s = "" for k, v in pairs(check.headers) do s = s .. k .. v end return s end)() == "AcceptxX-A1"`,
		`(function() local s = "" for k, v in next, check.kinds do s = s .. k .. v end return s end)() == "1a2b"`,
		`next(check.none) == nil and next(check.kinds) == 1`,
		`rawget(check.config, "host") == "h.example" and rawequal(check.config, check.config)`,
		`check.headers.accept == "x" and check.headers.absent == nil and check.none.absent == nil`,
		`check.rows[3] == nil and check.rows[2].p == nil`,
		`json.encode(check.headers) == '{"Accept":"x","X-A":"1"}'`,
		`json.encode(check.rows) == '[{"h":"one","p":1},{"h":"two"}]'`,
		`json.encode(check.body) == '{"empty":{},"k":[1,null,"two"]}'`,
		`check.body.k[2] == json.null and #check.body.k == 3`,
		`json.encode(json.object(check.none)) == "{}" and json.encode(check.none) == "[]"`,
		`json.get(check.body, "k[2]") == json.null and json.get(check.config, "rows[1].h") == "two" or json.get(check.config, "rows[0].h") == "one"`,
		`url.query(check.headers) == "Accept=x&X-A=1"`,
		`(("Accept"):gsub("%w+", check.headers)) == "x"`,
		`json.encode(check.config):find('"host":"h.example"', 1, true) ~= nil`,
		`(function() local n = 0 for _ in pairs(self.settings) do n = n + 1 end return n end)() == 2`,
		`(function() local n = 0 for _ in pairs(check.last_result) do n = n + 1 end return n end)() == 3`,
		`pcall(function() check.config.host = "x" end) == false and check.config.host == "h.example"`,
	} {
		if got := frozenRun(t, "  result.succeeded = "+expression); !got.Succeeded {
			t.Errorf("%s does not hold: %+v", expression, short(got))
		}
	}
}

// Runs of one check share its tables; under -race this shows a write to one.
func TestRunsShareTables(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"frozen.lua": strings.Replace(frozenPlugin, "BODY", `
  local n = 0
  for _, r in ipairs(check.config.rows) do for k in pairs(r) do n = n + #k end end
  for k, v in pairs(check.headers) do n = n + #k end
  pcall(function() check.rows[1].h = "x" end)
  pcall(table.sort, check.kinds)
  result.succeeded = n == 12 and check.rows[1].h == "one" and check.headers.ACCEPT == "x" and #json.encode(self.settings) > 10`, 1)})
	in := checkRun("frozen", form.Values{"host": "h", "headers": "Accept: x\nX: 1\nXy: 2\n", "kinds": []any{"b", "a"},
		"rows": []any{map[string]any{"h": "one", "p": 1.0}, map[string]any{"h": "two"}}, "body": 1.0})
	p := plugin(t, rt, "frozen")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				if got := p.Run(t.Context(), in); !got.Succeeded {
					t.Errorf("got %+v", short(got))
					return
				}
			}
		})
	}
	all.Wait()
}
