package luaapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// leaving are ways to leave something for the next run, as statements of a run of
// leavingSource.
var leaving = []string{
	`P.x = 1`,
	`P.list[1] = 9`,
	`P.list[1] = nil`,
	`P.list[#P.list] = nil`,
	`P.list[#P.list + 1] = "more"`,
	`P.list[1.5], P.list[true], P.list[-1] = 1, 2, 3`,
	`P.list[100] = 1`,
	`table.insert(P.list, 1, "first")`,
	`table.remove(P.list)`,
	`table.sort(P.list, function(a, b) return a > b end)`,
	`P.list[1] = 0 / 0`,
	`P.nested.a.b = "other"`,
	`P.nested.a.b = nil`,
	`P.nested.a = nil P.nested.a = { b = "deep" }`,
	`local v = P.nested.one P.nested.one = nil P.nested.three = 3 P.nested.three = nil P.nested.one = v`,
	`P.nested.one, P.nested.two = P.nested.two, P.nested.one`,
	`P.nested["new"] = 1 P.nested["new"] = nil`,
	`setmetatable(P.nested, { __index = function() return "found" end })`,
	`setmetatable(P, { __index = { x = 1 } })`,
	`setmetatable(P.list, { __len = function() return 7 end })`,
	`rawset(P.nested, "raw", 1)`,
	`count = count + 1`,
	`count = nil`,
	`bump()`,
	`local_list[#local_list + 1] = 1`,
	`named = "renamed"`,
	`global_new = 1`,
	`global_old = nil`,
	`global_old = "other"`,
	`global_list.x = 1`,
	`json.extra = 1`,
	`json.decode = nil`,
	`lib.n = lib.n + 1`,
	`lib.bump()`,
	`lib.list[1] = "x"`,
	`string.zap = function() return 1 end`,
	`string.upper = nil`,
	`math.pi = 3`,
	`os.time = nil`,
	`P.run = function(self, check, result) result.message = "hijacked" result.succeeded = true return result end`,
	`P.helper = nil`,
	`P.settings = { hijacked = true }`,
	`P.name = "Other"`,
	`stored = function() return check end P.nested.f = function() return stored end`,
	`pcall(function() P.x = 1 error("no") end)`,
	`local ok = pcall(function() count = 7 local t = nil return t.x end)`,
	`error("ended")`,
	`error({ P })`,
	`local function f() return f() + 1 end f()`,
	`P.nested.self = P`,
	`self.view_url = nil self.settings = nil`,
	``, // nothing
	``,
	``,
}

// leavingSource tells in its message all that a run finds, then does what the
// check's interval, in seconds, asks for. Its top level makes one of everything that can be kept.
func leavingSource() string {
	var ops strings.Builder
	for i, op := range leaving {
		fmt.Fprintf(&ops, "  elseif n == %d then %s\n", i+1, op)
	}
	return `
local json, lib = require "json", require "lib"
local count, named = 0, "named"
local local_list = { 1, 2, 3 }
local function bump() count = count + 1 return count end
global_old, global_list = "old", { 1 }
function global_function() return named end
local P = {
  name = "T", slug = "test", version = "1",
  list = { "c", "a", "b", 4, 5 },
  nested = { one = 1, two = 2, a = { b = "deep", c = { true, false } } },
}
function P.helper() return bump end
local seen
local function dump(v, depth)
  if type(v) ~= "table" or depth > 6 then return type(v) == "function" and "f" or tostring(v) end
  if seen[v] then return "again" end
  seen[v] = true
  local parts = {}
  for k, item in pairs(v) do parts[#parts + 1] = tostring(k) .. "=" .. dump(item, depth + 1) end
  return "{" .. table.concat(parts, " ") .. "#" .. #v .. "}"
end
local function found()
  local before = seen
  seen = {}
  local text = table.concat({ tostring(before), tostring(count), tostring(named), dump(local_list, 0), tostring(global_new), tostring(global_old), dump(global_list, 0),
    tostring(stored), dump(P, 0), tostring(P.x), tostring(P.nested.missing), dump(json, 0), type(json.decode), dump(lib, 0), tostring(lib.count()),
    dump(string, 0), type(string.upper), tostring(("x").zap), dump(math, 0), math.pi, dump(os, 0), type(os.time) }, " ")
  seen = nil
  return text
end
function P:run(check, result)
  result.message = found()
  result.succeeded = true
  local n = check.interval
  if n == 0 then
` + ops.String() + `  end
  return result
end
function P:description(check) P.described = true return found():sub(1, 100) end
return P`
}

const leavingLib = `
local calls = 0
local M = { n = 0, list = { "m" } }
function M.bump() calls = calls + 1 end
function M.count() return calls end
return M`

// TestWhatRunsLeave holds that whatever runs do, in any order, each finds what the
// first one found: the order of keys included.
func TestWhatRunsLeave(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	rt := newTestRuntime(t, map[string]string{"test/plugin.lua": leavingSource(), "test/lib.lua": leavingLib})
	leave := func(rt *Runtime, n int) string {
		t.Helper()
		in := checkRun("test", nil)
		in.Check.Interval = engine.Duration(time.Duration(n) * time.Second)
		return plugin(t, rt, "test").Run(t.Context(), in).Message
	}
	want := leave(rt, len(leaving))
	if !strings.Contains(want, "deep") || strings.Contains(want, "hijacked") {
		t.Fatalf("the first run found %q", want)
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	var did []string
	for range rounds {
		n := 1 + random.IntN(len(leaving))
		did = append(did, leaving[n-1])
		if got := leave(rt, n); got != want {
			t.Fatalf("seed %d: after %q a run found\n%s\nwant\n%s", seed, did[max(len(did)-4, 0):], got, want)
		}
	}
	// The same for each way alone, in a runtime where nothing was spoilt before.
	for n := range leaving {
		rt := newTestRuntime(t, map[string]string{"test/plugin.lua": leavingSource(), "test/lib.lua": leavingLib})
		for range 3 {
			if got := leave(rt, n+1); got != want {
				t.Fatalf("after %q a run found\n%s\nwant\n%s", leaving[n], got, want)
			}
		}
	}
}

// TestSteadyTopLevels holds of which files the top level is kept: of those alone
// of which nothing can tell that it was not run anew.
func TestSteadyTopLevels(t *testing.T) {
	const rest = `
local P = { name = "T", slug = "test", version = "1" }
function P:run(check, result) result.succeeded = true return result end
return P`
	for _, tt := range []struct {
		name, top string
		kept      bool
	}{
		{"tables and functions", `local t = { 1, { x = 2 } } local function f() return t end`, true},
		{"modules", `local http, json = require "http", require "json" local get = http.get`, true},
		{"loops and arithmetic", `local sum = 0 for i = 1, 10 do sum = sum + i end local text = "a" .. sum`, true},
		{"a call", `local now = os.time()`, false},
		{"a method's call", `local up = ("x"):upper()`, false},
		{"an iterator", `for k in pairs({ 1 }) do end`, false},
		{"a call within a table", `local t = { at = os.clock() }`, false},
		{"a call in a condition", `if tostring(1) == "1" then local x = 1 end`, false},
		{"print", `print("hello")`, false},
		{"setmetatable", `local t = setmetatable({}, { __index = function() return 1 end })`, false},
		{"another require", `local require = function() return {} end local t = require "json"`, false},
		{"a global require", `require = nil`, false},
		{"a require of something", `local name = "json" local t = require(name)`, false},
		{"a random number", `local id = math.random(1000000)`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := newTestRuntime(t, map[string]string{"test.lua": tt.top + rest})
			first, second := runOnce(t, rt, "test", nil), runOnce(t, rt, "test", nil)
			if !first.Succeeded || !second.Succeeded {
				t.Fatalf("%+v", short(second))
			}
			if kept := second.Instructions < first.Instructions; kept != tt.kept {
				t.Errorf("kept: %v, want %v (%d instructions, then %d)", kept, tt.kept, first.Instructions, second.Instructions)
			}
		})
	}
}

// TestRemovedKeysLeaveNoOrder has a run add a key and take it out again, of which
// the library remembers the place.
func TestRemovedKeysLeaveNoOrder(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": `
local t = {}
local P = { name = "T", slug = "test", version = "1" }
function P:run(check, result)
  if check.interval == 1 then
    t.b = 1
    t.b = nil
  else
    t.a = 1
    t.b = 2
    for k in pairs(t) do result.message = result.message .. k end
  end
  result.succeeded = true
  return result
end
return P`})
	for i := range 4 {
		in := checkRun("test", nil)
		in.Check.Interval = engine.Duration(time.Duration(1+i%2) * time.Second)
		if got := plugin(t, rt, "test").Run(t.Context(), in); !got.Succeeded || i%2 == 1 && got.Message != "ab" {
			t.Errorf("the keys came as %q: %+v", got.Message, short(got))
		}
	}
}
