package luaapi

import (
	"strings"
	"testing"
)

func TestLintComparisonsAndConstants(t *testing.T) {
	for name, tt := range map[string]struct {
		code string
		want string // of the one finding, without its place; "" is none
	}{
		"number is a text":     {`if check.limit == "80" then print(1) end`, "a number is compared with a text: they are never equal [compare]"},
		"text above a number":  {`if check.host > 5 then print(1) end`, "a text is compared with a number, which raises [compare]"},
		"boolean is a text":    {`if check.active == "true" then print(1) end`, "a boolean is compared with a text: they are never equal [compare]"},
		"status of a response": {`local r = http.get("x") if r and r.status ~= "200" then print(1) end`, "a number is compared with a text: they are never equal [compare]"},
		"same types":           {`if check.limit == 80 and check.host ~= "x" and check.host > "a" then print(1) end`, ""},
		"nil and unknown":      {`local x = json.decode("1") if x == 5 or check.limit == nil or x == "5" then print(1) end`, ""},
		"importance":           {`if check.importance == "CRITCAL" then print(1) end`, `check.importance is never "CRITCAL", but one of WARNING ERROR CRITICAL; did you mean CRITICAL? [compare]`},
		"good importance":      {`if check.importance == "CRITICAL" then print(1) end`, ""},
		"service's status":     {`for _, s in ipairs(check.service_set) do if s.overall_status == "FAILING" then print(1) end end`, `s.overall_status is never "FAILING", but one of PASSING WARNING ERROR CRITICAL [compare]`},

		"error is a number":     {`result.error = 5`, "result.error must be a string, got a number [arguments]"},
		"succeeded is a text":   {`result.succeeded = "yes"`, "result.succeeded must be a boolean, got a string [arguments]"},
		"error is a field":      {`result.error = check.limit`, "result.error must be a string, got a number [arguments]"},
		"message is a response": {`result.message = http.get("x")`, "result.message must be a string, got a table [arguments]"},
		"good texts":            {`result.error = tostring(check.limit) result.message = check.host .. 5 result.raw_data = nil`, ""},

		"variable":        {`print(os.getenv("BONES"))`, "BONES is not in plugin_variables, so os.getenv gives nil [variable]"},
		"unknown literal": {`print(os.getenv(check.host))`, ""},

		"lost in the middle":   {`print(json.decode(check.host), 1)`, "decode can fail, and why is lost here: keep its result and its message in locals first [lost]"},
		"lost at the end":      {`ipairs(http.get(check.host))`, "get can fail, and why is lost here: keep its result and its message in locals first [lost]"},
		"lost in a helper":     {"local function show(r) print(r) end\nshow(http.get(check.host))", "get can fail, and why is lost here: keep its result and its message in locals first [lost]"},
		"handed on":            {"local function show(r, problem) print(r, problem) end\nshow(http.get(check.host)) print(json.decode(check.host)) assert(json.decode(check.host))", ""},
		"nothing from outside": {`print(tonumber(check.host), time.format(5), 1)`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := lintRun(t, tt.code)
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasSuffix(got[0], ": "+tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLintAlertPaths(t *testing.T) {
	const answers = `return true, "skipped" and why, or false and why`
	for name, tt := range map[string]struct{ body, want string }{
		"falls off":        {`if #users > 0 then return true end`, "send_alert can end here without saying whether it was sent: " + answers + " [return]"},
		"text":             {`return "sent"`, "send_alert must " + answers + `; not the text "sent" [return]`},
		"built text":       {`return "sent to " .. #users`, "send_alert must " + answers + "; not a text [return]"},
		"nil":              {`return nil, "why"`, "send_alert must " + answers + "; not nil [return]"},
		"nothing":          {`return`, "send_alert must say whether it was sent: " + answers + " [return]"},
		"kind":             {`if service.alert_kind == "fired" then return true end return false, "no"`, `service.alert_kind is never "fired", but one of firing escalation deescalation update repeat recovery acknowledged unacknowledged test [compare]`},
		"status":           {`return service.overall_status == "OK"`, `service.overall_status is never "OK", but one of PASSING WARNING ERROR CRITICAL [compare]`},
		"good":             {`if #users == 0 then return "skipped", "nobody" end local ok = service.alert_kind == "test" if ok then return true else return false, "x", { retry = false } end`, ""},
		"raises":           {`if #users == 0 then return true end error("nobody")`, ""},
		"by a helper":      {`return self:send_it(service)`, ""},
		"misspelt":         {"return true end\nfunction P:send_alerts_update() return true", "nothing calls send_alerts_update; did you mean send_alert_update? [key]"},
		"misspelt, called": {"return self:send_alerts(service) end\nfunction P:send_alerts() return true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := lintText(t, "p.lua", "local P = { name = \"P\", slug = \"p\", version = \"1\" }\nfunction P:send_it(service) return service ~= nil end\nfunction P:send_alert(service, users)\n"+tt.body+"\nend\nreturn P\n")
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasSuffix(got[0], ": "+tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	got := lintText(t, "p.lua", "local P = { name = \"P\", slug = \"p\", version = \"1\" }\nfunction P:run(check, result) return result end\nfunction P:discription(check) return \"x\" end\nreturn P\n")
	if len(got) != 1 || !strings.Contains(got[0], "nothing calls discription; did you mean description? [key]") {
		t.Errorf("a misspelt description: %q", got)
	}
}
