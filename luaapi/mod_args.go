package luaapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"moonwatch/engine/form"
	"moonwatch/engine/pattern"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// maxBuilt is the largest text, in bytes, that a function of a module builds or takes.
const maxBuilt = 8 << 20

// args reads the arguments of one call of a module's function. What is wrong
// raises at the caller's line and names the argument.
type args struct {
	L  *lua.LState
	fn string // as its author writes it: "http.get"
}

// fail raises a complaint about argument n.
func (a args) fail(n int, format string, values ...any) {
	a.L.RaiseError("%s", fmt.Sprintf("bad argument #%d to %s: ", n, a.fn)+fmt.Sprintf(format, values...))
}

func (a args) wrongType(n int, name, want string) {
	a.fail(n, "%s must be %s, got %s", name, want, typeName(a.L.Get(n)))
}

// typeName names a value's type as people say it.
func typeName(v lua.LValue) string {
	switch v.Type() {
	case lua.LTString:
		return "text"
	case lua.LTUserData:
		return "an object"
	case lua.LTNil:
		return "nil"
	}
	return "a " + v.Type().String()
}

// has reports whether argument n was given.
func (a args) has(n int) bool { return a.L.Get(n) != lua.LNil }

// text returns an argument that is text. A number is taken as text, as Lua does.
func (a args) text(n int, name string) string {
	s, ok := textOf(a.L.Get(n))
	if !ok {
		a.wrongType(n, name, "text")
	}
	if len(s) > maxBuilt {
		a.fail(n, "%s is longer than %d bytes", name, maxBuilt)
	}
	a.spend(len(s))
	return s
}

// lookFrom is how many bytes make a text that a function does not work on without
// a look at the run.
const lookFrom = 4 << 10

// spend counts the work on n bytes, and raises when the run has ended.
func (a args) spend(n int) {
	if n < lookFrom {
		return
	}
	if err := looking(a.L)(n); err != nil {
		a.L.RaiseError("%s: the run has ended", a.fn)
	}
}

// growing is text for what makes it longer: each of the bytes in dear becomes
// times as many at most. The result may not be longer than what is built.
func (a args) growing(n int, name, dear string, times int) string {
	text := a.text(n, name)
	if size := len(text); size*times > maxBuilt {
		for _, c := range []byte(dear) {
			size += (times - 1) * strings.Count(text, string(rune(c)))
		}
		if size > 2*maxBuilt {
			a.fail(n, "the result would be longer than %d bytes", 2*maxBuilt)
		}
	}
	return text
}

// textOr is text for an argument that may be left out.
func (a args) textOr(n int, name, otherwise string) string {
	if !a.has(n) {
		return otherwise
	}
	return a.text(n, name)
}

// textOf returns text, or a number as text.
func textOf(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return lualib.ToString(nil, v), true
	}
	return "", false
}

// number returns an argument that is a finite number.
func (a args) number(n int, name string) float64 {
	v, ok := a.L.Get(n).(lua.LNumber)
	if !ok {
		a.wrongType(n, name, "a number")
	}
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		a.fail(n, "%s must be a finite number", name)
	}
	return f
}

// integer returns an argument that is a whole number from low to high.
func (a args) integer(n int, name string, low, high int) int {
	f := a.number(n, name)
	if f != math.Trunc(f) {
		a.fail(n, "%s must be a whole number", name)
	}
	if f < float64(low) || f > float64(high) {
		a.fail(n, "%s must be from %d to %d", name, low, high)
	}
	return int(f)
}

// seconds returns an argument that is a duration above 0, of a day at most.
func (a args) seconds(n int, name string) time.Duration {
	f := a.number(n, name)
	if f <= 0 || f > 86400 {
		a.fail(n, "%s must be above 0 and at most 86400 seconds", name)
	}
	return max(toDuration(f), 1)
}

// table returns an argument that is a table, to read from.
func (a args) table(n int, name string) *lua.LTable {
	t, ok := a.L.Get(n).(*lua.LTable)
	if !ok {
		a.wrongType(n, name, "a table")
	}
	return lualib.Reading(t)
}

// inside returns the run; it raises while the plugin loads.
func (a args) inside() *call {
	c := callOf(a.L)
	if c == nil || c.loading {
		a.L.RaiseError("%s cannot be called while the plugin loads", a.fn)
	}
	return c
}

// outside is inside for functions that reach outside: clean and description may not.
func (a args) outside() *call {
	c := a.inside()
	if c.offline {
		a.L.RaiseError("%s cannot be called in clean or description", a.fn)
	}
	if c.host == nil {
		a.L.RaiseError("%s cannot be called here: there is no network", a.fn)
	}
	return c
}

// asError gives an error its kind: what is no *host.Error is the end of a
// context, or else invalid.
func asError(err error) *host.Error {
	var e *host.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &host.Error{Kind: host.Timeout, Message: "timed out"}
	}
	return &host.Error{Kind: host.Invalid, Message: err.Error()}
}

// failed answers as functions that can fail do: nil, message, kind.
func failed(L *lua.LState, err error) int {
	e := asError(err)
	L.Push(lua.LNil)
	L.Push(lua.LString(e.Message))
	L.Push(lua.LString(e.Kind))
	return 3
}

// invalid is an error of kind invalid.
func invalid(format string, values ...any) error {
	return &host.Error{Kind: host.Invalid, Message: fmt.Sprintf(format, values...)}
}

// options read a table of named arguments.
type options struct {
	args
	n int         // which argument
	t *lua.LTable // nil: none was given
}

// options returns argument n, a table of the keys named; another key raises.
func (a args) options(n int, name string, keys []string) options {
	if !a.has(n) {
		return options{args: a, n: n}
	}
	return a.optionsOf(n, a.table(n, name), keys)
}

// optionsOf is options for a table that is part of argument n.
func (a args) optionsOf(n int, t *lua.LTable, keys []string) options {
	t = lualib.Reading(t)
	t.ForEach(func(k, _ lua.LValue) {
		key, ok := k.(lua.LString)
		if !ok {
			a.fail(n, "unexpected key %s", keyText(k))
		}
		for _, known := range keys {
			if known == string(key) {
				return
			}
		}
		if near := form.Nearest(string(key), keys); near != "" {
			a.fail(n, "unknown option '%s'; did you mean '%s'?", keyText(k), near)
		}
		a.fail(n, "unknown option '%s'", keyText(k))
	})
	return options{args: a, n: n, t: t}
}

// get returns the value of a key, or nil.
func (o options) get(key string) lua.LValue {
	if o.t == nil {
		return lua.LNil
	}
	return o.t.RawGetString(key)
}

func (o options) wrong(key, want string) {
	o.fail(o.n, "%s must be %s, got %s", key, want, typeName(o.get(key)))
}

// text returns a text, "" when it was left out.
func (o options) text(key string) string {
	v := o.get(key)
	if v == lua.LNil {
		return ""
	}
	s, ok := textOf(v)
	if !ok {
		o.wrong(key, "text")
	}
	if len(s) > maxBuilt {
		o.fail(o.n, "%s is longer than %d bytes", key, maxBuilt)
	}
	o.spend(len(s))
	return s
}

// flag returns a boolean.
func (o options) flag(key string, otherwise bool) bool {
	v := o.get(key)
	if v == lua.LNil {
		return otherwise
	}
	b, ok := v.(lua.LBool)
	if !ok {
		o.wrong(key, "true or false")
	}
	return bool(b)
}

// number returns a finite number from low to high.
func (o options) number(key string, otherwise, low, high float64) float64 {
	v := o.get(key)
	if v == lua.LNil {
		return otherwise
	}
	f, ok := v.(lua.LNumber)
	if !ok {
		o.wrong(key, "a number")
	}
	if !(float64(f) >= low && float64(f) <= high) {
		o.fail(o.n, "%s must be from %v to %v", key, lua.LNumber(low), lua.LNumber(high))
	}
	return float64(f)
}

// integer returns a whole number from low to high.
func (o options) integer(key string, otherwise, low, high int) int {
	f := o.number(key, float64(otherwise), float64(low), float64(high))
	if f != math.Trunc(f) {
		o.fail(o.n, "%s must be a whole number", key)
	}
	return int(f)
}

// maxSeconds bounds durations: a year.
const maxSeconds = 366 * 24 * 3600

// seconds returns a duration above 0, or 0 when it was left out.
func (o options) seconds(key string) time.Duration {
	v := o.get(key)
	if v == lua.LNil {
		return 0
	}
	f, ok := v.(lua.LNumber)
	if !ok {
		o.wrong(key, "a number of seconds")
	}
	if !(f > 0 && f <= maxSeconds) {
		o.fail(o.n, "%s must be above 0 seconds", key)
	}
	return max(toDuration(float64(f)), 1)
}

// toDuration turns seconds, which are in range, into a duration.
func toDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

// table returns a table, nil when it was left out.
func (o options) table(key string) *lua.LTable {
	v := o.get(key)
	if v == lua.LNil {
		return nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.wrong(key, "a table")
	}
	return lualib.Reading(t)
}

// texts returns a list of texts; one text is a list of one.
func (o options) texts(key string) []string {
	v := o.get(key)
	if v == lua.LNil {
		return nil
	}
	if s, ok := textOf(v); ok {
		return []string{s}
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.wrong(key, "text or an array of texts")
	}
	return o.textArray(o.n, key, t)
}

// textArray returns the items of an array of texts.
func (a args) textArray(n int, name string, t *lua.LTable) []string {
	t = lualib.Reading(t)
	list := make([]string, 0, t.Len())
	for i := 1; i <= t.Len(); i++ {
		s, ok := textOf(t.RawGetInt(i))
		if !ok {
			a.fail(n, "%s must hold texts, got %s at %d", name, typeName(t.RawGetInt(i)), i)
		}
		list = append(list, s)
	}
	return list
}

// looking has a search look at the run: it ends with it, and shares its turn.
func looking(L *lua.LState) pattern.Look {
	if v, ok := L.Context().(*vmContext); ok {
		return v.Steps
	}
	return func(int) error { return callOf(L).ctx.Err() }
}
