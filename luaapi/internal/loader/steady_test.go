package loader

import (
	"testing"

	"moonwatch/luaapi/internal/syntax"
)

func TestSteady(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`return {}`:                       true,
		`local http = require "http"`:     true,
		`local get = require("http").get`: true,
		`local n = 1 + 2 for i = 1, n do end if n > 2 then n = "a" .. n end return n`: true,
		`local function f() return os.time() end return { run = f }`:                  true,
		`local P = {} function P.run() print(1) end return P`:                         true,
		`return { run = function() for k in pairs({}) do print(k) end end }`:          true,
		`local t = { require = 1 } t.require = 2 return t`:                            true,

		`local now = os.time()`:                       false,
		`return { name = ("x"):upper() }`:             false,
		`if a then f() end`:                           false,
		`return { { f "x" } }`:                        false,
		`return (function() return {} end)()`:         false,
		`require("http").get("http://x/")`:            false,
		`require(name)`:                               false,
		`require("http", 1)`:                          false,
		`t.require "http"`:                            false,
		`t:require "http"`:                            false,
		`for k in next, {} do end`:                    false,
		`local require = print`:                       false,
		`local a, require = 1, print require "x"`:     false,
		`require = print`:                             false,
		`do a, require = 1, print end`:                false,
		`function require() return {} end`:            false,
		`local P = {} function P.run() end P.run()`:   false,
		`local t = { [os.time()] = 1 } return t`:      false,
		`while f() do end`:                            false,
		`local function require() end require "http"`: false,
	} {
		chunk, err := syntax.Parse("p.lua", source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if got := steady(chunk); got != want {
			t.Errorf("%s\n is steady: %v, want %v", source, got, want)
		}
	}
}
