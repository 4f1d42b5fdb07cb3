package luaapi

import (
	"github.com/yuin/gopher-lua/ast"
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

func (o *observer) block(stmts []ast.Stmt, top bool) {
	for _, s := range stmts {
		o.stmt(s, top)
	}
}

func (o *observer) declare(names ...string) {
	for _, name := range names {
		if name == o.formsName {
			o.declared++
		}
	}
}

func (o *observer) stmt(s ast.Stmt, top bool) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		for _, e := range s.Lhs {
			o.target(e)
		}
		o.exprs(s.Rhs...)
	case *ast.LocalAssignStmt:
		o.declare(s.Names...)
		o.exprs(s.Exprs...)
	case *ast.FuncCallStmt:
		o.expr(s.Expr)
	case *ast.DoBlockStmt:
		o.block(s.Stmts, false)
	case *ast.WhileStmt:
		o.expr(s.Condition)
		o.block(s.Stmts, false)
	case *ast.RepeatStmt:
		o.block(s.Stmts, false)
		o.expr(s.Condition)
	case *ast.IfStmt:
		o.expr(s.Condition)
		o.block(s.Then, false)
		o.block(s.Else, false)
	case *ast.NumberForStmt:
		o.declare(s.Name)
		o.exprs(s.Init, s.Limit, s.Step)
		o.block(s.Stmts, false)
	case *ast.GenericForStmt:
		o.declare(s.Names...)
		o.exprs(s.Exprs...)
		o.block(s.Stmts, false)
	case *ast.FuncDefStmt:
		if target, ok := s.Name.Func.(*ast.AttrGetExpr); ok {
			o.target(target)
		}
		o.function(s.Func)
	case *ast.ReturnStmt:
		o.returns(s, top)
	}
}

// returns lets the file return its plugins; anywhere else a plugin table that is
// returned has escaped.
func (o *observer) returns(s *ast.ReturnStmt, top bool) {
	for _, e := range s.Exprs {
		if ident, ok := e.(*ast.IdentExpr); ok && top && o.isPlugin(ident.Value) {
			continue
		}
		if t, ok := e.(*ast.TableExpr); ok && top && positional(t) {
			for _, f := range t.Fields {
				if ident, ok := f.Value.(*ast.IdentExpr); !ok || !o.isPlugin(ident.Value) {
					o.expr(f.Value)
				}
			}
			continue
		}
		o.expr(e)
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
			o.expr(e)
		}
	}
}

func (o *observer) function(f *ast.FunctionExpr) {
	if f.ParList != nil {
		o.declare(f.ParList.Names...)
	}
	o.block(f.Stmts, false)
}

func (o *observer) exprs(exprs ...ast.Expr) {
	for _, e := range exprs {
		o.expr(e)
	}
}

func (o *observer) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		// In every allowed place the identifier is not walked into.
		if o.isPlugin(e.Value) {
			o.escaped = true
		}
		if e.Value == o.formsName {
			o.formsUses++
		}
	case *ast.AttrGetExpr:
		o.attribute(e)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			o.exprs(f.Key, f.Value)
		}
	case *ast.FuncCallExpr:
		o.exprs(e.Func)
		if ident, ok := e.Receiver.(*ast.IdentExpr); ok && o.isPlugin(ident.Value) {
			o.reads[e.Method] = true
		} else {
			o.exprs(e.Receiver)
		}
		o.exprs(e.Args...)
	case *ast.LogicalOpExpr:
		o.exprs(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		o.exprs(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		o.exprs(e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		o.exprs(e.Lhs, e.Rhs)
	case *ast.UnaryMinusOpExpr:
		o.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		o.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		o.expr(e.Expr)
	case *ast.FunctionExpr:
		o.function(e)
	}
}

// attribute allows reading a plugin's table by a name that is written out.
func (o *observer) attribute(e *ast.AttrGetExpr) {
	if name, key, ok := attribute(e); ok && o.isPlugin(name) {
		o.reads[key] = true
		return
	}
	o.exprs(e.Object, e.Key)
}
