package loader

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// cutForms takes out of a chunk, in place, what only loading looks at: the form
// constructors, and the texts about the plugin. Building a form costs a run more
// than everything else together. Only what is a pure literal is cut, and only if
// nothing in the file could tell the difference; in doubt it does nothing.
func cutForms(chunk []ast.Stmt) {
	c := &cutter{plugins: map[string]bool{}}
	c.survey(chunk)
	o := &observer{cutter: c, reads: map[string]bool{}}
	o.chunk(chunk)
	if o.escaped || c.formsName != "" && o.declared != 1 {
		return
	}
	c.cut(chunk, o.reads)
	after := &observer{cutter: c, reads: map[string]bool{}}
	after.chunk(chunk)
	if c.formsRequired != nil && after.formsUses == 0 {
		*c.formsRequired = nilAt((*c.formsRequired).Line())
	}
}

type cutter struct {
	formsName     string // the local that holds the module forms; "" is none
	formsRequired *ast.Expr
	plugins       map[string]bool // locals that hold a plugin's table
	tables        []*ast.TableExpr
}

// loadKeys are the keys of a plugin that the host reads while loading alone.
func loadKeys() []string {
	keys := []string{"name", "slug", "version", "author", "summary", "font_icon", "homepage", "license",
		"channel", "needs", "settings_from", "plugin_variables"}
	for _, name := range formNames() {
		keys = append(keys, string(name))
	}
	return keys
}

// survey finds `local forms = require "forms"` and the tables of the plugins:
// those that the file returns.
func (c *cutter) survey(chunk []ast.Stmt) {
	if len(chunk) == 0 {
		return
	}
	last, ok := chunk[len(chunk)-1].(*ast.ReturnStmt)
	if !ok || len(last.Exprs) != 1 {
		return
	}
	c.returned(last.Exprs[0])
	if t, ok := last.Exprs[0].(*ast.TableExpr); ok && positional(t) {
		for _, f := range t.Fields {
			c.returned(f.Value)
		}
	}
	for _, s := range chunk {
		local, ok := s.(*ast.LocalAssignStmt)
		if !ok {
			continue
		}
		for i, name := range local.Names {
			if i >= len(local.Exprs) {
				break
			}
			if requiresForms(local.Exprs[i]) {
				c.formsName, c.formsRequired = name, &local.Exprs[i]
			}
			if t, ok := local.Exprs[i].(*ast.TableExpr); ok && c.plugins[name] {
				c.tables = append(c.tables, t)
			}
		}
	}
}

func (c *cutter) returned(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		c.plugins[e.Value] = true
	case *ast.TableExpr:
		if !positional(e) {
			c.tables = append(c.tables, e)
		}
	}
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

// cut removes the keys that nobody reads.
func (c *cutter) cut(chunk []ast.Stmt, reads map[string]bool) {
	idle := func(key string, value ast.Expr) bool {
		return slices.Contains(loadKeys(), key) && !reads[key] && c.pure(value)
	}
	for _, t := range c.tables {
		left := 0
		t.Fields = slices.DeleteFunc(t.Fields, func(f *ast.Field) bool {
			key, ok := f.Key.(*ast.StringExpr)
			// One text stays: a table that begins empty is given room for 32 keys.
			if _, text := f.Value.(*ast.StringExpr); text && left == 0 || !ok || !idle(key.Value, f.Value) {
				left++
				return false
			}
			return true
		})
	}
	for _, s := range chunk {
		assign, ok := s.(*ast.AssignStmt)
		if !ok {
			continue
		}
		for i, target := range assign.Lhs {
			attr, ok := target.(*ast.AttrGetExpr)
			if !ok || i >= len(assign.Rhs) {
				continue
			}
			if name, key, ok := attribute(attr); ok && c.plugins[name] && idle(key, assign.Rhs[i]) {
				assign.Rhs[i] = nilAt(assign.Rhs[i].Line())
			}
		}
	}
}

func nilAt(line int) ast.Expr {
	e := &ast.NilExpr{}
	e.SetLine(line)
	return e
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
		return ok && c.formsName != "" && name == c.formsName
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil && !c.pure(f.Key) || !c.pure(f.Value) {
				return false
			}
		}
		return true
	case *ast.FuncCallExpr:
		fn, ok := e.Func.(*ast.AttrGetExpr)
		return ok && e.Receiver == nil && c.pure(fn) && !slices.ContainsFunc(e.Args, func(arg ast.Expr) bool { return !c.pure(arg) })
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
