package lualib

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// walker measures a syntax tree. It stops at the first complaint, and never
// goes deeper than MaxNesting.
type walker struct {
	name  string
	depth int
	// constants of the function that is being walked: names and values. The
	// compiler searches their list from the front for each of them.
	constants map[string]struct{}
	names     map[string]struct{} // collects all names when it is not nil
	mend      bool                // put mended statements in place of others
	err       error
}

func (w *walker) chunk(stmts []ast.Stmt) error {
	w.constants = map[string]struct{}{}
	w.block(stmts)
	return w.err
}

func (w *walker) refuse(line int, format string, args ...any) {
	if w.err == nil {
		w.err = &SourceError{Name: w.name, Line: line, Message: fmt.Sprintf(format, args...)}
	}
}

// enter goes one level deeper, unless that is too deep or all is over.
func (w *walker) enter(line int) bool {
	if w.err == nil && w.depth >= MaxNesting {
		w.refuse(line, "nested more than %d levels deep", MaxNesting)
	}
	if w.err != nil {
		return false
	}
	w.depth++
	return true
}

func (w *walker) leave() { w.depth-- }

func (w *walker) block(stmts []ast.Stmt) {
	for i, s := range stmts {
		w.stmt(s)
		if w.mend {
			stmts[i] = mended(s)
		}
	}
}

func (w *walker) stmt(s ast.Stmt) {
	if !w.enter(s.Line()) {
		return
	}
	defer w.leave()
	switch s := s.(type) {
	case *ast.AssignStmt:
		w.exprs(s.Lhs...)
		w.exprs(s.Rhs...)
	case *ast.LocalAssignStmt:
		w.exprs(s.Exprs...)
	case *ast.FuncCallStmt:
		w.exprs(s.Expr)
	case *ast.DoBlockStmt:
		w.block(s.Stmts)
	case *ast.WhileStmt:
		w.exprs(s.Condition)
		w.block(s.Stmts)
	case *ast.RepeatStmt:
		w.block(s.Stmts)
		w.exprs(s.Condition)
	case *ast.IfStmt:
		w.exprs(s.Condition)
		w.block(s.Then)
		w.block(s.Else)
	case *ast.NumberForStmt:
		w.exprs(s.Init, s.Limit, s.Step)
		w.block(s.Stmts)
	case *ast.GenericForStmt:
		w.exprs(s.Exprs...)
		w.block(s.Stmts)
	case *ast.FuncDefStmt:
		w.exprs(s.Name.Func, s.Name.Receiver)
		w.function(s.Func)
	case *ast.ReturnStmt:
		w.exprs(s.Exprs...)
	}
}

func (w *walker) function(f *ast.FunctionExpr) {
	if !w.enter(f.Line()) {
		return
	}
	outer := w.constants
	w.constants = map[string]struct{}{}
	w.block(f.Stmts)
	w.constants = outer
	w.leave()
}

// constant counts a name or value of the function.
func (w *walker) constant(line int, value string) {
	w.constants[value] = struct{}{}
	if len(w.constants) > MaxConstants {
		w.refuse(line, "more than %d constants in one function", MaxConstants)
	}
}

func (w *walker) exprs(exprs ...ast.Expr) {
	for _, e := range exprs {
		w.expr(e)
	}
}

func (w *walker) expr(e ast.Expr) {
	if e == nil || !w.enter(e.Line()) {
		return
	}
	defer w.leave()
	switch e := e.(type) {
	case *ast.IdentExpr:
		w.constant(e.Line(), e.Value)
		if w.names != nil {
			w.names[e.Value] = struct{}{}
		}
	case *ast.NumberExpr:
		w.constant(e.Line(), e.Value)
	case *ast.StringExpr:
		w.constant(e.Line(), e.Value)
	case *ast.AttrGetExpr:
		w.exprs(e.Object, e.Key)
	case *ast.TableExpr:
		w.table(e)
	case *ast.FuncCallExpr:
		w.exprs(e.Func, e.Receiver)
		if e.Method != "" {
			w.constant(e.Line(), e.Method)
		}
		w.exprs(e.Args...)
	case *ast.LogicalOpExpr:
		w.exprs(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		w.exprs(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		w.chain(e)
	case *ast.ArithmeticOpExpr:
		if e.Operator == "^" {
			w.chain(e)
		} else {
			w.exprs(e.Lhs, e.Rhs)
		}
	case *ast.UnaryMinusOpExpr:
		w.exprs(e.Expr)
	case *ast.UnaryNotOpExpr:
		w.exprs(e.Expr)
	case *ast.UnaryLenOpExpr:
		w.exprs(e.Expr)
	case *ast.FunctionExpr:
		w.function(e)
	}
}

// chain walks the operands of a..b..c or a^b^c, which nest to the right, on
// one level.
func (w *walker) chain(e ast.Expr) {
	line := e.Line()
	for operands := 1; e != nil; operands++ {
		if operands > MaxChain {
			w.refuse(line, "more than %d operands in one chain", MaxChain)
			return
		}
		switch x := e.(type) {
		case *ast.StringConcatOpExpr:
			w.expr(x.Lhs)
			e = x.Rhs
		case *ast.ArithmeticOpExpr:
			if x.Operator != "^" {
				w.expr(e)
				return
			}
			w.expr(x.Lhs)
			e = x.Rhs
		default:
			w.expr(e)
			return
		}
	}
}

func (w *walker) table(t *ast.TableExpr) {
	if len(t.Fields) > MaxEntries {
		w.refuse(t.Line(), "more than %d entries in one table constructor", MaxEntries)
		return
	}
	for _, f := range t.Fields {
		w.exprs(f.Key, f.Value)
	}
}
