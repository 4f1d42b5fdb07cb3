package module

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/pattern"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// maxJSONValues and maxJSONSize bound what one text may hold: the tables of a
// text of two-byte values take a hundred times its size.
const (
	maxJSONValues = 500_000
	maxJSONSize   = 64 << 20 // bytes, as reckoned with what follows
	objectSize    = 500
	memberSize    = 120
	arraySize     = 150
	itemSize      = 32
	lookValues    = 2048 // values between two looks at the run
)

// DecodeJSON reads one JSON value. Errors are of kind invalid and name the place.
// look, which may be nil, is called every now and then; its error ends the reading.
func DecodeJSON(text string, keepNull bool, look pattern.Look) (lua.LValue, error) {
	if len(text) > vm.MaxBuilt {
		return nil, vm.Invalid("the JSON text is longer than %d bytes", vm.MaxBuilt)
	}
	d := jsonDecoder{text: strings.TrimPrefix(text, "\uFEFF"), keepNull: keepNull, look: look}
	d.space()
	v := d.value(0)
	d.space()
	if d.problem == "" && d.at < len(d.text) {
		d.fail("unexpected text after the value")
	}
	if d.problem != "" {
		before := d.text[:min(d.at, len(d.text))]
		line := 1 + strings.Count(before, "\n")
		column := len(before) - strings.LastIndexByte(before, '\n')
		return nil, vm.Invalid("not JSON: %s at line %d, column %d", d.problem, line, column)
	}
	return v, nil
}

// jsonDecoder reads text from at on. After the first problem every method returns at once.
type jsonDecoder struct {
	text     string
	at       int
	values   int
	size     int
	keepNull bool
	look     pattern.Look
	problem  string
}

func (d *jsonDecoder) fail(problem string) lua.LValue {
	if d.problem == "" {
		d.problem = problem
	}
	return lua.LNil
}

func (d *jsonDecoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\n', '\r', '\t':
			d.at++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (d *jsonDecoder) peek() byte {
	if d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

func (d *jsonDecoder) value(depth int) lua.LValue {
	if d.values++; d.values > maxJSONValues || d.size > maxJSONSize {
		return d.fail("too many values")
	}
	if d.look != nil && d.values%lookValues == 0 && d.look(lookValues*8) != nil {
		return d.fail("the run ended before the text did")
	}
	if depth > maxJSONDepth {
		return d.fail("nested too deeply")
	}
	switch c := d.peek(); {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		return lua.LString(d.string())
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == 't':
		return d.word("true", lua.LTrue)
	case c == 'f':
		return d.word("false", lua.LFalse)
	case c == 'n':
		return d.word("null", JSONNull)
	case d.at >= len(d.text):
		return d.fail("unexpected end")
	}
	return d.fail("unexpected character")
}

func (d *jsonDecoder) word(word string, v lua.LValue) lua.LValue {
	if !strings.HasPrefix(d.text[d.at:], word) {
		return d.fail("unexpected word")
	}
	d.at += len(word)
	return v
}

func (d *jsonDecoder) array(depth int) lua.LValue {
	d.at++
	d.size += arraySize
	t := luaval.NewTable()
	d.space()
	if d.peek() == ']' {
		d.at++
		return t
	}
	for d.problem == "" {
		d.space()
		d.size += itemSize
		t.Append(d.value(depth + 1))
		d.space()
		switch d.peek() {
		case ',':
			d.at++
		case ']':
			d.at++
			return t
		default:
			return d.fail("expected , or ]")
		}
	}
	return lua.LNil
}

func (d *jsonDecoder) object(depth int) lua.LValue {
	d.at++
	d.size += objectSize
	t := luaval.NewRecord(4)
	empty := true
	d.space()
	if d.peek() == '}' {
		d.at++
		t.Metatable = JSONObjectMeta
		return t
	}
	for d.problem == "" {
		d.space()
		if d.peek() != '"' {
			return d.fail("expected a name in quotes")
		}
		d.size += memberSize
		key := d.string()
		d.space()
		if d.peek() != ':' {
			return d.fail("expected :")
		}
		d.at++
		d.space()
		v := d.value(depth + 1)
		if v == lua.LValue(JSONNull) && !d.keepNull {
			t.RawSetString(key, lua.LNil)
		} else {
			t.RawSetString(key, v)
			empty = false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.at++
		case '}':
			d.at++
			if empty {
				t.Metatable = JSONObjectMeta
			}
			return t
		default:
			return d.fail("expected , or }")
		}
	}
	return lua.LNil
}

// number reads a number. Whole ones beyond 2^53, which Lua cannot hold, are text.
func (d *jsonDecoder) number() lua.LValue {
	start := d.at
	if d.peek() == '-' {
		d.at++
	}
	whole := d.digits()
	if whole == 0 || whole > 1 && d.text[d.at-whole] == '0' {
		return d.fail("not a number")
	}
	integer := true
	if d.peek() == '.' {
		d.at++
		integer = false
		if d.digits() == 0 {
			return d.fail("not a number")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.at++
		integer = false
		if c := d.peek(); c == '+' || c == '-' {
			d.at++
		}
		if d.digits() == 0 {
			return d.fail("not a number")
		}
	}
	literal := d.text[start:d.at]
	if integer && whole >= 16 {
		if n, err := strconv.ParseInt(literal, 10, 64); err != nil || n > 1<<53 || n < -1<<53 {
			return lua.LString(lualib.Part(d.text, literal))
		}
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return d.fail("number out of range")
	}
	return lua.LNumber(f)
}

// digits skips digits and returns how many there were.
func (d *jsonDecoder) digits() int {
	start := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - start
}

// string reads a string; d.at is at its first quote.
func (d *jsonDecoder) string() string {
	d.at++
	start := d.at
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return lualib.Part(d.text, d.text[start:d.at-1])
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			d.fail("control character in a string")
			return ""
		}
		d.at++
	}
	d.fail("a string without its end")
	return ""
}

// escaped reads the rest of a string that has a backslash at d.at.
func (d *jsonDecoder) escaped(start int) string {
	out := append([]byte(nil), d.text[start:d.at]...)
	for d.at < len(d.text) && d.problem == "" {
		c := d.text[d.at]
		d.at++
		switch {
		case c == '"':
			return string(out)
		case c < 0x20:
			d.fail("control character in a string")
		case c != '\\':
			out = append(out, c)
		default:
			out = d.escape(out)
		}
	}
	d.fail("a string without its end")
	return ""
}

// escape reads what follows a backslash.
func (d *jsonDecoder) escape(out []byte) []byte {
	c := d.peek()
	d.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		return d.unicode(out)
	}
	d.fail("unknown escape in a string")
	return out
}

func (d *jsonDecoder) unicode(out []byte) []byte {
	r := d.hex()
	if utf16.IsSurrogate(r) {
		second := rune(-1)
		if strings.HasPrefix(d.text[min(d.at, len(d.text)):], `\u`) {
			back := d.at
			d.at += 2
			if second = d.hex(); utf16.DecodeRune(r, second) == utf8.RuneError {
				d.at = back
			}
		}
		r = utf16.DecodeRune(r, second)
	}
	return utf8.AppendRune(out, r)
}

func (d *jsonDecoder) hex() rune {
	if d.at+4 > len(d.text) {
		d.fail(`bad \u escape in a string`)
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(d.text[d.at:d.at+4], 16, 16)
	if err != nil {
		d.fail(`bad \u escape in a string`)
	}
	d.at += 4
	return rune(n)
}
