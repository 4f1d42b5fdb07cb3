package loader

import (
	"github.com/yuin/gopher-lua/ast"

	"moonwatch/luaapi/internal/syntax"
)

// observer walks a whole file and notes what could see a plugin's table: the
// keys that are read by their names, and whether the table is ever used as a
// value or with a key that is computed, when all bets are off.
type observer struct {
	*cutter
	reads     map[string]bool
	declared  int // declarations of the name that holds the module forms
	formsUses int
	escaped   bool
}

// isPlugin reports whether name stands for a plugin's table.
func (o *observer) isPlugin(name string) bool { return name == "self" || o.plugins[name] }

// chunk looks through a whole file.
func (o *observer) chunk(stmts []ast.Stmt) {
	for _, s := range stmts {
		if ret, ok := s.(*ast.ReturnStmt); ok {
			o.returns(ret)
			continue
		}
		syntax.Walk(o, s)
	}
}

func (o *observer) declare(names ...string) {
	for _, name := range names {
		if name == o.formsName {
			o.declared++
		}
	}
}

// Leave does nothing: all is noted on the way in.
func (o *observer) Leave(syntax.Node) {}

// Enter notes what a node does with a plugin's table. Where a table may be named,
// the name is not walked into.
func (o *observer) Enter(n syntax.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, e := range n.Lhs {
			o.target(e)
		}
		o.exprs(n.Rhs...)
		return false
	case *ast.FuncDefStmt:
		if target, ok := n.Name.Func.(*ast.AttrGetExpr); ok {
			o.target(target)
		}
		o.exprs(n.Func)
		return false
	case *ast.LocalAssignStmt:
		o.declare(n.Names...)
	case *ast.NumberForStmt:
		o.declare(n.Name)
	case *ast.GenericForStmt:
		o.declare(n.Names...)
	case *ast.FunctionExpr:
		if n.ParList != nil {
			o.declare(n.ParList.Names...)
		}
	case *ast.IdentExpr:
		o.escaped = o.escaped || o.isPlugin(n.Value)
		if n.Value == o.formsName {
			o.formsUses++
		}
	case *ast.AttrGetExpr: // a plugin's table may be read by a name that is written out
		if name, key, ok := attribute(n); ok && o.isPlugin(name) {
			o.reads[key] = true
			return false
		}
	case *ast.FuncCallExpr:
		if ident, ok := n.Receiver.(*ast.IdentExpr); ok && o.isPlugin(ident.Value) {
			o.reads[n.Method] = true
			o.exprs(n.Args...)
			return false
		}
	}
	return true
}

// returns lets the file return its plugins, at its top level; anywhere else a
// plugin table that is returned has escaped.
func (o *observer) returns(s *ast.ReturnStmt) {
	for _, e := range s.Exprs {
		if ident, ok := e.(*ast.IdentExpr); ok && o.isPlugin(ident.Value) {
			continue
		}
		if t, ok := e.(*ast.TableExpr); ok && positional(t) {
			for _, f := range t.Fields {
				if ident, ok := f.Value.(*ast.IdentExpr); !ok || !o.isPlugin(ident.Value) {
					o.exprs(f.Value)
				}
			}
			continue
		}
		o.exprs(e)
	}
}

// target is what an assignment writes to: writing to a plugin's key is no look at it.
func (o *observer) target(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if e.Value == o.formsName || o.isPlugin(e.Value) {
			o.escaped = true
		}
	case *ast.AttrGetExpr:
		if name, _, ok := attribute(e); !ok || !o.isPlugin(name) {
			o.exprs(e)
		}
	}
}

func (o *observer) exprs(exprs ...ast.Expr) { syntax.WalkExprs(o, exprs...) }
