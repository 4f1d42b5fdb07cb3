package lualib_test

import (
	"testing"

	"moonwatch/luaapi/lualib"
)

// TestLargeIndexes holds that assignments beyond an array's end do what Lua says.
func TestLargeIndexes(t *testing.T) {
	lualib.LimitArrays()
	L := newState(t)
	for code, want := range map[string]string{
		`local t = {} t[100000] = "x" t[1] = "a" local n = 0 for k, v in pairs(t) do n = n + k end return n .. t[100000] .. t[1]`:    "100001xa",
		`local t = { 1, 2, 3 } t[5000] = 4 t[4] = "d" local n = 0 for _ in ipairs(t) do n = n + 1 end return n .. "/" .. t[5000]`:    "4/4",
		`local t = {} t[5000] = nil t[#t + 1] = "a" t[#t + 1] = "b" return #t .. t[1] .. t[2]`:                                       "2ab",
		`local t, k = { [9000] = "c" }, 9000 t[k] = t[k] .. "d" return t[k]`:                                                         "cd",
		`local t = {} table.insert(t, 7000, "i") return t[7000] .. tostring(t[6999])`:                                                "inil",
		`local b = {} local t = setmetatable({}, { __newindex = b }) t[8000] = 1 return b[8000] .. tostring(rawequal(t[8000], nil))`: "1true",
		`local got local t = setmetatable({}, { __newindex = function(_, k, v) got = k .. v end }) t[8000] = 1 return got`:           "80001",
		`local t = {} t[1000.5] = 1 t[2^40] = 2 t[-9000] = 3 return t[1000.5] + t[2^40] + t[-9000]`:                                  "6",
		`local ok, e = pcall(function() local t t[9000] = 1 end) return tostring(ok)`:                                                "false",
		`local t = {} for i = 20000, 1, -1 do t[i] = i end return #t + t[777]`:                                                       "20777",
	} {
		if got, err := eval(t, L, code); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
}
