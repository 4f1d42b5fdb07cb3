package patch

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Compile compiles a chunk that Parse of package syntax returned, and changes it
// on the way. It panics where the library does.
//
// Upstream: every file is compiled as a function with a table of its arguments,
// which costs each run 3 KB; a table that is written as {} makes room for 32
// named entries when it gets its first, 2 KB; and a prototype keeps the spare room
// of its lists.
func Compile(chunk []ast.Stmt, name string) (*lua.FunctionProto, error) {
	Mend(chunk)
	proto, err := lua.Compile(chunk, name)
	if err != nil {
		return nil, err
	}
	proto.IsVarArg &^= lua.VarArgNeedsArg // the file's own arguments: there are none
	trim(proto)
	return proto, nil
}

// hintOne is the hint of one named entry in an instruction that makes a table.
const hintOne = 1 << 9

// hint has each {} of a function begin with room for a few named entries.
func hint(code []uint32) {
	for i, c := range code {
		if int(c>>26) == lua.OP_NEWTABLE && argB(c) == 0 && argC(c) == 0 {
			code[i] |= hintOne
		}
	}
}

// trim drops the room that the compiler left in a function and in those
// inside it, some kilobytes each for as long as the plugin is loaded, and hints at
// the size of their tables.
func trim(p *lua.FunctionProto) {
	p.Code = slices.Clone(p.Code)
	hint(p.Code)
	p.Constants = slices.Clone(p.Constants)
	p.FunctionPrototypes = slices.Clone(p.FunctionPrototypes)
	p.DbgSourcePositions = slices.Clone(p.DbgSourcePositions)
	p.DbgLocals = slices.Clone(p.DbgLocals)
	p.DbgCalls = slices.Clone(p.DbgCalls)
	p.DbgUpvalues = slices.Clone(p.DbgUpvalues)
	for _, inner := range p.FunctionPrototypes {
		trim(inner)
	}
}
