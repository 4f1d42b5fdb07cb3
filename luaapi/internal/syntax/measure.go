package syntax

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// measurer measures a syntax tree. It stops at the first complaint, and never
// goes deeper than MaxNesting.
type measurer struct {
	name  string
	depth int
	// constants of the function that is being walked: names and values. The
	// compiler searches their list from the front for each of them.
	constants map[string]struct{}
	err       error
}

// measure refuses a chunk that would take the compiler long; its error is a
// *SourceError.
func measure(name string, chunk []ast.Stmt) error {
	m := &measurer{name: name, constants: map[string]struct{}{}}
	WalkBlock(m, chunk)
	return m.err
}

func (m *measurer) refuse(line int, format string, args ...any) {
	if m.err == nil {
		m.err = &SourceError{Name: m.name, Line: line, Message: fmt.Sprintf(format, args...)}
	}
}

// deeper goes one level deeper, unless that is too deep or all is over.
func (m *measurer) deeper(line int) bool {
	if m.err == nil && m.depth >= MaxNesting {
		m.refuse(line, "nested more than %d levels deep", MaxNesting)
	}
	if m.err != nil {
		return false
	}
	m.depth++
	return true
}

// Leave comes back from a node.
func (m *measurer) Leave(Node) { m.depth-- }

// Enter measures a node.
func (m *measurer) Enter(n Node) bool {
	if !m.deeper(n.Line()) {
		return false
	}
	switch n := n.(type) {
	case *ast.IdentExpr:
		m.constant(n.Line(), n.Value)
	case *ast.NumberExpr:
		m.constant(n.Line(), n.Value)
	case *ast.StringExpr:
		m.constant(n.Line(), n.Value)
	case *ast.TableExpr:
		if len(n.Fields) > MaxEntries {
			m.refuse(n.Line(), "more than %d entries in one table constructor", MaxEntries)
		}
	case *ast.FuncCallExpr:
		if n.Method != "" {
			m.constant(n.Line(), n.Method)
		}
	case *ast.FuncDefStmt:
		WalkExprs(m, n.Name.Func, n.Name.Receiver)
		m.function(n.Func)
		m.depth--
		return false
	case *ast.FunctionExpr:
		m.function(n)
		m.depth--
		return false
	case *ast.StringConcatOpExpr:
		m.chain(n)
		m.depth--
		return false
	case *ast.ArithmeticOpExpr:
		if n.Operator == "^" {
			m.chain(n)
			m.depth--
			return false
		}
	}
	return true
}

func (m *measurer) function(f *ast.FunctionExpr) {
	if !m.deeper(f.Line()) {
		return
	}
	outer := m.constants
	m.constants = map[string]struct{}{}
	WalkBlock(m, f.Stmts)
	m.constants = outer
	m.depth--
}

// constant counts a name or value of the function.
func (m *measurer) constant(line int, value string) {
	m.constants[value] = struct{}{}
	if len(m.constants) > MaxConstants {
		m.refuse(line, "more than %d constants in one function", MaxConstants)
	}
}

// chain walks the operands of a..b..c or a^b^c, which nest to the right, on
// one level.
func (m *measurer) chain(e ast.Expr) {
	line := e.Line()
	for operands := 1; e != nil; operands++ {
		if operands > MaxChain {
			m.refuse(line, "more than %d operands in one chain", MaxChain)
			return
		}
		switch x := e.(type) {
		case *ast.StringConcatOpExpr:
			WalkExprs(m, x.Lhs)
			e = x.Rhs
			continue
		case *ast.ArithmeticOpExpr:
			if x.Operator == "^" {
				WalkExprs(m, x.Lhs)
				e = x.Rhs
				continue
			}
		}
		WalkExprs(m, e)
		return
	}
}
