package module

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/pattern"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// EncodeJSON writes a Lua value as JSON. Keys come in order, so that equal
// values give equal texts. look, which may be nil, is called every now and then;
// its error ends the writing.
func EncodeJSON(v lua.LValue, look pattern.Look) ([]byte, error) {
	e := jsonEncoder{out: make([]byte, 0, 256), look: look}
	if err := e.value(v); err != nil {
		return nil, err
	}
	return e.out, nil
}

type jsonEncoder struct {
	out    []byte
	above  []*lua.LTable // the tables that hold the one being written
	values int
	look   pattern.Look
}

var errJSONSize = fmt.Errorf("the text would be longer than %d bytes", vm.MaxBuilt)

func (e *jsonEncoder) value(v lua.LValue) error {
	if len(e.out) > vm.MaxBuilt {
		return errJSONSize
	}
	if e.values++; e.look != nil && e.values%lookValues == 0 {
		if err := e.look(lookValues * 8); err != nil {
			return errors.New("the run ended before all was written")
		}
	}
	switch v := v.(type) {
	case *lua.LNilType:
		e.out = append(e.out, "null"...)
	case lua.LBool:
		e.out = strconv.AppendBool(e.out, bool(v))
	case lua.LNumber:
		return e.number(float64(v))
	case lua.LString:
		return e.text(string(v))
	case *lua.LTable:
		return e.table(lualib.Reading(v))
	default:
		if v == lua.LValue(JSONNull) {
			e.out = append(e.out, "null"...)
			return nil
		}
		return fmt.Errorf("%s cannot be written as JSON", luaval.TypeName(v))
	}
	return nil
}

func (e *jsonEncoder) number(f float64) error {
	switch {
	case math.IsNaN(f):
		return errors.New("NaN cannot be written as JSON")
	case math.IsInf(f, 0):
		return errors.New("infinity cannot be written as JSON")
	case f == math.Trunc(f) && math.Abs(f) < 1e18:
		e.out = strconv.AppendInt(e.out, int64(f), 10)
	case math.Abs(f) >= 1e-6 && math.Abs(f) < 1e21: // as JavaScript writes numbers
		e.out = strconv.AppendFloat(e.out, f, 'f', -1, 64)
	default:
		e.out = strconv.AppendFloat(e.out, f, 'g', -1, 64)
	}
	return nil
}

func (e *jsonEncoder) table(t *lua.LTable) error {
	for _, above := range e.above {
		if above == t {
			return errors.New("a table that holds itself cannot be written as JSON")
		}
	}
	if len(e.above) >= maxJSONDepth {
		return fmt.Errorf("tables are nested deeper than %d", maxJSONDepth)
	}
	e.above = append(e.above, t)
	defer func() { e.above = e.above[:len(e.above)-1] }()
	keys, length, err := jsonKeys(t)
	if err != nil {
		return err
	}
	if t.Metatable == JSONObjectMeta || len(keys) > 0 {
		return e.object(t, keys, length)
	}
	return e.array(t, length)
}

// jsonKeys returns the text keys of a table in order, and the length of its array.
func jsonKeys(t *lua.LTable) (keys []string, length int, err error) {
	count := 0
	t.ForEach(func(k, _ lua.LValue) {
		switch k := k.(type) {
		case lua.LString:
			keys = append(keys, string(k))
		case lua.LNumber:
			if f := float64(k); f != math.Trunc(f) || f < 1 || f > 1<<31 {
				err = fmt.Errorf("key %s is no place in an array", k.String())
				return
			}
			count++
			length = max(length, int(k))
		default:
			err = fmt.Errorf("a key that is %s cannot be written as JSON", luaval.TypeName(k))
		}
	})
	switch {
	case err != nil:
	case t.Metatable == JSONObjectMeta:
	case count > 0 && len(keys) > 0:
		err = fmt.Errorf("a table with both numbered and named keys (1 and %s) cannot be written as JSON", strconv.Quote(luaval.Shorten(keys[0], 40)))
	case count != length:
		err = fmt.Errorf("an array with holes (%d of %d) cannot be written as JSON", count, length)
	}
	sort.Strings(keys)
	return keys, length, err
}

func (e *jsonEncoder) array(t *lua.LTable, length int) error {
	e.out = append(e.out, '[')
	for i := 1; i <= length; i++ {
		if i > 1 {
			e.out = append(e.out, ',')
		}
		if err := e.value(t.RawGetInt(i)); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

// object writes the named entries, and for a marked table the numbered ones too.
func (e *jsonEncoder) object(t *lua.LTable, keys []string, length int) error {
	e.out = append(e.out, '{')
	first := true
	entry := func(key string, v lua.LValue) error {
		if v == lua.LNil {
			return nil
		}
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		if err := e.text(key); err != nil {
			return err
		}
		e.out = append(e.out, ':')
		return e.value(v)
	}
	for i := 1; i <= length && t.Metatable == JSONObjectMeta; i++ {
		if err := entry(strconv.Itoa(i), t.RawGetInt(i)); err != nil {
			return err
		}
	}
	for _, key := range keys {
		if err := entry(key, t.RawGetString(key)); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// text writes a JSON string; invalid UTF-8 becomes U+FFFD.
func (e *jsonEncoder) text(s string) error {
	const hex = "0123456789abcdef"
	out := append(e.out, '"')
	for i := 0; i < len(s); {
		if len(out) > vm.MaxBuilt {
			return errJSONSize
		}
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c == '\t':
			out = append(out, '\\', 't')
		case c < 0x20 || c == 0x7f:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			out = append(out, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			out = utf8.AppendRune(out, r)
			i += size
			continue
		}
		i++
	}
	e.out = append(out, '"')
	return nil
}
