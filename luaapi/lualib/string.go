package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// String returns the functions of the table string, without dump.
func String() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"byte":    strByte,
		"char":    strChar,
		"find":    strFind,
		"format":  strFormat,
		"gmatch":  strGmatch,
		"gsub":    strGsub,
		"len":     strLen,
		"lower":   strLower,
		"match":   strMatch,
		"rep":     strRep,
		"reverse": strReverse,
		"sub":     strSub,
		"upper":   strUpper,
	}
}

// position turns a Lua position (from 1, or from the end when negative) into
// one from 1 that may lie outside the string, as Lua's posrelat.
func position(pos, length int) int {
	if pos >= 0 {
		return pos
	}
	return max(pos+length+1, 0)
}

func strLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(checkString(L, 1, "len"))))
	return 1
}

// Part returns part, which was cut from whole, by itself when whole is much
// longer: a part alone would keep all of it in memory, unseen by who measures a run.
func Part(whole, part string) string {
	if len(whole) >= partFrom && 2*len(part) < len(whole) {
		return strings.Clone(part)
	}
	return part
}

// partFrom is the length from which a text is worth not to be kept for a part of it.
const partFrom = 64

func strSub(L *lua.LState) int {
	s := checkString(L, 1, "sub")
	from := max(position(checkInt(L, 2, "sub"), len(s)), 1)
	to := min(position(optInt(L, 3, "sub", -1), len(s)), len(s))
	if from > to {
		L.Push(lua.LString(""))
		return 1
	}
	L.Push(lua.LString(Part(s, s[from-1:to])))
	return 1
}

func strByte(L *lua.LState) int {
	s := checkString(L, 1, "byte")
	first := position(optInt(L, 2, "byte", 1), len(s))
	last := min(position(optInt(L, 3, "byte", first), len(s)), len(s))
	first = max(first, 1)
	if first > last {
		return 0
	}
	if last-first+1 > MaxResults {
		L.RaiseError("string slice too long")
	}
	for i := first; i <= last; i++ {
		L.Push(lua.LNumber(s[i-1]))
	}
	return last - first + 1
}

func strChar(L *lua.LState) int {
	n := L.GetTop()
	b := make([]byte, n)
	for i := range n {
		c := checkInt(L, i+1, "char")
		if c < 0 || c > 255 {
			argError(L, i+1, "char", "invalid value")
		}
		b[i] = byte(c)
	}
	L.Push(lua.LString(b))
	return 1
}

func strRep(L *lua.LState) int {
	s, n := checkString(L, 1, "rep"), checkInt(L, 2, "rep")
	if n <= 0 || s == "" {
		L.Push(lua.LString(""))
		return 1
	}
	if n > maxString(L)/len(s) {
		L.RaiseError("%s", errTooLarge.Error())
	}
	claim(L, n*len(s))
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func strReverse(L *lua.LState) int {
	s := checkString(L, 1, "reverse")
	claim(L, len(s))
	b := make([]byte, len(s))
	for i := range len(s) {
		b[len(s)-1-i] = s[i]
	}
	L.Push(lua.LString(b))
	return 1
}

func strLower(L *lua.LState) int {
	return mapBytes(L, checkString(L, 1, "lower"), 'A', 'Z')
}

func strUpper(L *lua.LState) int {
	return mapBytes(L, checkString(L, 1, "upper"), 'a', 'z')
}

// mapBytes changes the case of the letters between from and to; all other
// bytes stay, so that UTF-8 text stays whole.
func mapBytes(L *lua.LState, s string, from, to byte) int {
	scanned(L, len(s))
	first := 0
	for first < len(s) && (s[first] < from || s[first] > to) {
		first++
	}
	if first == len(s) {
		L.Push(lua.LString(s))
		return 1
	}
	claim(L, len(s))
	b := []byte(s)
	for i := first; i < len(b); i++ {
		if b[i] >= from && b[i] <= to {
			b[i] ^= 0x20
		}
	}
	L.Push(lua.LString(b))
	return 1
}
