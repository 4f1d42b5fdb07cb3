package luaapi

import (
	"github.com/yuin/gopher-lua/ast"
)

// cutForms empties the form constructors of a chunk in place, where they are
// pure literals and nothing else in the file can look at them: building a form
// costs a run more than everything else together. It does nothing in doubt.
func cutForms(chunk []ast.Stmt) {
	c := &cutter{}
	c.survey(chunk)
	if c.formsName == "" || c.observed(chunk) {
		return
	}
	for _, cut := range c.cuts {
		if c.pure(*cut) {
			line := (*cut).Line()
			empty := &ast.TableExpr{}
			empty.SetLine(line)
			*cut = empty
		}
	}
}

type cutter struct {
	formsName string          // the local that holds the module forms
	plugins   map[string]bool // locals that hold a table with forms
	cuts      []*ast.Expr
	keys      int // places where a form's key is written as such
}

func isFormKey(key string) bool {
	for _, name := range formNames() {
		if string(name) == key {
			return true
		}
	}
	return false
}

// survey finds `local forms = require "forms"` and the places of the forms.
func (c *cutter) survey(chunk []ast.Stmt) {
	c.plugins = map[string]bool{}
	for _, s := range chunk {
		switch s := s.(type) {
		case *ast.LocalAssignStmt:
			for i, name := range s.Names {
				if i >= len(s.Exprs) {
					continue
				}
				if requiresForms(s.Exprs[i]) {
					c.formsName = name
				}
				if c.table(s.Exprs[i]) {
					c.plugins[name] = true
				}
			}
		case *ast.AssignStmt:
			for i, target := range s.Lhs {
				attr, ok := target.(*ast.AttrGetExpr)
				if !ok || i >= len(s.Rhs) {
					continue
				}
				if name, key, ok := attribute(attr); ok && isFormKey(key) {
					c.plugins[name] = true
					c.keys++
					c.cuts = append(c.cuts, &s.Rhs[i])
				}
			}
		case *ast.ReturnStmt:
			for _, e := range s.Exprs {
				c.returned(e)
			}
		}
	}
}

func (c *cutter) returned(e ast.Expr) {
	c.table(e)
	if t, ok := e.(*ast.TableExpr); ok && positional(t) {
		for _, f := range t.Fields {
			c.table(f.Value)
		}
	}
}

// table notes the forms in a plugin's table; it reports whether there were any.
func (c *cutter) table(e ast.Expr) bool {
	t, ok := e.(*ast.TableExpr)
	if !ok {
		return false
	}
	before := len(c.cuts)
	for _, f := range t.Fields {
		if key, ok := f.Key.(*ast.StringExpr); ok && isFormKey(key.Value) {
			c.keys++
			c.cuts = append(c.cuts, &f.Value)
		}
	}
	return len(c.cuts) > before
}

func requiresForms(e ast.Expr) bool {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok || call.Receiver != nil || len(call.Args) != 1 {
		return false
	}
	fn, isIdent := call.Func.(*ast.IdentExpr)
	name, isString := call.Args[0].(*ast.StringExpr)
	return isIdent && fn.Value == "require" && isString && name.Value == "forms"
}

// pure reports whether building e does nothing but build it.
func (c *cutter) pure(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.TrueExpr, *ast.FalseExpr, *ast.NilExpr, *ast.NumberExpr, *ast.StringExpr, *ast.FunctionExpr, *ast.IdentExpr:
		return true
	case *ast.UnaryMinusOpExpr:
		_, ok := e.Expr.(*ast.NumberExpr)
		return ok
	case *ast.StringConcatOpExpr:
		return c.text(e.Lhs) && c.text(e.Rhs)
	case *ast.AttrGetExpr:
		name, _, ok := attribute(e)
		return ok && name == c.formsName
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil && !c.pure(f.Key) || !c.pure(f.Value) {
				return false
			}
		}
		return true
	case *ast.FuncCallExpr:
		fn, ok := e.Func.(*ast.AttrGetExpr)
		if !ok || e.Receiver != nil || !c.pure(fn) {
			return false
		}
		for _, arg := range e.Args {
			if !c.pure(arg) {
				return false
			}
		}
		return true
	}
	return false
}

func (c *cutter) text(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StringExpr, *ast.NumberExpr:
		return true
	case *ast.StringConcatOpExpr:
		return c.text(e.Lhs) && c.text(e.Rhs)
	}
	return false
}

// observed reports whether the file may look at its own forms, or at its plugin
// table as a whole, or gives the name forms another meaning.
func (c *cutter) observed(chunk []ast.Stmt) bool {
	o := &observer{cutter: c}
	o.block(chunk, true)
	return o.escaped || o.keys != c.keys || o.forms != 1
}
