package patch

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The library's words for a value that an operation cannot take. Lua's own are
// what people know and search for, and name the variable.
var (
	notIndexable  = regexp.MustCompile(`^attempt to index a non-table object\(([a-z]+)\) with key '([^\n]*)'$`)
	notComparable = regexp.MustCompile(`^attempt to compare ([a-z]+) with ([a-z]+)$`)
	notNumeric    = regexp.MustCompile(`^cannot perform [a-z]+ operation between ([a-z]+) and ([a-z]+)$`)
	notJoined     = regexp.MustCompile(`^cannot perform concat operation between ([a-z]+) and ([a-z]+)$`)
	notLooping    = regexp.MustCompile(`^for statement (init|limit|step) must be a number$`)
)

// fault is the instruction under way when an error is raised.
type fault struct {
	L     *lua.LState
	frame *lua.Debug
	proto *lua.FunctionProto
	pc    int
}

// faultOf is where L is; nil in a function of the host.
func faultOf(L *lua.LState) *fault {
	frame, ok := L.GetStack(0)
	if !ok {
		return nil
	}
	v, err := L.GetInfo("f", frame, lua.LNil)
	fn, ok := v.(*lua.LFunction)
	if err != nil || !ok || fn.IsG {
		return nil
	}
	// The library offers the line only. Reading the field is held by a test.
	at := reflect.ValueOf(frame).Elem().FieldByName("frame").Elem().FieldByName("Pc")
	if !at.IsValid() || at.Int() < 1 || int(at.Int()) > len(fn.Proto.Code) {
		return nil
	}
	return &fault{L: L, frame: frame, proto: fn.Proto, pc: int(at.Int()) - 1}
}

// Hints are what a message adds for names that the caller knows; "" is nothing.
type Hints interface {
	// NoFunction is said of a call of something that is no function, found in a
	// variable module under this name.
	NoFunction(module, name string) string
	// NotRequired is said of a global variable that is nil and was indexed.
	NotRequired(global string) string
}

// InWords says what went wrong in Lua's words; text is the error that L is about
// to raise. A name is given where the code leaves no doubt.
//
// Upstream: the library says "attempt to call a non-function object" and the
// like, without the variable, and knows the instruction under way in a field
// that it does not export.
func InWords(L *lua.LState, text string, hints Hints) string {
	at := strings.Index(text, ": ")
	if at < 0 { // it is the plugin's own
		return text
	}
	where, what := text[:at+2], text[at+2:]
	if m := notComparable.FindStringSubmatch(what); m != nil {
		if m[1] == m[2] {
			return where + "attempt to compare two " + m[1] + " values"
		}
		return text
	}
	if m := notLooping.FindStringSubmatch(what); m != nil {
		return where + "'for' " + strings.Replace(m[1], "init", "initial value", 1) + " must be a number"
	}
	f := faultOf(L)
	if f == nil {
		return text
	}
	if better := f.inWords(what, hints); better != "" {
		return where + better
	}
	return text
}

// inWords is what in Lua's words; "" when it is something else.
func (f *fault) inWords(what string, hints Hints) string {
	in := f.proto.Code[f.pc]
	op := opOf(in)
	switch {
	case what == "attempt to call a non-function object":
		if op != lua.OP_CALL && op != lua.OP_TAILCALL && op != lua.OP_TFORLOOP {
			return ""
		}
		p := placeOf(f.proto, f.pc, argA(in))
		kind, ok := f.typeOf(argA(in))
		if !ok {
			return ""
		}
		if op == lua.OP_TFORLOOP {
			p = place{}
		}
		return said("call", p, kind) + noFunction(p, hints)
	case what == "__unm undefined", what == "__len undefined":
		verb := "perform arithmetic on"
		if op == lua.OP_LEN {
			verb = "get length of"
		} else if op != lua.OP_UNM {
			return ""
		}
		kind, ok := f.typeOf(argB(in))
		if !ok {
			return ""
		}
		return said(verb, placeOf(f.proto, f.pc, argB(in)), kind)
	}
	if m := notIndexable.FindStringSubmatch(what); m != nil {
		register := argB(in)
		switch op {
		case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
		case lua.OP_SETTABLE, lua.OP_SETTABLEKS:
			register = argA(in)
		default:
			return ""
		}
		p := placeOf(f.proto, f.pc, register)
		if kind, ok := f.typeOf(register); !ok || kind != m[1] { // it is behind an __index
			p = place{}
		}
		if p.name == "" {
			return said("index", p, m[1]) + " with key '" + m[2] + "'"
		}
		return said("index", p, m[1]) + notRequired(p, hints)
	}
	if m := notJoined.FindStringSubmatch(what); m != nil && op == lua.OP_CONCAT {
		kind := m[1]
		if kind == "string" || kind == "number" {
			kind = m[2]
		}
		return said("concatenate", f.unjoined(argB(in), argC(in), kind), kind)
	}
	if m := notNumeric.FindStringSubmatch(what); m != nil && op >= lua.OP_ADD && op <= lua.OP_POW {
		kind, arg := m[1], argB(in)
		if kind == "number" || kind == "string" && f.numeric(arg) {
			kind, arg = m[2], argC(in)
		}
		p := place{}
		if arg&isConstant == 0 {
			p = placeOf(f.proto, f.pc, arg)
		}
		return said("perform arithmetic on", p, kind)
	}
	return ""
}

// said is an error of Lua about a value of this type, with its name if it is known.
func said(verb string, p place, kind string) string {
	if p.name == "" {
		return "attempt to " + verb + " a " + kind + " value"
	}
	return "attempt to " + verb + " " + p.kind + " '" + p.name + "' (a " + kind + " value)"
}

// typeOf is the type of what a register holds.
func (f *fault) typeOf(register int) (string, bool) {
	name, v := f.L.GetLocal(f.frame, register+1)
	return v.Type().String(), name != ""
}

// numeric reports whether an operand is text that is a number.
func (f *fault) numeric(arg int) bool {
	var v lua.LValue
	if k := arg &^ isConstant; arg&isConstant == 0 {
		_, v = f.L.GetLocal(f.frame, arg+1)
	} else if k < len(f.proto.Constants) {
		v = f.proto.Constants[k]
	}
	text, _ := v.(lua.LString)
	_, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	_, errHex := strconv.ParseInt(strings.TrimSpace(string(text)), 0, 64)
	return err == nil || errHex == nil
}

// unjoined is the operand of a concatenation that is at fault. They are joined
// from the last to the first.
func (f *fault) unjoined(first, last int, kind string) place {
	joins := func(register int) bool {
		got, ok := f.typeOf(register)
		return ok && (got == "string" || got == "number")
	}
	for left := last - 1; left >= first; left-- {
		at := left
		if joins(left) {
			at = left + 1
		}
		if joins(at) {
			continue
		}
		if got, ok := f.typeOf(at); ok && got == kind {
			return placeOf(f.proto, f.pc, at)
		}
		break
	}
	return place{}
}

// noFunction is the hint for a field or method that is no function.
func noFunction(p place, hints Hints) string {
	if p.kind != "field" && p.kind != "method" {
		return ""
	}
	return hints.NoFunction(p.of, p.name)
}

// notRequired is the hint for a global that is nil.
func notRequired(p place, hints Hints) string {
	if p.kind != "global" {
		return ""
	}
	return hints.NotRequired(p.name)
}
