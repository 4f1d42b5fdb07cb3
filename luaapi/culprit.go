package luaapi

import (
	"regexp"
	"slices"
	"strconv"

	"moonwatch/engine/form"

	lua "github.com/yuin/gopher-lua"
)

// The library says where a value could not be called or indexed, not what it was.
var (
	notCallable  = regexp.MustCompile(`^([^\n]*):(\d+): attempt to call a non-function object$`)
	notIndexable = regexp.MustCompile(`^([^\n]*):(\d+): attempt to index a non-table object\(nil\) with key '([^'\n]*)'$`)
)

// culprit adds to an error what was called or indexed, where the code of that
// line leaves no doubt.
func (r *run) culprit(text string) string {
	if len(text) > maxError { // it is the plugin's own
		return text
	}
	if at := notCallable.FindStringSubmatch(text); at != nil {
		return text + r.called(r.placesAt(at[1], at[2], calledPlace))
	}
	if at := notIndexable.FindStringSubmatch(text); at != nil {
		key := at[3]
		found := r.placesAt(at[1], at[2], func(p *lua.FunctionProto, pc int) place { return indexedPlace(p, pc, key) })
		if len(found) == 1 && found[0].name != "" {
			return text + r.missing(found[0])
		}
	}
	return text
}

// place is what the code reads a value from: name, or the key name of what of is called.
type place struct {
	name   string // "" is not known
	of     string // "" unless it is a key
	mark   string // "." or ":" between them
	global bool
}

// elsewhere is an instruction that is not looked for.
var elsewhere = place{mark: "none"}

func (p place) String() string { return p.of + p.mark + p.name }

// called says which of the calls of a line was of nothing: the one that there is,
// or the one of a function that a module does not have.
func (r *run) called(found []place) string {
	for _, p := range found {
		open := r.opener(p.of)
		if open == nil {
			continue
		}
		names := r.rt.tools.names(p.of, open)
		if !slices.Contains(names, p.name) {
			if near := form.Closest(p.name, names); near != "" {
				return ": " + p.of + " has no function '" + p.name + "'; did you mean '" + near + "'?"
			}
			return ": " + p.of + " has no function '" + p.name + "'"
		}
	}
	if len(found) == 1 && found[0].name != "" {
		return " (" + found[0].String() + ")"
	}
	return ""
}

// missing says what was nil.
func (r *run) missing(p place) string {
	if p.global && r.opener(p.name) != nil {
		return ": local " + p.name + " = require \"" + p.name + "\" is missing"
	}
	return " (" + p.String() + ")"
}

// placesAt collects what look gives for the instructions of one line, each once.
func (r *run) placesAt(file, line string, look func(p *lua.FunctionProto, pc int) place) []place {
	at, err := strconv.Atoi(line)
	if err != nil {
		return nil
	}
	var found []place
	var walk func(p *lua.FunctionProto)
	walk = func(p *lua.FunctionProto) {
		for pc := range p.Code {
			if p.SourceName != file || p.DbgSourcePositions[pc] != at {
				continue
			}
			if one := look(p, pc); one != elsewhere && !slices.Contains(found, one) {
				found = append(found, one)
			}
		}
		for _, inner := range p.FunctionPrototypes {
			walk(inner)
		}
	}
	walk(r.code.main)
	for _, name := range sortedKeys(r.code.modules) {
		walk(r.code.modules[name])
	}
	return found
}

// The parts of an instruction of the library.
func opOf(in uint32) int { return int(in >> 26) }
func argA(in uint32) int { return int(in>>18) & 0xff }
func argB(in uint32) int { return int(in & 0x1ff) }
func argC(in uint32) int { return int(in>>9) & 0x1ff }
func argX(in uint32) int { return int(in & 0x3ffff) }

// keyAt is a key that stands in the code as text; an instruction that writes
// finds it in a register.
func keyAt(p *lua.FunctionProto, pc, arg int) (string, bool) {
	const isConstant = 1 << 8
	k := arg &^ isConstant
	if arg&isConstant == 0 {
		at := loadedAt(p, pc, arg)
		if at < 0 || opOf(p.Code[at]) != lua.OP_LOADK {
			return "", false
		}
		k = argX(p.Code[at])
	}
	if k >= len(p.Constants) {
		return "", false
	}
	s, ok := p.Constants[k].(lua.LString)
	return string(s), ok
}

// loadedAt is the instruction of the same line that loaded a register last, -1
// when there is none.
func loadedAt(p *lua.FunctionProto, pc, register int) int {
	for at := pc - 1; at >= 0 && p.DbgSourcePositions[at] == p.DbgSourcePositions[pc]; at-- {
		if argA(p.Code[at]) == register {
			return at
		}
	}
	return -1
}

// calledPlace is what the instruction calls.
func calledPlace(p *lua.FunctionProto, pc int) place {
	in := p.Code[pc]
	if op := opOf(in); op != lua.OP_CALL && op != lua.OP_TAILCALL {
		return elsewhere
	}
	return placeOf(p, pc, argA(in), true)
}

// indexedPlace is what the instruction reads or writes the key of.
func indexedPlace(p *lua.FunctionProto, pc int, key string) place {
	in := p.Code[pc]
	register, arg := argB(in), argC(in)
	switch opOf(in) {
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
	case lua.OP_SETTABLE, lua.OP_SETTABLEKS:
		register, arg = argA(in), argB(in)
	default:
		return elsewhere
	}
	if text, ok := keyAt(p, pc, arg); !ok || text != key {
		return elsewhere
	}
	return placeOf(p, pc, register, true)
}

// placeOf is where the value of a register came from at an instruction: only
// what the same line loaded, on a way that no jump leads into. (What the library
// knows of local variables is not to be relied on.)
func placeOf(p *lua.FunctionProto, pc, register int, deeper bool) place {
	at := loadedAt(p, pc, register)
	if at < 0 || jumpedInto(p, at, pc) {
		return place{}
	}
	in := p.Code[at]
	switch opOf(in) {
	case lua.OP_GETGLOBAL:
		if k := argX(in); k < len(p.Constants) {
			return place{name: p.Constants[k].String(), global: true}
		}
	case lua.OP_GETUPVAL:
		if k := argB(in); k < len(p.DbgUpvalues) {
			return place{name: p.DbgUpvalues[k]}
		}
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
		key, ok := keyAt(p, at, argC(in))
		mark := "."
		if opOf(in) == lua.OP_SELF {
			mark = ":"
		}
		if of := placeOf(p, at, argB(in), false); ok && deeper && of.name != "" {
			return place{name: key, of: of.name, mark: mark}
		}
	}
	return place{}
}

// jumpedInto reports whether a jump leads behind the instruction at, and not
// behind pc: what at loaded is one of several values then.
func jumpedInto(p *lua.FunctionProto, at, pc int) bool {
	const middle = 1<<17 - 1
	for i, in := range p.Code {
		if target := i + 1 + argX(in) - middle; opOf(in) == lua.OP_JMP && target > at && target <= pc {
			return true
		}
	}
	return false
}
