package luaapi

import (
	"strings"
	"testing"

	"moonwatch/engine"
)

// Each body returns its result with succeeded set when all is as in Lua 5.1.
func TestProtectedCalls(t *testing.T) {
	tests := map[string]string{
		"results": `
  local ok, a, b, c = pcall(function(x, y) return y, x, nil end, 1, 2)
  result.succeeded = ok and a == 2 and b == 1 and c == nil
  return result`,
		"count of results": `
  result.succeeded = select("#", pcall(function() return nil, nil end)) == 3
  return result`,
		"error values": `
  local t = { code = 7 }
  local ok, e = pcall(error, t)
  local ok2, e2 = pcall(error, "plain", 0)
  local ok3, e3 = pcall(error)
  result.succeeded = not ok and e == t and not ok2 and e2 == "plain" and not ok3 and e3 == nil
  return result`,
		"position": `
  local ok, e = pcall(function() error("here") end)
  result.message = e
  result.succeeded = e == "test.lua:5: here"
  return result`,
		"variables stay shared with closures": `
  local n = 0
  local function add() n = n + 1 end
  add()
  pcall(error, "x")
  add()
  xpcall(function() error("y") end, function(e) return e end)
  add()
  result.message = tostring(n)
  result.succeeded = n == 3
  return result`,
		"closures of a failed function live on": `
  local fs = {}
  local function make(i) local v = i * 10 fs[i] = function() v = v + 1 return v end error("boom") end
  for i = 1, 3 do pcall(make, i) end
  for i = 4, 6 do xpcall(function() make(i) end, function(e) return e end) end
  local a, b, c = fs[1](), fs[2](), fs[6]()
  result.succeeded = a == 11 and b == 21 and c == 61 and fs[1]() == 12
  return result`,
		"variables of the caller change inside": `
  local n = 1
  pcall(function() n = 2 pcall(function() n = n + 5 error("x") end) n = n + 1 end)
  result.succeeded = n == 8
  return result`,
		"handler": `
  local ok, e = xpcall(function() error("x", 0) end, function(e) return "handled " .. e end)
  local ok2, e2 = xpcall(function() error("x", 0) end, function(e) error("again", 0) end)
  local ok3, v = xpcall(function() return 5 end, print)
  result.succeeded = not ok and e == "handled x" and not ok2 and e2 == "again" and ok3 and v == 5
  return result`,
		"calling what is no function": `
  local ok, e = pcall(nil)
  local ok2 = pcall(5)
  local ok3, v = pcall(setmetatable({}, { __call = function(self, x) return x end }), 9)
  result.succeeded = not ok and not ok2 and ok3 and v == 9
  return result`,
		"nested": `
  local ok, ok2, ok3, e = pcall(pcall, pcall, error, "x")
  result.succeeded = ok and ok2 and ok3 == false and e == "x"
  return result`,
		"many in a row": `
  local n = 0
  for i = 1, 2000 do if not pcall(error, "x") then n = n + 1 end end
  for i = 1, 2000 do if pcall(tostring, "x") then n = n + 1 end end
  result.succeeded = n == 4000
  return result`,
		"inside a sort": `
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) local ok, v = pcall(function() return a < b end) return v end)
  result.succeeded = t[1] == 1 and t[3] == 3
  return result`,
		"forty deep": `
  local function down(n) if n == 0 then error("deep", 0) end local ok, e = pcall(down, n - 1) error(e, 0) end
  local ok, e = pcall(down, 40)
  result.succeeded = not ok and e == "deep"
  return result`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			if got := runBody(t, body); !got.Succeeded {
				t.Errorf("got %+v\n%s", short(got), got.Traceback)
			}
		})
	}
}

// The message of assert is as it was given, and has its line where nothing caught it.
func TestAssert(t *testing.T) {
	got := runBody(t, `
  local ok, e = pcall(function() assert(false, "caught") end)
  local _, other = pcall(function() assert(nil) end)
  result.message = tostring(ok) .. e .. "/" .. other
  local t = assert({ 5 }, "unused")
  assert(t[2], "no second")
  return result`)
	if got.Message != "falsecaught/assertion failed!" || got.Error != "test.lua:9: no second" {
		t.Errorf("got %+v", short(got))
	}
}

func TestTraceback(t *testing.T) {
	got := runBody(t, `
  local function inner() error("broken") end
  local function outer() inner() return 1 end
  outer()
  return result`)
	want := []string{"test.lua:5: in function 'inner'", "test.lua:6: in function 'outer'", "test.lua:7: in function"}
	lines := strings.Split(got.Traceback, "\n")
	for i, line := range want {
		if i >= len(lines) || !strings.HasPrefix(lines[i], line) {
			t.Errorf("traceback is\n%s\nwant %v", got.Traceback, want)
			break
		}
	}
	if got.Error != "test.lua:5: broken" || got.Cause != engine.CauseError || !got.Unknown {
		t.Errorf("got %+v", short(got))
	}
}
