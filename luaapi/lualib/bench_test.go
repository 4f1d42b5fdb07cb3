package lualib_test

import (
	"context"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// BenchmarkAgainstStock runs the same code on these functions and on the stock ones.
func BenchmarkAgainstStock(b *testing.B) {
	stock := func() *lua.LState {
		L := lua.NewState(lua.Options{RegistrySize: 1024, RegistryMaxSize: 1 << 20, RegistryGrowStep: 2048})
		b.Cleanup(L.Close)
		return L
	}
	own := func() *lua.LState { return newState(b) }
	for _, c := range []struct{ name, setup, code string }{
		{"find", `s = ("lorem ipsum "):rep(20) .. "key=value; "`, `local a = s:find("(%w+)=(%w+)")`},
		{"match_date", `s = "2024-05-06T07:08:09Z"`, `local y, m, d = s:match("^(%d+)-(%d+)-(%d+)T")`},
		{"match_line", `s = "Content-Type: text/html; charset=utf-8"`, `local k, v = s:match("^([%w-]+):%s*(.-)%s*$")`},
		{"find_plain", `s = ("x"):rep(5000) .. "needle"`, `local a = s:find("needle", 1, true)`},
		{"gsub_words", `s = ("lorem ipsum dolor "):rep(50)`, `local r = s:gsub("%w+", "<%0>")`},
		{"gsub_17000", `s = ("lorem ipsum "):rep(17000)`, `local r = s:gsub("%w+ ", "%0")`},
		{"gmatch_split", `s = ("femur,tibia,skull,"):rep(20)`, `for w in s:gmatch("[^,]+") do end`},
		{"format", ``, `local s = string.format("%s: got %d (expected %s)", "http", 404, "200")`},
		{"concat", `t = {} for i = 1, 500 do t[i] = "item " .. i end`, `local s = table.concat(t, ", ")`},
		{"sort", `t = {} for i = 1, 500 do t[i] = (i * 7919) % 503 end`, `local c = {unpack(t)} table.sort(c)`},
		{"sort_function", `t = {} for i = 1, 500 do t[i] = (i * 7919) % 503 end`, `local c = {unpack(t)} table.sort(c, function(a, b) return a > b end)`},
		{"tostring", ``, `local s = tostring(12.5)`},
	} {
		for name, newL := range map[string]func() *lua.LState{"own": own, "stock": stock} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				L := newL()
				if err := L.DoString(c.setup); err != nil {
					b.Fatal(err)
				}
				fn, err := L.LoadString(c.code)
				if err != nil {
					b.Fatal(err)
				}
				L.SetContext(context.Background())
				b.ReportAllocs()
				for b.Loop() {
					L.Push(fn)
					L.Call(0, 0)
				}
			})
		}
	}
}
