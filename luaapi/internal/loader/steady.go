package loader

import (
	"github.com/yuin/gopher-lua/ast"

	"moonwatch/luaapi/internal/syntax"
)

// steady reports whether a file's top level makes the same each time that it runs:
// it calls nothing but require, of a module that it names. Only calls can tell one
// time from another; metamethods would have to be set by one.
func steady(chunk []ast.Stmt) bool {
	c := &calls{}
	syntax.WalkBlock(c, chunk)
	return !c.others
}

// calls looks for calls outside of functions. It is a syntax.Visitor.
type calls struct{ others bool }

func (c *calls) Enter(n syntax.Node) bool {
	switch n := n.(type) {
	case *ast.FunctionExpr:
		return false // it does nothing until it is called
	case *ast.FuncCallExpr:
		c.others = c.others || !requires(n)
	case *ast.GenericForStmt: // it calls its iterator
		c.others = true
	case *ast.LocalAssignStmt:
		for _, name := range n.Names {
			c.others = c.others || name == "require"
		}
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			if id, ok := left.(*ast.IdentExpr); ok && id.Value == "require" {
				c.others = true
			}
		}
	case *ast.FuncDefStmt:
		if id, ok := n.Name.Func.(*ast.IdentExpr); ok && id.Value == "require" {
			c.others = true
		}
		return false
	}
	return !c.others
}

func (c *calls) Leave(syntax.Node) {}

// requires reports whether a call is require of a name that is written out.
func requires(n *ast.FuncCallExpr) bool {
	id, ok := n.Func.(*ast.IdentExpr)
	if !ok || id.Value != "require" || n.Receiver != nil || len(n.Args) != 1 {
		return false
	}
	_, ok = n.Args[0].(*ast.StringExpr)
	return ok
}
