package loader

import (
	"github.com/yuin/gopher-lua/ast"
)

// outline is where a file writes the keys of the tables that it returns. It is
// read from the syntax tree, and as good as the file is plain: a key that is set
// in some other way is found at its first mention, else at the return.
type outline struct {
	tables     map[string]*keyLines // by the name of the local or global
	returned   []*keyLines          // in order; one when the file returns the plugin itself
	returnLine int
}

// keyLines are the lines of one table's keys.
type keyLines struct {
	line int
	keys map[string]int
}

func newKeyLines(line int) *keyLines { return &keyLines{line: line, keys: map[string]int{}} }

func (k *keyLines) note(key string, line int) {
	if _, ok := k.keys[key]; !ok && line > 0 {
		k.keys[key] = line
	}
}

func (k *keyLines) table(t *ast.TableExpr) {
	for _, f := range t.Fields {
		if key, ok := f.Key.(*ast.StringExpr); ok {
			line := key.Line()
			if line == 0 {
				line = f.Value.Line()
			}
			k.note(key.Value, line)
		}
	}
}

// newOutline reads the top level of a file.
func newOutline(chunk []ast.Stmt) *outline {
	o := &outline{tables: map[string]*keyLines{}}
	for _, s := range chunk {
		switch s := s.(type) {
		case *ast.LocalAssignStmt:
			for i, name := range s.Names {
				if i < len(s.Exprs) {
					o.assign(name, s.Exprs[i])
				}
			}
		case *ast.AssignStmt:
			for i, target := range s.Lhs {
				if i < len(s.Rhs) {
					o.assignTo(target, s.Rhs[i])
				}
			}
		case *ast.FuncDefStmt:
			o.function(s)
		case *ast.ReturnStmt:
			o.returnLine = s.Line()
			if len(s.Exprs) > 0 {
				o.returns(s.Exprs[0])
			}
		}
	}
	return o
}

func (o *outline) of(name string) *keyLines {
	if o.tables[name] == nil {
		o.tables[name] = newKeyLines(0)
	}
	return o.tables[name]
}

func (o *outline) assign(name string, e ast.Expr) {
	if t := tableIn(e); t != nil {
		k := o.of(name)
		k.line = t.Line()
		k.table(t)
	}
}

// tableIn is the constructor in an expression: the expression itself, or the
// first argument of a call such as setmetatable({…}, …).
func tableIn(e ast.Expr) *ast.TableExpr {
	switch e := e.(type) {
	case *ast.TableExpr:
		return e
	case *ast.FuncCallExpr:
		if len(e.Args) > 0 {
			return tableIn(e.Args[0])
		}
	}
	return nil
}

func (o *outline) assignTo(target, value ast.Expr) {
	switch target := target.(type) {
	case *ast.IdentExpr:
		o.assign(target.Value, value)
	case *ast.AttrGetExpr:
		if name, key, ok := attribute(target); ok {
			o.of(name).note(key, target.Key.Line())
		}
	}
}

// attribute reads `name.key`.
func attribute(e *ast.AttrGetExpr) (name, key string, ok bool) {
	object, isIdent := e.Object.(*ast.IdentExpr)
	field, isString := e.Key.(*ast.StringExpr)
	if !isIdent || !isString {
		return "", "", false
	}
	return object.Value, field.Value, true
}

func (o *outline) function(s *ast.FuncDefStmt) {
	if object, ok := s.Name.Receiver.(*ast.IdentExpr); ok {
		o.of(object.Value).note(s.Name.Method, s.Line())
		return
	}
	if target, ok := s.Name.Func.(*ast.AttrGetExpr); ok {
		if name, key, ok := attribute(target); ok {
			o.of(name).note(key, s.Line())
		}
	}
}

func (o *outline) returns(e ast.Expr) {
	t, ok := e.(*ast.TableExpr)
	if ok && positional(t) {
		for _, f := range t.Fields {
			o.returned = append(o.returned, o.keyed(f.Value))
		}
		return
	}
	o.returned = []*keyLines{o.keyed(e)}
}

func positional(t *ast.TableExpr) bool {
	return len(t.Fields) > 0 && t.Fields[0].Key == nil
}

// keyed is what is known of the table that an expression stands for.
func (o *outline) keyed(e ast.Expr) *keyLines {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return o.of(e.Value)
	case *ast.TableExpr:
		k := newKeyLines(e.Line())
		k.table(e)
		return k
	case *ast.FuncCallExpr:
		if len(e.Args) > 0 {
			return o.keyed(e.Args[0])
		}
	}
	return newKeyLines(e.Line())
}

// line is where the key of the n-th returned table (from 0) is written, else
// where the table is, else where the file returns.
func (o *outline) line(n int, key string) int {
	if n < len(o.returned) {
		k := o.returned[n]
		if line := k.keys[key]; line > 0 {
			return line
		}
		if line := o.mention(key); line > 0 {
			return line
		}
		if k.line > 0 {
			return k.line
		}
	} else if line := o.mention(key); line > 0 {
		return line
	}
	return o.returnLine
}

// mention is the one line at which any table of the file has the key.
func (o *outline) mention(key string) int {
	found := 0
	for _, k := range o.tables {
		if line := k.keys[key]; line > 0 && !o.isReturned(k) {
			if found > 0 {
				return 0
			}
			found = line
		}
	}
	return found
}

func (o *outline) isReturned(k *keyLines) bool {
	for _, r := range o.returned {
		if r == k {
			return true
		}
	}
	return false
}
