package lualib

import (
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// maxInt bounds the whole numbers that arguments are read as: beyond 2^53 a
// Lua number is no longer exact, and sums of two such still fit an int.
const maxInt = 1 << 53

// argError raises a complaint about argument n of the function name, in Lua's
// own words and at the caller's line.
func argError(L *lua.LState, n int, name, message string) {
	L.RaiseError("%s", fmt.Sprintf("bad argument #%d to '%s' (%s)", n, name, message))
}

func typeError(L *lua.LState, n int, name, want string) {
	argError(L, n, name, want+" expected, got "+typeName(L, n))
}

func typeName(L *lua.LState, n int) string {
	if n > L.GetTop() {
		return "no value"
	}
	return L.Get(n).Type().String()
}

func checkAny(L *lua.LState, n int, name string) lua.LValue {
	if n > L.GetTop() {
		argError(L, n, name, "value expected")
	}
	return L.Get(n)
}

// checkTable returns a table to read from.
func checkTable(L *lua.LState, n int, name string) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		typeError(L, n, name, "table")
	}
	return Reading(t)
}

// checkWritable returns a table to write to; a frozen one raises.
func checkWritable(L *lua.LState, n int, name string) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		typeError(L, n, name, "table")
	}
	if f := frozenOf(t); f != nil {
		argError(L, n, name, f.what+" is read-only")
	}
	return t
}

func checkString(L *lua.LState, n int, name string) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return numberString(v)
	}
	typeError(L, n, name, "string")
	return ""
}

func optString(L *lua.LState, n int, name, otherwise string) string {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkString(L, n, name)
}

func checkNumber(L *lua.LState, n int, name string) float64 {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			return f
		}
	}
	typeError(L, n, name, "number")
	return 0
}

// checkInt reads a whole number, cutting off fractions; what is out of range or
// not a number at all comes back as the nearest number in range, or 0.
func checkInt(L *lua.LState, n int, name string) int {
	return toInt(checkNumber(L, n, name))
}

func optInt(L *lua.LState, n int, name string, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkInt(L, n, name)
}

func toInt(f float64) int {
	switch {
	case math.IsNaN(f):
		return 0
	case f > maxInt:
		return maxInt
	case f < -maxInt:
		return -maxInt
	}
	return int(f)
}
