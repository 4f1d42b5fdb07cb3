package lualib

import (
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// numberString writes a number as tostring does: whole numbers with all their
// digits, others with 14 significant ones.
func numberString(n lua.LNumber) string {
	return string(appendNumber(make([]byte, 0, 32), float64(n)))
}

func appendNumber(b []byte, f float64) []byte {
	switch {
	case f >= -1<<63 && f < 1<<63 && f == math.Trunc(f):
		return strconv.AppendInt(b, int64(f), 10)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case math.IsNaN(f):
		return append(b, "nan"...)
	}
	return strconv.AppendFloat(b, f, 'g', 14, 64)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// parseNumber reads a decimal or hexadecimal number as Lua 5.1 does, with white
// space around it; "inf" and "nan" are not numbers.
func parseNumber(s string) (float64, bool) {
	s = trimSpace(s)
	body := s
	if body != "" && (body[0] == '-' || body[0] == '+') {
		body = body[1:]
	}
	if len(body) > 2 && body[0] == '0' && (body[1] == 'x' || body[1] == 'X') {
		f, ok := parseDigits(body[2:], 16)
		if s[0] == '-' {
			f = -f
		}
		return f, ok
	}
	if !isDecimal(body) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	// out of range is still a number: infinity or zero, as C's strtod says
	return f, err == nil || err.(*strconv.NumError).Err == strconv.ErrRange
}

// isDecimal reports whether s is digits [. digits] [e [sign] digits].
func isDecimal(s string) bool {
	i, digits := 0, 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && isDigit(s[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return false
	}
	if i == len(s) {
		return true
	}
	if s[i] != 'e' && s[i] != 'E' {
		return false
	}
	i++
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	first := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i > first && i == len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseDigits reads whole numbers of any base from 2 to 36.
func parseDigits(s string, base int) (float64, bool) {
	if s == "" {
		return 0, false
	}
	var f float64
	for i := 0; i < len(s); i++ {
		d := digitValue(s[i])
		if d >= base {
			return 0, false
		}
		f = f*float64(base) + float64(d)
	}
	return f, true
}

func digitValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return 99
}

func baseToNumber(L *lua.LState) int {
	v := checkAny(L, 1, "tonumber")
	base := optInt(L, 2, "tonumber", 10)
	if base == 10 {
		return toNumber(L, v)
	}
	if base < 2 || base > 36 {
		argError(L, 2, "tonumber", "base out of range")
	}
	s := trimSpace(checkString(L, 1, "tonumber"))
	negative := s != "" && s[0] == '-'
	if negative || s != "" && s[0] == '+' {
		s = s[1:]
	}
	if base == 16 && len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		s = s[2:]
	}
	f, ok := parseDigits(s, base)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	if negative {
		f = -f
	}
	L.Push(lua.LNumber(f))
	return 1
}

func toNumber(L *lua.LState, v lua.LValue) int {
	switch v := v.(type) {
	case lua.LNumber:
		L.Push(v)
		return 1
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			L.Push(lua.LNumber(f))
			return 1
		}
	}
	L.Push(lua.LNil)
	return 1
}
