package lualib_test

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/lualib"
)

// TestConcat holds what `..` does within its bounds and beyond them.
func TestConcat(t *testing.T) {
	lualib.LimitConcat()
	L := newState(t)
	L.SetGlobal("half", lua.LString(strings.Repeat("x", lualib.MaxString/2)))
	for code, want := range map[string]string{
		`return 1 .. 2 .. "3" .. ("4"):rep(2)`:                                                                           "12344",
		`local t = {} for i = 1, 150 do t[i] = i end return #(half .. half)`:                                             fmt.Sprint(lualib.MaxString),
		`return #(half .. "" .. half .. "")`:                                                                             fmt.Sprint(lualib.MaxString),
		`local m = setmetatable({}, { __concat = function(a, b) return type(a) .. type(b) end }) return "a" .. m .. "b"`: "atablestring",
		`local function f(...) return select("#", ...) .. "/" .. (... or "-") end return f() .. f(7, 8)`:                 "0/-2/7",
	} {
		if got, err := eval(t, L, code); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
	for _, code := range []string{
		`return half .. half .. "x"`,
		`local s = "x" while true do s = s .. s end`,
		`local s = "x" local function double() s = s .. s return double() end double()`,
		`local t = { half } t[1] = t[1] .. t[1] .. 1 .. "2" return t[1]`,
	} {
		if _, err := eval(t, L, code); err == nil || !strings.Contains(err.Error(), "resulting string too large") {
			t.Errorf("%s: got %v", code, err)
		}
		if got, err := eval(t, L, `return tostring(pcall(function() `+code+` end))`); err != nil || got != "false" {
			t.Errorf("pcall of %s: got %s, %v", code, got, err)
		}
	}
}
