package vm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/engine/pattern"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/lualib"
)

// MaxBuilt is the largest text, in bytes, that a function of a module builds or takes.
const MaxBuilt = 8 << 20

// Args reads the arguments of one call of a module's function. What is wrong
// raises at the caller's line and names the argument.
type Args struct {
	L  *lua.LState
	Fn string // as its author writes it: "http.get"
}

// Fail raises a complaint about argument n.
func (a Args) Fail(n int, format string, values ...any) {
	a.L.RaiseError("%s", fmt.Sprintf("bad argument #%d to %s: ", n, a.Fn)+fmt.Sprintf(format, values...))
}

func (a Args) WrongType(n int, name, want string) {
	a.Fail(n, "%s must be %s, got %s", name, want, luaval.TypeName(a.L.Get(n)))
}

// Has reports whether argument n was given.
func (a Args) Has(n int) bool { return a.L.Get(n) != lua.LNil }

// Text returns an argument that is text. A number is taken as text, as Lua does.
func (a Args) Text(n int, name string) string {
	s, ok := luaval.TextOf(a.L.Get(n))
	if !ok {
		a.WrongType(n, name, "text")
	}
	if len(s) > MaxBuilt {
		a.Fail(n, "%s is longer than %d bytes", name, MaxBuilt)
	}
	a.Spend(len(s))
	return s
}

// LookFrom is how many bytes make a text that a function does not work on without
// a look at the run.
const LookFrom = 4 << 10

// Spend counts the work on n bytes, and raises when the run has ended.
func (a Args) Spend(n int) {
	if n < LookFrom {
		return
	}
	if err := Looking(a.L)(n); err != nil {
		a.L.RaiseError("%s: the run has ended", a.Fn)
	}
}

// Growing is text for what makes it longer: each of the bytes in dear becomes
// times as many at most. The result may not be longer than what is built.
func (a Args) Growing(n int, name, dear string, times int) string {
	text := a.Text(n, name)
	if size := len(text); size*times > MaxBuilt {
		for _, c := range []byte(dear) {
			size += (times - 1) * strings.Count(text, string(rune(c)))
		}
		if size > 2*MaxBuilt {
			a.Fail(n, "the result would be longer than %d bytes", 2*MaxBuilt)
		}
	}
	return text
}

// TextOr is text for an argument that may be left out.
func (a Args) TextOr(n int, name, otherwise string) string {
	if !a.Has(n) {
		return otherwise
	}
	return a.Text(n, name)
}

// Number returns an argument that is a finite number.
func (a Args) Number(n int, name string) float64 {
	v, ok := a.L.Get(n).(lua.LNumber)
	if !ok {
		a.WrongType(n, name, "a number")
	}
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		a.Fail(n, "%s must be a finite number", name)
	}
	return f
}

// Integer returns an argument that is a whole number from low to high.
func (a Args) Integer(n int, name string, low, high int) int {
	f := a.Number(n, name)
	if f != math.Trunc(f) {
		a.Fail(n, "%s must be a whole number", name)
	}
	if f < float64(low) || f > float64(high) {
		a.Fail(n, "%s must be from %d to %d", name, low, high)
	}
	return int(f)
}

// Seconds returns an argument that is a duration above 0, of a day at most.
func (a Args) Seconds(n int, name string) time.Duration {
	f := a.Number(n, name)
	if f <= 0 || f > 86400 {
		a.Fail(n, "%s must be above 0 and at most 86400 seconds", name)
	}
	return max(ToDuration(f), 1)
}

// Table returns an argument that is a table, to read from.
func (a Args) Table(n int, name string) *lua.LTable {
	t, ok := a.L.Get(n).(*lua.LTable)
	if !ok {
		a.WrongType(n, name, "a table")
	}
	return lualib.Reading(t)
}

// Inside returns the run; it raises while the plugin loads.
func (a Args) Inside() *Call {
	c := CallOf(a.L)
	if c == nil || c.Loading {
		a.L.RaiseError("%s cannot be called while the plugin loads", a.Fn)
	}
	return c
}

// Outside is inside for functions that reach outside: clean and description may not.
func (a Args) Outside() *Call {
	c := a.Inside()
	if c.Offline {
		a.L.RaiseError("%s cannot be called in clean or description", a.Fn)
	}
	if c.Host == nil {
		a.L.RaiseError("%s cannot be called here: there is no network", a.Fn)
	}
	return c
}

// AsError gives an error its kind: what is no *host.Error is the end of a
// context, or else invalid.
func AsError(err error) *host.Error {
	var e *host.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &host.Error{Kind: host.Timeout, Message: "timed out"}
	}
	return &host.Error{Kind: host.Invalid, Message: err.Error()}
}

// Failed answers as functions that can fail do: nil, message, kind.
func Failed(L *lua.LState, err error) int {
	e := AsError(err)
	L.Push(lua.LNil)
	L.Push(lua.LString(e.Message))
	L.Push(lua.LString(e.Kind))
	return 3
}

// Invalid is an error of kind invalid.
func Invalid(format string, values ...any) error {
	return &host.Error{Kind: host.Invalid, Message: fmt.Sprintf(format, values...)}
}

// Options read a table of named arguments.
type Options struct {
	Args
	N int         // which argument
	T *lua.LTable // nil: none was given
}

// Options returns argument n, a table of the keys named; another key raises.
func (a Args) Options(n int, name string, keys []string) Options {
	if !a.Has(n) {
		return Options{Args: a, N: n}
	}
	return a.OptionsOf(n, a.Table(n, name), keys)
}

// OptionsOf is options for a table that is part of argument n.
func (a Args) OptionsOf(n int, t *lua.LTable, keys []string) Options {
	t = lualib.Reading(t)
	t.ForEach(func(k, _ lua.LValue) {
		key, ok := k.(lua.LString)
		if !ok {
			a.Fail(n, "unexpected key %s", luaval.KeyText(k))
		}
		for _, known := range keys {
			if known == string(key) {
				return
			}
		}
		if near := form.Nearest(string(key), keys); near != "" {
			a.Fail(n, "unknown option '%s'; did you mean '%s'?", luaval.KeyText(k), near)
		}
		a.Fail(n, "unknown option '%s'", luaval.KeyText(k))
	})
	return Options{Args: a, N: n, T: t}
}

// Get returns the value of a key, or nil.
func (o Options) Get(key string) lua.LValue {
	if o.T == nil {
		return lua.LNil
	}
	return o.T.RawGetString(key)
}

func (o Options) Wrong(key, want string) {
	o.Fail(o.N, "%s must be %s, got %s", key, want, luaval.TypeName(o.Get(key)))
}

// Text returns a text, "" when it was left out.
func (o Options) Text(key string) string {
	v := o.Get(key)
	if v == lua.LNil {
		return ""
	}
	s, ok := luaval.TextOf(v)
	if !ok {
		o.Wrong(key, "text")
	}
	if len(s) > MaxBuilt {
		o.Fail(o.N, "%s is longer than %d bytes", key, MaxBuilt)
	}
	o.Spend(len(s))
	return s
}

// Flag returns a boolean.
func (o Options) Flag(key string, otherwise bool) bool {
	v := o.Get(key)
	if v == lua.LNil {
		return otherwise
	}
	b, ok := v.(lua.LBool)
	if !ok {
		o.Wrong(key, "true or false")
	}
	return bool(b)
}

// Number returns a finite number from low to high.
func (o Options) Number(key string, otherwise, low, high float64) float64 {
	v := o.Get(key)
	if v == lua.LNil {
		return otherwise
	}
	f, ok := v.(lua.LNumber)
	if !ok {
		o.Wrong(key, "a number")
	}
	if !(float64(f) >= low && float64(f) <= high) {
		o.Fail(o.N, "%s must be from %v to %v", key, lua.LNumber(low), lua.LNumber(high))
	}
	return float64(f)
}

// Integer returns a whole number from low to high.
func (o Options) Integer(key string, otherwise, low, high int) int {
	f := o.Number(key, float64(otherwise), float64(low), float64(high))
	if f != math.Trunc(f) {
		o.Fail(o.N, "%s must be a whole number", key)
	}
	return int(f)
}

// MaxSeconds bounds durations: a year.
const MaxSeconds = 366 * 24 * 3600

// Seconds returns a duration above 0, or 0 when it was left out.
func (o Options) Seconds(key string) time.Duration {
	v := o.Get(key)
	if v == lua.LNil {
		return 0
	}
	f, ok := v.(lua.LNumber)
	if !ok {
		o.Wrong(key, "a number of seconds")
	}
	if !(f > 0 && f <= MaxSeconds) {
		o.Fail(o.N, "%s must be above 0 seconds", key)
	}
	return max(ToDuration(float64(f)), 1)
}

// ToDuration turns seconds, which are in range, into a duration.
func ToDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

// Table returns a table, nil when it was left out.
func (o Options) Table(key string) *lua.LTable {
	v := o.Get(key)
	if v == lua.LNil {
		return nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.Wrong(key, "a table")
	}
	return lualib.Reading(t)
}

// Texts returns a list of texts; one text is a list of one.
func (o Options) Texts(key string) []string {
	v := o.Get(key)
	if v == lua.LNil {
		return nil
	}
	if s, ok := luaval.TextOf(v); ok {
		return []string{s}
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.Wrong(key, "text or an array of texts")
	}
	return o.TextArray(o.N, key, t)
}

// TextArray returns the items of an array of texts.
func (a Args) TextArray(n int, name string, t *lua.LTable) []string {
	t = lualib.Reading(t)
	list := make([]string, 0, t.Len())
	for i := 1; i <= t.Len(); i++ {
		s, ok := luaval.TextOf(t.RawGetInt(i))
		if !ok {
			a.Fail(n, "%s must hold texts, got %s at %d", name, luaval.TypeName(t.RawGetInt(i)), i)
		}
		list = append(list, s)
	}
	return list
}

// Looking has a search look at the run: it ends with it, and shares its permit.
func Looking(L *lua.LState) pattern.Look {
	if v, ok := L.Context().(*Context); ok {
		return v.Steps
	}
	return func(int) error { return CallOf(L).Ctx.Err() }
}
