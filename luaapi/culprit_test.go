package luaapi

import (
	"strings"
	"testing"

	"moonwatch/engine"
)

// culprits are lines and their errors, word for word as lua5.1 gives them.
var culprits = [][2]string{
	{`nothing()`, `attempt to call global 'nothing' (a nil value)`},
	{`upper.nothing(1)`, `attempt to call field 'nothing' (a nil value)`},
	{`upper:nothing(1)`, `attempt to call method 'nothing' (a nil value)`},
	{`return upper:nothing(1)`, `attempt to call method 'nothing' (a nil value)`},
	{`print(nothing(tostring(1)))`, `attempt to call global 'nothing' (a nil value)`},
	{`(nothing or upper.nothing)()`, `attempt to call a nil value`},
	{`local x = nil x()`, `attempt to call local 'x' (a nil value)`},
	{`local x x.y = 1`, `attempt to index local 'x' (a nil value)`},
	{`local x = nil; return x.y`, `attempt to index local 'x' (a nil value)`},
	{`local x = 5 x()`, `attempt to call local 'x' (a number value)`},
	{`local a, b = tostring(1) b.c()`, `attempt to index local 'b' (a nil value)`},
	{`local a, b = tostring(1) a()`, `attempt to call local 'a' (a string value)`},
	{`local a local b local c = b.d`, `attempt to index local 'b' (a nil value)`},
	{`local x = nothing.deep`, `attempt to index global 'nothing' (a nil value)`},
	{`nothing.deep = 1`, `attempt to index global 'nothing' (a nil value)`},
	{`nothing[1] = 1`, `attempt to index global 'nothing' (a nil value)`},
	{`local x = upper.nothing.deep`, `attempt to index field 'nothing' (a nil value)`},
	{`local x = upper.nothing:deep()`, `attempt to index field 'nothing' (a nil value)`},
	{`local x = upper.nothing[1][2]`, `attempt to index field 'nothing' (a nil value)`},
	{`local k = "a" local x = upper[k].b`, `attempt to index field '?' (a nil value)`},
	{`local x = nothing.deep or upper.nothing.deep`, `attempt to index global 'nothing' (a nil value)`},
	{`local function f(a, b) return b.c end f({})`, `attempt to index local 'b' (a nil value)`},
	{`local function f(a, b) return b() end f({})`, `attempt to call local 'b' (a nil value)`},
	{`local function f(...) local a = ... return a.b end f()`, `attempt to index local 'a' (a nil value)`},
	{`local x local function f() return x.y end f()`, `attempt to index upvalue 'x' (a nil value)`},
	{`local x local function f() x() end f()`, `attempt to call upvalue 'x' (a nil value)`},
	{`local x local function f() return 1 + x end f()`, `attempt to perform arithmetic on upvalue 'x' (a nil value)`},
	{`if upper then local y = 1 end local x = nil x()`, `attempt to call local 'x' (a nil value)`},
	{`if upper then local y = 1 end local x = nil local z = x.q`, `attempt to index local 'x' (a nil value)`},
	{`if upper then local y = 1 end for i = 1, 1 do local x = upper.z x() end`, `attempt to call local 'x' (a nil value)`},
	{`if upper then local y = 1 end upper.q()`, `attempt to call field 'q' (a nil value)`},
	{`local x = 1 x = upper.q x()`, `attempt to call local 'x' (a nil value)`},
	{`local x = upper.q x = 1 x.y.z = 3`, `attempt to index local 'x' (a number value)`},
	{`for _, v in ipairs({1}) do v.x.y = 1 end`, `attempt to index local 'v' (a number value)`},
	{`for _, v in ipairs({1}) do v() end`, `attempt to call local 'v' (a number value)`},
	{`for i = 1, 2 do i() end`, `attempt to call local 'i' (a number value)`},
	{`for k in nil do end`, `attempt to call a nil value`},
	{`for k in upper do end`, `attempt to call a table value`},
	{`for i = nil, 1 do end`, `'for' initial value must be a number`},
	{`for i = 1, nil do end`, `'for' limit must be a number`},
	{`for i = 1, 2, {} do end`, `'for' step must be a number`},
	{`local x = 1 + nothing`, `attempt to perform arithmetic on global 'nothing' (a nil value)`},
	{`local x = nothing + 1`, `attempt to perform arithmetic on global 'nothing' (a nil value)`},
	{`local x = upper + nothing`, `attempt to perform arithmetic on upvalue 'upper' (a table value)`},
	{`local x = 1 + upper.n`, `attempt to perform arithmetic on field 'n' (a nil value)`},
	{`local n local x = n * 2`, `attempt to perform arithmetic on local 'n' (a nil value)`},
	{`local x = "10" + nothing`, `attempt to perform arithmetic on global 'nothing' (a nil value)`},
	{`local x = "abc" + nothing`, `attempt to perform arithmetic on a string value`},
	{`local x = "0x10" - nothing`, `attempt to perform arithmetic on global 'nothing' (a nil value)`},
	{`local x = 2 ^ "abc"`, `attempt to perform arithmetic on a string value`},
	{`local s = "abc" local x = s / 2`, `attempt to perform arithmetic on local 's' (a string value)`},
	{`local x = -nothing`, `attempt to perform arithmetic on global 'nothing' (a nil value)`},
	{`local x = -upper.n`, `attempt to perform arithmetic on field 'n' (a nil value)`},
	{`local x = #nothing`, `attempt to get length of global 'nothing' (a nil value)`},
	{`local x = #upper.n`, `attempt to get length of field 'n' (a nil value)`},
	{`local n local x = #n`, `attempt to get length of local 'n' (a nil value)`},
	{`local x = "a" .. nothing`, `attempt to concatenate global 'nothing' (a nil value)`},
	{`local x = nothing .. "a"`, `attempt to concatenate global 'nothing' (a nil value)`},
	{`local x = "a" .. upper.n .. "b"`, `attempt to concatenate field 'n' (a nil value)`},
	{`local n local x = "a" .. n .. "b"`, `attempt to concatenate local 'n' (a nil value)`},
	{`local x = "a" .. nothing .. upper.n`, `attempt to concatenate global 'nothing' (a nil value)`},
	{`local x = 1 .. {} .. "a" .. "b"`, `attempt to concatenate a table value`},
	{`local n, m local x = n .. m .. "a"`, `attempt to concatenate local 'm' (a nil value)`},
	{`local x = true .. "a"`, `attempt to concatenate a boolean value`},
	{`local x = 1 < nothing`, `attempt to compare number with nil`},
	{`local x = 1 > nothing`, `attempt to compare nil with number`},
	{`local x = nothing <= 1`, `attempt to compare nil with number`},
	{`local x = nothing < nothing`, `attempt to compare two nil values`},
	{`local x = {} < {}`, `attempt to compare two table values`},
	{`local x = "a" < 1`, `attempt to compare string with number`},
	{`local x = upper < 1`, `attempt to compare table with number`},
	{`local n local x = n >= 2`, `attempt to compare number with nil`},
	{`nothing.a.b.c = 1`, `attempt to index global 'nothing' (a nil value)`},
	{`upper.x.y.z = 1`, `attempt to index field 'x' (a nil value)`},
	{`local t = { a = nothing.b }`, `attempt to index global 'nothing' (a nil value)`},
	{`local t = { upper.x.y }`, `attempt to index field 'x' (a nil value)`},
	{`local t = { upper.x() }`, `attempt to call field 'x' (a nil value)`},
	{`print(upper.x.y)`, `attempt to index field 'x' (a nil value)`},
	{`print(1, 2, upper.x())`, `attempt to call field 'x' (a nil value)`},
	{`local a = 1 do local b = 2 end do local c = upper.x c.y() end`, `attempt to index local 'c' (a nil value)`},
	{`local a = 1 do local b = 2 end do local c c.y() end`, `attempt to index local 'c' (a nil value)`},
	{`while true do local z = upper.a z.b = 1 end`, `attempt to index local 'z' (a nil value)`},
	{`repeat local z = upper.a until z.b`, `attempt to index local 'z' (a nil value)`},
	{`local f = function() upper.x() end f()`, `attempt to call field 'x' (a nil value)`},
	{`local f = function() return nothing.x end local g = upper.g g()`, `attempt to call local 'g' (a nil value)`},
	{`local a, b = upper.a, upper.b b()`, `attempt to call local 'b' (a nil value)`},
	{`local a, b = 1 b()`, `attempt to call local 'b' (a nil value)`},
	{`local a = upper.a or upper.b a()`, `attempt to call local 'a' (a nil value)`},
	{`local a = upper.a and upper.b or upper.c local b = a.x`, `attempt to index local 'a' (a nil value)`},
	{`self.nothing()`, `attempt to call field 'nothing' (a nil value)`},
	{`self:nothing()`, `attempt to call method 'nothing' (a nil value)`},
	{`self.nothing.x()`, `attempt to index field 'nothing' (a nil value)`},
	{`local x = true x.y.z = 1`, `attempt to index local 'x' (a boolean value)`},
	{`local x = upper[nothing.a]`, `attempt to index global 'nothing' (a nil value)`},
	{`upper[nothing] = 1`, `table index is nil`},
	{`upper.x[nothing.y] = 1`, `attempt to index global 'nothing' (a nil value)`},
	{`local function f() nothing() end local ok, err = pcall(f) error(err, 0)`, `attempt to call global 'nothing' (a nil value)`},
	{`local x = 1 if upper.z then x = nil end x()`, `attempt to call local 'x' (a number value)`},
	{`local x if upper.z then x = 1 end x.y = 2`, `attempt to index local 'x' (a nil value)`},
}

// furtherCulprits are those where more is said than by lua5.1, or no name is
// given, because the value may have come from elsewhere.
var furtherCulprits = [][2]string{
	{`json.pick({}, "a")`, `attempt to call field 'pick' (a nil value): json has no function 'pick'; did you mean 'get'?`},
	{`print(tostring(json.decod("{}")))`, `attempt to call field 'decod' (a nil value): json has no function 'decod'; did you mean 'decode'?`},
	{`if check.id then json.decod("{}") end`, `attempt to call field 'decod' (a nil value): json has no function 'decod'; did you mean 'decode'?`},
	{`return json.decod("{}")`, `attempt to call field 'decod' (a nil value): json has no function 'decod'; did you mean 'decode'?`},
	{`local json = require "json" json.decod("{}")`, `attempt to call field 'decod' (a nil value): json has no function 'decod'; did you mean 'decode'?`},
	{`local x = http.get("https://a.example")`, `attempt to index global 'http' (a nil value): local http = require "http" is missing`},
	{`local x = (nothing or upper.nothing).deep`, `attempt to index a nil value with key 'deep'`},
	{`local x = (function() end)().y`, `attempt to index a nil value with key 'y'`},
	{`if upper then local y = 1 end local x = 1 x = upper.q x()`, `attempt to call a nil value`},
	{`upper.f = function() end upper.f().x = 1`, `attempt to index a nil value with key 'x'`},
}

// Errors name the variable at fault, in the words of Lua.
func TestCulprit(t *testing.T) {
	for _, tt := range append(culprits, furtherCulprits...) {
		rt := newTestRuntime(t, map[string]string{"test.lua": "local json, upper = require 'json', {}\n" + checkSource("test", tt[0])})
		got := runOnce(t, rt, "test", nil)
		if got.Cause != engine.CauseError || got.Error != "test.lua:5: "+tt[1] {
			t.Errorf("%s\n got %q\nwant %q", tt[0], got.Error, tt[1])
		}
	}
}

// The same words are what pcall gives, and a plugin's own errors stay as they are.
func TestCulpritUnderPcall(t *testing.T) {
	for code, want := range map[string]string{
		`local _, err = pcall(function() upper.x() end) result.error = err`:                             "test.lua:5: attempt to call field 'x' (a nil value)",
		`local _, err = pcall(error, "x: attempt to call a non-function object", 0) result.error = err`: "x: attempt to call a non-function object",
		`local _, err = pcall(error, "why: not", 0) result.error = err`:                                 "why: not",
		`local _, err = pcall(error, { "why" }) result.error = err[1]`:                                  "why",
	} {
		rt := newTestRuntime(t, map[string]string{"test.lua": "local upper\nupper = {}" + checkSource("test", code+" return result")})
		if got := runOnce(t, rt, "test", nil); strings.Replace(got.Error, ":4:", ":5:", 1) != want {
			t.Errorf("%s\n got %q\nwant %q", code, got.Error, want)
		}
	}
}
