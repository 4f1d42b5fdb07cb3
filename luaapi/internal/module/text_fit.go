package module

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// Measure is what a receiver counts the length of a text in.
type Measure func(text string) int

// UnitNames are the units, the default first.
var UnitNames = []string{"characters", "bytes", "utf16"} // read only

func CountBytes(text string) int { return len(text) }

// countUTF16 counts UTF-16 code units: a character outside the basic plane is two.
func countUTF16(text string) int {
	n := 0
	for _, r := range text {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

// Unit returns argument n, the name of a unit.
func Unit(a vm.Args, n int) Measure {
	name := a.TextOr(n, "unit", UnitNames[0])
	u := MeasureNamed(name)
	if u == nil {
		a.Fail(n, "unit must be characters, bytes or utf16, got %s", luaval.KeyText(a.L.Get(n)))
	}
	return u
}

func MeasureNamed(name string) Measure {
	switch name {
	case "characters":
		return utf8.RuneCountInString
	case "bytes":
		return CountBytes
	case "utf16":
		return countUTF16
	}
	return nil
}

// maxLineText is how many bytes of a text utf8.line looks at.
const maxLineText = 1 << 20

// utf8Line is line(text [, most [, unit [, escape]]]).
func utf8Line(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "utf8.line"}
	text, count := OneLine(luaval.CutBytes(a.Text(1, "text"), maxLineText)), Unit(a, 3)
	most := vm.MaxBuilt
	if a.Has(2) {
		most = a.Integer(2, "most", 0, vm.MaxBuilt)
	}
	escape := func(text string) string { return text }
	if a.Has(4) {
		fn, ok := L.Get(4).(*lua.LFunction)
		if !ok {
			a.WrongType(4, "escape", "a function")
		}
		escape = func(text string) string {
			L.Push(fn)
			L.Push(lua.LString(text))
			L.Call(1, 1)
			out, ok := luaval.TextOf(L.Get(-1))
			if !ok {
				a.Fail(4, "escape must return text, got %s", luaval.TypeName(L.Get(-1)))
			}
			L.Pop(1)
			return out
		}
	}
	L.Push(lua.LString(CutLine(text, most, count, escape)))
	return 1
}

// OneLine makes text one line that does not reach beyond itself: line breaks, tabs
// and other control characters become single blanks, what turns the direction of
// the text that follows goes, and so do bytes that are no character.
func OneLine(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	blank := false
	for _, r := range text {
		switch {
		case r == ' ':
			blank = false
		case unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			blank = true
			continue
		case r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069':
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), " ")
}

const ellipsis = "…"

// CutLine cuts text so that what escape makes of it is most units at most, with … at
// its end, never within what shows as one character. Where not even that fits,
// nothing is left.
func CutLine(text string, most int, count Measure, escape func(string) string) string {
	if most < 0 {
		return ""
	}
	whole := escape(text)
	if count(whole) <= most {
		return whole
	}
	text = text[:min(len(text), 4*most+4)] // no character is shorter than its unit, or longer than 4 bytes
	var ends []int
	for end := 0; end < len(text); {
		end += clusterLen(text[end:])
		ends = append(ends, end)
	}
	short := ""
	for low, high := 0, len(ends); low <= high; {
		n := (low + high) / 2
		end := 0
		if n > 0 {
			end = ends[n-1]
		}
		cut := escape(strings.TrimRight(text[:end], " ") + ellipsis)
		if count(cut) > most {
			high = n - 1
			continue
		}
		short, low = cut, n+1
	}
	return short
}

// clusterLen is how many bytes at the start of text show as one character: a
// letter with its accents, an emoji with its modifiers and what is joined to it, a flag.
func clusterLen(text string) int {
	first, end := utf8.DecodeRuneInString(text)
	flag := isRegional(first)
	joined := false
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		switch {
		case r == '\u200D' || unicode.IsMark(r) || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0xE0020 && r <= 0xE007F:
		case joined, flag && isRegional(r):
		default:
			return end
		}
		flag = false
		joined = r == '\u200D'
		end += size
	}
	return end
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// utf8Fit is fit(lines, most [, { unit, separator }]): whole lines while they fit,
// then how many more there are. It returns the text and how many lines are in it.
func utf8Fit(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "utf8.fit"}
	lines := a.TextArray(1, "lines", a.Table(1, "lines"))
	most := a.Integer(2, "most", -vm.MaxBuilt, vm.MaxBuilt) // what is left after other text may be less than nothing
	o := a.Options(3, "options", []string{"unit", "separator"})
	count, separator := MeasureNamed(UnitNames[0]), "\n"
	if name := o.Text("unit"); name != "" {
		if count = MeasureNamed(name); count == nil {
			o.Wrong("unit", "characters, bytes or utf16")
		}
	}
	if o.Get("separator") != lua.LNil {
		separator = o.Text("separator")
	}
	text, shown := FitLines(lines, most, count, separator)
	L.Push(lua.LString(text))
	L.Push(lua.LNumber(shown))
	return 2
}

func FitLines(lines []string, most int, count Measure, separator string) (text string, shown int) {
	between := count(separator)
	fits, used := 0, 0 // of the lines before which "… and N more" has room
	for i, line := range lines {
		used += count(line)
		if i > 0 {
			used += between
		}
		if used > most {
			break
		}
		left := len(lines) - i - 1
		if left == 0 {
			return strings.Join(lines, separator), len(lines)
		}
		if used+between+count(AndMore(left)) <= most {
			fits = i + 1
		}
	}
	if len(lines) == 0 {
		return "", 0
	}
	more := AndMore(len(lines) - fits)
	if fits == 0 {
		if count(more) > most {
			more = ""
		}
		return more, 0
	}
	return strings.Join(lines[:fits], separator) + separator + more, fits
}

func AndMore(n int) string { return "… and " + strconv.Itoa(n) + " more" }
