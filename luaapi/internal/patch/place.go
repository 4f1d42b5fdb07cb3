package patch

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// place is the variable that the code reads a value from.
type place struct {
	kind string // local, upvalue, global, field or method
	name string // "" is not known; "?" is a key that is computed
	of   string // the variable that a field or method is of, "" is not known
}

// isConstant marks an operand that is a constant, not a register.
const isConstant = 1 << 8

// The parts of an instruction of the library.
func opOf(in uint32) int { return int(in >> 26) }
func argA(in uint32) int { return int(in>>18) & 0xff }
func argB(in uint32) int { return int(in & 0x1ff) }
func argC(in uint32) int { return int(in>>9) & 0x1ff }
func argX(in uint32) int { return int(in & 0x3ffff) }

// placeOf is where the value of a register came from at an instruction: a local
// variable, or what the same line loaded, on a way that no jump leads into.
func placeOf(p *lua.FunctionProto, pc, register int) place {
	return placeWithin(p, pc, register, true)
}

// placeWithin finds what a field is of, too, if deeper says so.
func placeWithin(p *lua.FunctionProto, pc, register int, deeper bool) place {
	if name := localAt(p, pc, register); name != "" {
		return local(name)
	}
	at, first, last := writtenAt(p, pc, register)
	if at < 0 {
		return place{}
	}
	if name, declared := declaredAt(p, at, pc, register-first, last-first+1); declared {
		return local(name)
	}
	if p.DbgSourcePositions[at] != p.DbgSourcePositions[pc] || jumpedInto(p, at, pc) {
		return place{}
	}
	in := p.Code[at]
	switch op := opOf(in); op {
	case lua.OP_MOVE, lua.OP_MOVEN:
		if from := placeWithin(p, at, argB(in), false); from.kind == "local" {
			return from
		}
	case lua.OP_GETGLOBAL:
		if k := argX(in); k < len(p.Constants) {
			return place{kind: "global", name: p.Constants[k].String()}
		}
	case lua.OP_GETUPVAL:
		if k := argB(in); k < len(p.DbgUpvalues) {
			return place{kind: "upvalue", name: p.DbgUpvalues[k]}
		}
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
		if register != argA(in) || !deeper { // the object that a method is called of
			return place{}
		}
		found := place{kind: "field", name: "?"}
		if op == lua.OP_SELF {
			found.kind = "method"
		}
		if k := argC(in) &^ isConstant; argC(in)&isConstant != 0 && k < len(p.Constants) {
			if key, ok := p.Constants[k].(lua.LString); ok {
				found.name = string(key)
			}
		}
		found.of = placeWithin(p, at, argB(in), false).name
		return found
	}
	return place{}
}

func local(name string) place {
	if name == "" || strings.HasPrefix(name, "(") { // a hidden one, of a loop
		return place{}
	}
	return place{kind: "local", name: name}
}

// localAt is the local variable in a register; "" where it is not known. The
// library writes the end of a variable's scope to the one whose number is that
// of its register: where blocks used a register one after the other, some have
// no end, and the ends of the others are not to be relied on.
func localAt(p *lua.FunctionProto, pc, register int) string {
	if register >= len(p.DbgLocals) {
		return ""
	}
	if register < int(p.NumParameters) {
		return p.DbgLocals[register].Name
	}
	for _, l := range p.DbgLocals {
		if l.EndPc == 0 {
			return ""
		}
	}
	if l := p.DbgLocals[register]; l.StartPc <= pc && pc <= l.EndPc {
		return l.Name
	}
	return ""
}

// declaredAt reports whether a local variable was declared behind the instruction
// at, and not behind pc: what at wrote is no intermediate value then. name is that
// of the i-th of the n registers, if the declaration came at once.
func declaredAt(p *lua.FunctionProto, at, pc, i, n int) (name string, declared bool) {
	var names []string
	for _, l := range p.DbgLocals {
		if l.StartPc == at+1 {
			names = append(names, l.Name)
		}
		declared = declared || l.StartPc > at && l.StartPc <= pc
	}
	if declared && len(names) == n {
		name = names[i]
	}
	return name, declared
}

// writtenAt is the last instruction before pc that wrote to a register, and the
// registers that it wrote to; -1 when there is none.
func writtenAt(p *lua.FunctionProto, pc, register int) (at, first, last int) {
	at = -1
	for i := 0; i < pc; i++ {
		in := p.Code[i]
		if from, to := written(in); from <= register && register <= to {
			at, first, last = i, from, to
		}
		if opOf(in) == lua.OP_CLOSURE && argX(in) < len(p.FunctionPrototypes) {
			i += int(p.FunctionPrototypes[argX(in)].NumUpvalues) // they say where its upvalues are
		}
	}
	return at, first, last
}

// written are the registers that an instruction writes to.
func written(in uint32) (first, last int) {
	a := argA(in)
	upTo := func(n int) (int, int) { // n is one more than how many, or 0: what there is
		if n == 0 {
			return a, math.MaxInt
		}
		return a, a + n - 2
	}
	switch opOf(in) {
	case lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETTABLE, lua.OP_SETTABLEKS, lua.OP_JMP, lua.OP_EQ, lua.OP_LT, lua.OP_LE,
		lua.OP_TEST, lua.OP_TAILCALL, lua.OP_RETURN, lua.OP_SETLIST, lua.OP_CLOSE, lua.OP_NOP:
		return 0, -1
	case lua.OP_LOADNIL:
		return a, argB(in)
	case lua.OP_SELF:
		return a, a + 1
	case lua.OP_CALL:
		return upTo(argC(in))
	case lua.OP_VARARG:
		return upTo(argB(in))
	case lua.OP_FORLOOP:
		return a, a + 3
	case lua.OP_TFORLOOP:
		return a + 2, a + 3 + argC(in)
	}
	return a, a
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
