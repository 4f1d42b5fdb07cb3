package lualib_test

import (
	"context"
	"os"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/lualib"
)

// newState returns a state whose globals are this package's functions alone.
func newState(t testing.TB) *lua.LState {
	t.Helper()
	L := lua.NewState(lua.Options{SkipOpenLibs: true, RegistrySize: 1024, RegistryMaxSize: 1 << 16, RegistryGrowStep: 2048})
	t.Cleanup(L.Close)
	L.SetFuncs(L.G.Global, lualib.Base())
	str := L.SetFuncs(L.NewTable(), lualib.String())
	L.SetGlobal("string", str)
	L.SetGlobal("table", L.SetFuncs(L.NewTable(), lualib.Table()))
	L.SetGlobal("os", L.SetFuncs(L.NewTable(), lualib.OS()))
	math := L.SetFuncs(L.NewTable(), lualib.Math())
	math.RawSetString("pi", lualib.Pi)
	math.RawSetString("huge", lualib.Huge())
	L.SetGlobal("math", math)
	L.SetGlobal("print", L.NewFunction(func(*lua.LState) int { return 0 }))
	mt := L.NewTable()
	mt.RawSetString("__index", str)
	L.SetMetatable(lua.LString(""), mt)
	return L
}

// eval runs code that returns one value and gives it as text.
func eval(t testing.TB, L *lua.LState, code string) (string, error) {
	t.Helper()
	fn, err := L.LoadString(code)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	L.Push(fn)
	if err := L.PCall(0, 1, nil); err != nil {
		return "", err
	}
	defer L.Pop(1)
	return L.Get(-1).String(), nil
}

// differences from Lua 5.1 that are meant; the package comment gives the reasons.
func differences() map[string]string {
	const replacement = "error bad argument #3 to 'gsub' (string/function/table expected, got "
	return map[string]string{
		// 5.1 reads past the end of the replacement here
		`string.gsub("abc", "b", "%")`: `"a%c", 1`,
		// 5.1 does not say what it got
		`string.gsub("abc", "b", nil)`:  replacement + "nil)",
		`string.gsub("abc", "b")`:       replacement + "no value)",
		`string.gsub("abc", "b", true)`: replacement + "boolean)",
		`setmetatable({})`:              "error bad argument #2 to 'setmetatable' (nil or table expected, got no value)",
		`setmetatable({}, 1)`:           "error bad argument #2 to 'setmetatable' (nil or table expected, got number)",
		// 5.1 overflows
		`string.sub("hello", 1e300)`:         `""`,
		`string.sub("hello", -1e300, 1e300)`: `"hello"`,
		// the VM's own words
		`table.sort({{}, {}})`: "error attempt to compare table with table",
		// 5.1 stops reading at a NUL
		`tonumber("5\0")`: "nil",
		// whole numbers keep their digits
		`tostring(1e14)`: `"100000000000000"`,
		// 5.1 hands on whatever __tostring gives
		`tostring(setmetatable({}, {__tostring = function() return {} end}))`: "error '__tostring' must return a string",
	}
}

// TestLua51 compares with what Lua 5.1.5 gave for the same expressions.
func TestLua51(t *testing.T) {
	prelude, err := os.ReadFile("testdata/prelude.lua")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("testdata/lua51.txt")
	if err != nil {
		t.Fatal(err)
	}
	L := newState(t)
	L.SetContext(context.Background())
	if err := L.DoString(string(prelude)); err != nil {
		t.Fatal(err)
	}
	meant := differences()
	lines := strings.Split(strings.TrimSuffix(string(table), "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		want := strings.TrimPrefix(lines[i+1], "\t")
		if w, ok := meant[lines[i]]; ok {
			want = w
		}
		got, err := eval(t, L, "return render(pcall(function() return "+lines[i]+"\nend))")
		if err != nil {
			t.Errorf("%s: %v", lines[i], err)
		} else if got != want {
			t.Errorf("%s\n got %s\nwant %s", lines[i], got, want)
		}
	}
}
