package luaapi

import (
	"context"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// BenchmarkBareCall is the measure that a pooled run is held against: a Lua
// function called with two fresh tables and a deadline.
func BenchmarkBareCall(b *testing.B) {
	L := lua.NewState()
	defer L.Close()
	if err := L.DoString(`function run(check, result) result.succeeded = check.n > 0; return result end`); err != nil {
		b.Fatal(err)
	}
	fn := L.GetGlobal("run")
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		L.SetContext(ctx)
		check, result := L.NewTable(), L.NewTable()
		check.RawSetString("n", lua.LNumber(1))
		if err := L.CallByParam(lua.P{Fn: fn, NRet: 1, Protect: true}, check, result); err != nil {
			b.Fatal(err)
		}
		L.Pop(1)
		cancel()
	}
}

// A plugin of the size of the shipped http plugin, with its sixteen fields and
// the target stubbed out.
const benchPlugin = `local forms, json, re = require "forms", require "json", require "json"
local Http = {
  name = "HTTP status", slug = "http", author = "Moonwatch", version = "1.0.0", font_icon = "fa fa-globe",
  summary = "Asks for a URL", plugin_variables = { "HTTP_USER_AGENT" },
  config_form = {
    forms.URLField{ "endpoint" },
    forms.ChoiceField{ "method", initial = "GET", choices = { {"GET", "GET"}, {"POST", "POST"} } },
    forms.KeyValueField{ "headers", required = false },
    forms.CharField{ "body", required = false, widget = forms.Textarea },
    forms.CharField{ "username", required = false },
    forms.CharField{ "password", required = false, widget = forms.PasswordInput },
    forms.CharField{ "status_code", initial = "200" },
    forms.PatternField{ "text_match", required = false },
    forms.CharField{ "text_absent", required = false },
    forms.CharField{ "json_path", required = false },
    forms.CharField{ "json_value", required = false },
    forms.BooleanField{ "verify_ssl_certificate", initial = true },
    forms.BooleanField{ "follow_redirects", initial = true },
    forms.DurationField{ "warn_after", required = false },
    forms.DurationField{ "fail_after", required = false },
    forms.IntegerField{ "certificate_days", required = false, min_value = 1 },
  },
}

local function wanted(list, code)
  for item in list:gmatch("[^,%s]+") do
    local class = item:match("^(%d)xx$")
    if class and math.floor(code / 100) == tonumber(class) or tonumber(item) == code then return true end
  end
  return false
end

local function request(options) return { status = 200, body = "ok", timings = { total = 0.02, connect = 0.01, first_byte = 0.015 } } end

function Http:run(check, result)
  local agent = os.getenv("HTTP_USER_AGENT")
  local headers = {}
  for name, value in pairs(check.headers) do headers[name] = value end
  if agent then headers["User-Agent"] = agent end
  local response, err = request{ method = check.method, url = check.endpoint, headers = headers, verify = check.verify_ssl_certificate,
    redirects = check.follow_redirects, auth = check.username ~= "" and { user = check.username, password = check.password } or nil }
  if not response then
    result.error = "Request error occurred: " .. err
    return result
  end
  result:metric("total", response.timings.total, "s")
  result:metric("connect", response.timings.connect, "s")
  if not wanted(check.status_code, response.status) then
    result.error = "Wrong code: got " .. response.status .. " (expected " .. check.status_code .. ")"
    return result
  end
  if check.text_match ~= "" and not response.body:find(check.text_match, 1, true) then
    result.error = "Failed to find match regex /" .. check.text_match .. "/ in response body"
    return result
  end
  if check.fail_after and response.timings.total > check.fail_after then
    result.error = "too slow"
    return result
  end
  result.succeeded = true
  return result
end

function Http:description(check) return "Status Code " .. check.status_code .. " from " .. check.endpoint end
return Http
`

// BenchmarkPooledRun is a whole run: fresh environment, objects, limits, result.
func BenchmarkPooledRun(b *testing.B) {
	rt := newTestRuntime(b, map[string]string{"http.lua": benchPlugin})
	p := plugin(b, rt, "http")
	in := checkRun("http", form.Values{"endpoint": "https://example.org/"})
	in.Check.Interval = engine.Duration(time.Second) // one that runs often
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		report := p.Run(ctx, in)
		cancel()
		if !report.Succeeded {
			b.Fatalf("%+v", report)
		}
	}
}

// BenchmarkSkeletonRun is the smallest plugin that does anything.
func BenchmarkSkeletonRun(b *testing.B) {
	rt := newTestRuntime(b, map[string]string{"skeleton.lua": skeletonCheck}, withEnv(map[string]string{"SKELETON_LIST_OF_BONES": "femur"}))
	p := plugin(b, rt, "check_skeleton")
	in := checkRun("check_skeleton", form.Values{"bone_name": "femur"})
	in.Check.Interval = engine.Duration(time.Second) // one that runs often
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		report := p.Run(ctx, in)
		cancel()
		if !report.Succeeded {
			b.Fatalf("%+v", report)
		}
	}
}
