package plugintest

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/pattern"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// failAssertion fails the test; the message that the test gave comes first.
func failAssertion(L *lua.LState, n int, format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if said, ok := luaval.TextOf(L.Get(n)); ok && said != "" {
		text = luaval.CutRunes(said, vm.MaxError) + ": " + text
	}
	harnessOf(L).fail(L, "%s", text)
}

// testEqual is equal(got, want [, message]): tables are equal when all that is
// in them is.
func testEqual(L *lua.LState) int {
	if L.GetTop() < 2 {
		vm.Args{L: L, Fn: "testing.equal"}.Fail(2, "want is missing")
	}
	got, want := L.Get(1), L.Get(2)
	if path, ok := differ(got, want, "", 0); ok {
		where := ""
		if path != "" {
			where = " (they differ at " + strings.TrimPrefix(path, ".") + ")"
		}
		failAssertion(L, 3, "got %s, want %s%s", showValue(got), showValue(want), where)
	}
	return 0
}

// differ reports whether two values differ, and where.
func differ(a, b lua.LValue, path string, depth int) (string, bool) {
	x, ok1 := a.(*lua.LTable)
	y, ok2 := b.(*lua.LTable)
	if !ok1 || !ok2 {
		return path, a != b
	}
	x, y = lualib.Reading(x), lualib.Reading(y)
	if x == y || depth > binding.MaxNesting {
		return path, x != y
	}
	found, differs := path, false
	compare := func(k, v, other lua.LValue) {
		if !differs {
			found, differs = differ(v, other, path+showKey(k), depth+1)
		}
	}
	x.ForEach(func(k, v lua.LValue) { compare(k, v, y.RawGet(k)) })
	y.ForEach(func(k, v lua.LValue) { compare(k, x.RawGet(k), v) })
	return found, differs
}

// testMatches is matches(text, pattern [, message]); the pattern is RE2.
func testMatches(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "testing.matches"}
	re := module.PatternArgument(a, 2, pattern.Compile)
	text, ok := luaval.TextOf(L.Get(1))
	if !ok || !matchesText(a, re, text) {
		failAssertion(L, 3, "got %s, want a match of /%s/", showValue(L.Get(1)), re.String())
	}
	return 0
}

// matches reports whether there is a match in text.
func matchesText(a vm.Args, re *pattern.Pattern, text string) bool {
	places, err := re.Find(text, 0, vm.Looking(a.L))
	module.EndSearch(a, err)
	return places != nil
}

func testIsTrue(L *lua.LState) int {
	if L.Get(1) != lua.LTrue {
		failAssertion(L, 2, "got %s, want true", showValue(L.Get(1)))
	}
	return 0
}

func testIsNil(L *lua.LState) int {
	if L.Get(1) != lua.LNil {
		failAssertion(L, 2, "got %s, want nil", showValue(L.Get(1)))
	}
	return 0
}

// testRaises is raises(fn [, pattern [, message]]): it returns the error's text.
func testRaises(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "testing.raises"}
	if L.Get(1).Type() != lua.LTFunction {
		a.WrongType(1, "fn", "a function")
	}
	var re *pattern.Pattern
	if a.Has(2) {
		re = module.PatternArgument(a, 2, pattern.Compile)
	}
	fault := harnessOf(L).fault
	_, err := vm.CallProtected(L, []lua.LValue{L.Get(1)})
	if err == nil {
		failAssertion(L, 3, "no error was raised")
	}
	vm.Reraise(L, err)
	if harnessOf(L).fault != fault { // an assertion or a missing stub is no error of the plugin's
		L.Error(vm.ErrorObject(err), 0)
	}
	text := lualib.ToString(L, vm.ErrorObject(err))
	if re != nil && !matchesText(a, re, text) {
		failAssertion(L, 3, "got the error %s, want a match of /%s/", strconv.Quote(luaval.CutRunes(text, vm.MaxError)), re.String())
	}
	L.Push(lua.LString(text))
	return 1
}

// The bounds of how values are shown.
const (
	maxShown      = 400 // characters
	maxShownDepth = 6
)

// showValue writes a value as Lua would, on one line.
func showValue(v lua.LValue) string {
	var b strings.Builder
	writeValue(&b, v, 0)
	if text := b.String(); len(text) > maxShown {
		return luaval.CutRunes(text, maxShown) + "…"
	}
	return b.String()
}

func writeValue(b *strings.Builder, v lua.LValue, depth int) {
	if b.Len() > 8*maxShown {
		return
	}
	switch v := v.(type) {
	case lua.LString:
		b.WriteString(strconv.Quote(strings.ToValidUTF8(luaval.CutBytes(string(v), 8*maxShown), "\uFFFD")))
	case *lua.LTable:
		writeTable(b, lualib.Reading(v), depth)
	case lua.LNumber:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
			return
		}
		b.WriteString(lualib.ToString(nil, v))
	case lua.LBool, *lua.LNilType:
		b.WriteString(v.String())
	case *lua.LUserData:
		if v == module.JSONNull {
			b.WriteString("json.null")
			return
		}
		b.WriteString("an object")
	default:
		b.WriteString("a " + v.Type().String())
	}
}

func writeTable(b *strings.Builder, t *lua.LTable, depth int) {
	if depth >= maxShownDepth {
		b.WriteString("{…}")
		return
	}
	b.WriteString("{")
	gap := ""
	for i := 1; i <= t.Len(); i++ {
		b.WriteString(gap)
		writeValue(b, t.RawGetInt(i), depth+1)
		gap = ", "
	}
	type entry struct {
		key   string
		value lua.LValue
	}
	var entries []entry
	t.ForEach(func(k, v lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && float64(n) >= 1 && float64(n) <= float64(t.Len()) && float64(n) == math.Trunc(float64(n)) {
			return
		}
		entries = append(entries, entry{strings.TrimPrefix(showKey(k), "."), v})
	})
	sort.Slice(entries, func(i, j int) bool { return entries[i].key < entries[j].key })
	for _, e := range entries {
		b.WriteString(gap + e.key + " = ")
		writeValue(b, e.value, depth+1)
		gap = ", "
	}
	b.WriteString("}")
}

// showKey writes a key as it stands in a path.
func showKey(k lua.LValue) string {
	if s, ok := k.(lua.LString); ok && isName(string(s)) {
		return "." + string(s)
	}
	return "[" + showValue(k) + "]"
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
