package patch

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"

	"moonwatch/luaapi/internal/syntax"
)

// Mend rewrites, in place, what the compiler gets wrong in a chunk that syntax.Parse
// returned:
//
//   - "a, b, c = c, a, b" writes a local before all the values have been read,
//     and an assignment to several places in tables loses its way between the
//     registers. Values are gathered first:
//     "do local v1, v2, v3 = c, a, b; c = v3; b = v2; a = v1 end".
//   - "for k, v in next, t do" sets as many of the loop's three values as there
//     are names, and takes what stands in the registers for the others. More
//     names are added.
//
// Names that are added hold a parenthesis, as no plugin's can.
func Mend(chunk []ast.Stmt) {
	syntax.Rewrite(chunk, mended)
}

// mended returns what stands in place of a statement.
func mended(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.GenericForStmt:
		mendFor(s)
	case *ast.AssignStmt:
		if interferes(s) {
			return gathered(s)
		}
	}
	return s
}

func mendFor(s *ast.GenericForStmt) {
	if len(s.Exprs) == 1 && yieldsMany(s.Exprs[0]) {
		return
	}
	for len(s.Names) < 3 {
		s.Names = append(s.Names, "(for value)")
	}
}

// yieldsMany reports whether an expression at the end of a list gives as many
// values as are wanted.
func yieldsMany(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// maxGathered bounds the places of an assignment that is rewritten: each takes
// up to three registers.
const maxGathered = 50

// interferes reports whether an assignment to several places has to be made in
// steps: when a place is inside a table, when a name on the left is read for
// another place, or when there are more values than places.
func interferes(s *ast.AssignStmt) bool {
	if len(s.Lhs)+len(s.Rhs) == 2 || len(s.Lhs) > maxGathered {
		return false
	}
	places := assigned(s)
	if len(places) < len(s.Lhs) || len(s.Rhs) > len(s.Lhs) {
		return true
	}
	for i, e := range s.Rhs {
		for name := range syntax.Names(e) {
			if place, ok := places[name]; ok && place != i {
				return true
			}
		}
	}
	return false
}

// assigned is where the names on the left stand. Which of them are locals is
// not known here.
func assigned(s *ast.AssignStmt) map[string]int {
	places := map[string]int{}
	for i, e := range s.Lhs {
		if name, ok := e.(*ast.IdentExpr); ok {
			places[name.Value] = i
		}
	}
	return places
}

// gathered is the assignment in steps: first the tables and keys on the left,
// then the values, then the stores, of which Lua makes the last one first.
func gathered(s *ast.AssignStmt) ast.Stmt {
	g := gatherer{at: s, assigned: assigned(s)}
	places := make([]ast.Expr, len(s.Lhs))
	for i, e := range s.Lhs {
		places[i] = e
		if at, ok := e.(*ast.AttrGetExpr); ok {
			place := &ast.AttrGetExpr{Object: g.kept(at.Object), Key: g.kept(at.Key)}
			setPlace(place, at)
			places[i] = place
		}
	}
	var stmts []ast.Stmt
	if len(g.names) > 0 {
		stmts = append(stmts, g.local(g.names, g.exprs))
	}
	values := make([]string, len(s.Lhs))
	for i := range values {
		values[i] = "(value " + strconv.Itoa(i) + ")"
	}
	stmts = append(stmts, g.local(values, s.Rhs))
	for i := len(places) - 1; i >= 0; i-- {
		one := &ast.AssignStmt{Lhs: places[i : i+1], Rhs: []ast.Expr{g.ident(values[i])}}
		setPlace(one, s)
		stmts = append(stmts, one)
	}
	block := &ast.DoBlockStmt{Stmts: stmts}
	setPlace(block, s)
	return block
}

// gatherer collects what an assignment's left side is found by.
type gatherer struct {
	at       ast.PositionHolder
	assigned map[string]int // names that change on the way
	names    []string
	exprs    []ast.Expr
}

// kept is an expression whose value does not change until it is used.
func (g *gatherer) kept(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case ast.ConstExpr:
		return e
	case *ast.IdentExpr:
		if _, changes := g.assigned[e.Value]; !changes {
			return e
		}
	}
	name := "(place " + strconv.Itoa(len(g.names)) + ")"
	g.names, g.exprs = append(g.names, name), append(g.exprs, e)
	return g.ident(name)
}

func (g *gatherer) ident(name string) ast.Expr {
	e := &ast.IdentExpr{Value: name}
	setPlace(e, g.at)
	return e
}

func (g *gatherer) local(names []string, exprs []ast.Expr) ast.Stmt {
	s := &ast.LocalAssignStmt{Names: names, Exprs: exprs}
	setPlace(s, g.at)
	return s
}

func setPlace(node, at ast.PositionHolder) {
	node.SetLine(at.Line())
	node.SetLastLine(at.LastLine())
}
