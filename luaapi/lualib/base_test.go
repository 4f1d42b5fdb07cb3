package lualib_test

import (
	"context"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestMetamethods holds what goes beyond Lua 5.1, or differs from the stock functions.
func TestMetamethods(t *testing.T) {
	L := newState(t)
	L.SetContext(context.Background())
	object := L.NewUserData()
	meta := L.NewTable()
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		if n, ok := L.Get(2).(lua.LNumber); ok && n <= 3 {
			L.Push(n * 10)
		} else {
			L.Push(lua.LNil)
		}
		return 1
	}))
	object.Metatable = meta
	L.SetGlobal("object", object)
	for code, want := range map[string]string{
		`local s = "" for k, v in pairs(setmetatable({}, {__pairs = function(t) return next, {x = 1}, nil end})) do s = s .. k .. v end return s`: "x1",
		`local s = "" for k, v in pairs(setmetatable({a = 1}, {})) do s = s .. k .. v end return s`:                                               "a1",
		`local s = "" for i, v in ipairs(object) do s = s .. i .. "=" .. v .. " " end return s`:                                                   "1=10 2=20 3=30 ",
		`local s = "" for i, v in ipairs(setmetatable({7}, {__index = {7, 8}})) do s = s .. i .. v end return s`:                                  "1728",
		`return tostring(pcall(ipairs, "text"))`:           "false",
		`return (select(2, pcall(error)))`:                 "nil",
		`return type(select(2, pcall(assert, false, {})))`: "table",
		`return string.format("%s %s %s", nil, true, setmetatable({}, {__tostring = function() return "T" end}))`: "nil true T",
		`return math.log(8, 2) .. " " .. math.log(1000, 10)`:                                                      "3 3",
		`return tostring(2^53) .. " " .. tostring(1e15) .. " " .. 1e15`:                                           "9007199254740992 1000000000000000 1000000000000000",
		`return tostring(tonumber("inf")) .. tostring(tonumber("nan")) .. tostring(tonumber("-inf"))`:             "nilnilnil",
		`return ("ÄÖÜ abc"):upper()`:                                                                              "ÄÖÜ ABC",
	} {
		if got, err := eval(t, L, code); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
}
