package lualib

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// spec is one conversion of a format: %[flags][width][.precision]verb.
type spec struct {
	minus, plus, space, sharp, zero bool
	width                           int
	precision                       int // -1: none
	verb                            byte
}

// strFormat is C's printf as Lua 5.1 has it, with a width and a precision of at
// most two digits.
func strFormat(L *lua.LState) int {
	format := checkString(L, 1, "format")
	out := builder{L: L}
	defer out.release()
	arg := 1
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			break
		}
		out.writeString(format[:i])
		format = format[i+1:]
		if strings.HasPrefix(format, "%") {
			out.writeString("%")
			format = format[1:]
			continue
		}
		if arg++; arg > L.GetTop() {
			argError(L, arg, "format", "no value")
		}
		var sp spec
		format = sp.parse(L, format)
		sp.write(L, &out, arg)
	}
	out.writeString(format)
	L.Push(out.finish())
	return 1
}

// parse reads the conversion at the start of format and returns what follows.
func (sp *spec) parse(L *lua.LState, format string) string {
	i := 0
flags:
	for ; i < len(format); i++ {
		switch format[i] {
		case '-':
			sp.minus = true
		case '+':
			sp.plus = true
		case ' ':
			sp.space = true
		case '#':
			sp.sharp = true
		case '0':
			sp.zero = true
		default:
			break flags
		}
		if i >= 5 {
			L.RaiseError("invalid format (repeated flags)")
		}
	}
	digits := func() (n int) {
		for k := 0; i < len(format) && isDigit(format[i]); k++ {
			if k == 2 {
				L.RaiseError("invalid format (width or precision too long)")
			}
			n = n*10 + int(format[i]-'0')
			i++
		}
		return n
	}
	sp.width = digits()
	sp.precision = -1
	if i < len(format) && format[i] == '.' {
		i++
		sp.precision = digits()
	}
	if i == len(format) {
		L.RaiseError("%s", "invalid option '%' to 'format'")
	}
	sp.verb = format[i]
	return format[i+1:]
}

func (sp *spec) write(L *lua.LState, out *builder, arg int) {
	var scratch [64]byte
	b := scratch[:0]
	switch sp.verb {
	case 'c':
		sp.pad(out, "", string([]byte{byte(checkInt(L, arg, "format"))}), false)
	case 'd', 'i':
		n := checkWhole(L, arg)
		u := uint64(n)
		if n < 0 {
			u = -u
		}
		sp.integer(out, sp.sign(n < 0), string(strconv.AppendUint(b, u, 10)))
	case 'u':
		sp.integer(out, "", string(strconv.AppendUint(b, checkUnsigned(L, arg), 10)))
	case 'o', 'x', 'X':
		sp.based(out, checkUnsigned(L, arg))
	case 'e', 'E', 'f', 'g', 'G':
		sp.float(out, checkNumber(L, arg, "format"))
	case 'q':
		quote(out, checkString(L, arg, "format"))
	case 's':
		out.hold() // a __tostring is the plugin's
		s := ToString(L, checkAny(L, arg, "format"))
		if sp.precision >= 0 && len(s) > sp.precision {
			s = s[:sp.precision]
		}
		sp.pad(out, "", s, false)
	default:
		L.RaiseError("%s", "invalid option '%"+string([]byte{sp.verb})+"' to 'format'")
	}
}

// checkWhole reads a number as C's conversion to a 64-bit integer would.
func checkWhole(L *lua.LState, arg int) int64 {
	f := checkNumber(L, arg, "format")
	if f >= 1<<63 || f < -1<<63 || math.IsNaN(f) {
		return math.MinInt64
	}
	return int64(f)
}

func checkUnsigned(L *lua.LState, arg int) uint64 {
	f := checkNumber(L, arg, "format")
	if f >= 1<<63 && f < 1<<64 {
		return uint64(f)
	}
	return uint64(checkWhole(L, arg))
}

func (sp *spec) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case sp.plus:
		return "+"
	case sp.space:
		return " "
	}
	return ""
}

func (sp *spec) based(out *builder, n uint64) {
	base, prefix := 16, "0x"
	switch sp.verb {
	case 'o':
		base, prefix = 8, "0"
	case 'X':
		prefix = "0X"
	}
	digits := strconv.FormatUint(n, base)
	if sp.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !sp.sharp || n == 0 || sp.verb == 'o' && sp.precision > len(digits) {
		prefix = ""
	}
	sp.integer(out, prefix, digits)
}

// integer pads digits to the precision, and then to the width.
func (sp *spec) integer(out *builder, prefix, digits string) {
	if sp.precision == 0 && digits == "0" {
		digits = ""
	}
	if missing := sp.precision - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	sp.pad(out, prefix, digits, sp.zero && sp.precision < 0)
}

func (sp *spec) float(out *builder, f float64) {
	sign := sp.sign(math.Signbit(f) && !math.IsNaN(f))
	f = math.Abs(f)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		word := "inf"
		if math.IsNaN(f) {
			word = "nan"
		}
		if sp.verb == 'E' || sp.verb == 'G' {
			word = strings.ToUpper(word)
		}
		sp.pad(out, sign, word, false)
		return
	}
	precision := sp.precision
	if precision < 0 {
		precision = 6
	}
	var scratch [64]byte
	digits := string(strconv.AppendFloat(scratch[:0], f, sp.verb, precision, 64))
	if sp.sharp {
		digits = sharpen(digits, sp.verb, precision)
	}
	sp.pad(out, sign, digits, sp.zero)
}

// sharpen does what the flag # asks of a float: there is always a point, and g
// keeps the zeros at the end.
func sharpen(digits string, verb byte, precision int) string {
	mantissa, exponent := digits, ""
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		mantissa, exponent = digits[:i], digits[i:]
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += "."
	}
	if verb == 'g' || verb == 'G' {
		significant := len(strings.TrimLeft(strings.Replace(mantissa, ".", "", 1), "0"))
		if missing := max(precision, 1) - max(significant, 1); missing > 0 {
			mantissa += strings.Repeat("0", missing)
		}
	}
	return mantissa + exponent
}

// pad writes prefix and body at the width of the conversion.
func (sp *spec) pad(out *builder, prefix, body string, zero bool) {
	missing := sp.width - len(prefix) - len(body)
	if missing > 0 && !sp.minus && !zero {
		out.writeString(strings.Repeat(" ", missing))
	}
	out.writeString(prefix)
	if missing > 0 && !sp.minus && zero {
		out.writeString(strings.Repeat("0", missing))
	}
	out.writeString(body)
	if missing > 0 && sp.minus {
		out.writeString(strings.Repeat(" ", missing))
	}
}

// quote writes s such that Lua reads it back.
func quote(out *builder, s string) {
	out.writeString(`"`)
	p := pacer{L: out.L}
	for {
		i := strings.IndexAny(s, "\"\\\n\r\x00")
		if i < 0 {
			break
		}
		p.step(8 + i/16)
		out.writeString(s[:i])
		switch s[i] {
		case '\r':
			out.writeString(`\r`)
		case 0:
			out.writeString(`\000`)
		default:
			out.writeString(`\`)
			out.writeString(s[i : i+1])
		}
		s = s[i+1:]
	}
	out.writeString(s)
	out.writeString(`"`)
}
