package syntax

import "github.com/yuin/gopher-lua/ast"

// Node is a statement or an expression of gopher-lua's syntax tree.
type Node = ast.PositionHolder

// Visitor is what Walk calls. Enter reports whether the children of a node are
// walked; Leave is called after them, and only then.
type Visitor interface {
	Enter(Node) bool
	Leave(Node)
}

// Walk visits a node and what it holds, in the order in which it is written,
// but for the condition of an if, which comes before both of its branches. A nil
// node is passed over.
func Walk(v Visitor, n Node) {
	if n == nil || !v.Enter(n) {
		return
	}
	children(v, n)
	v.Leave(n)
}

// WalkBlock visits statements one after the other.
func WalkBlock(v Visitor, stmts []ast.Stmt) {
	for _, s := range stmts {
		Walk(v, s)
	}
}

// WalkExprs visits expressions one after the other.
func WalkExprs(v Visitor, exprs ...ast.Expr) {
	for _, e := range exprs {
		if e != nil {
			Walk(v, e)
		}
	}
}

// children visits what a node holds. It knows all nodes of the tree: what it
// does not name holds no other.
func children(v Visitor, n Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		WalkExprs(v, n.Lhs...)
		WalkExprs(v, n.Rhs...)
	case *ast.LocalAssignStmt:
		WalkExprs(v, n.Exprs...)
	case *ast.FuncCallStmt:
		WalkExprs(v, n.Expr)
	case *ast.DoBlockStmt:
		WalkBlock(v, n.Stmts)
	case *ast.WhileStmt:
		WalkExprs(v, n.Condition)
		WalkBlock(v, n.Stmts)
	case *ast.RepeatStmt:
		WalkBlock(v, n.Stmts)
		WalkExprs(v, n.Condition)
	case *ast.IfStmt:
		WalkExprs(v, n.Condition)
		WalkBlock(v, n.Then)
		WalkBlock(v, n.Else)
	case *ast.NumberForStmt:
		WalkExprs(v, n.Init, n.Limit, n.Step)
		WalkBlock(v, n.Stmts)
	case *ast.GenericForStmt:
		WalkExprs(v, n.Exprs...)
		WalkBlock(v, n.Stmts)
	case *ast.FuncDefStmt:
		WalkExprs(v, n.Name.Func, n.Name.Receiver, n.Func)
	case *ast.ReturnStmt:
		WalkExprs(v, n.Exprs...)
	case *ast.FunctionExpr:
		WalkBlock(v, n.Stmts)
	case *ast.AttrGetExpr:
		WalkExprs(v, n.Object, n.Key)
	case *ast.TableExpr:
		for _, f := range n.Fields {
			WalkExprs(v, f.Key, f.Value)
		}
	case *ast.FuncCallExpr:
		WalkExprs(v, n.Func, n.Receiver)
		WalkExprs(v, n.Args...)
	case *ast.LogicalOpExpr:
		WalkExprs(v, n.Lhs, n.Rhs)
	case *ast.RelationalOpExpr:
		WalkExprs(v, n.Lhs, n.Rhs)
	case *ast.StringConcatOpExpr:
		WalkExprs(v, n.Lhs, n.Rhs)
	case *ast.ArithmeticOpExpr:
		WalkExprs(v, n.Lhs, n.Rhs)
	case *ast.UnaryMinusOpExpr:
		WalkExprs(v, n.Expr)
	case *ast.UnaryNotOpExpr:
		WalkExprs(v, n.Expr)
	case *ast.UnaryLenOpExpr:
		WalkExprs(v, n.Expr)
	}
}

// blocks are the lists of statements that a node holds itself.
func blocks(n Node) [][]ast.Stmt {
	switch n := n.(type) {
	case *ast.DoBlockStmt:
		return [][]ast.Stmt{n.Stmts}
	case *ast.WhileStmt:
		return [][]ast.Stmt{n.Stmts}
	case *ast.RepeatStmt:
		return [][]ast.Stmt{n.Stmts}
	case *ast.IfStmt:
		return [][]ast.Stmt{n.Then, n.Else}
	case *ast.NumberForStmt:
		return [][]ast.Stmt{n.Stmts}
	case *ast.GenericForStmt:
		return [][]ast.Stmt{n.Stmts}
	case *ast.FunctionExpr:
		return [][]ast.Stmt{n.Stmts}
	}
	return nil
}

// Rewrite puts what change returns in place of every statement of a chunk, the
// inner ones first.
func Rewrite(chunk []ast.Stmt, change func(ast.Stmt) ast.Stmt) {
	r := rewriter(change)
	WalkBlock(r, chunk)
	r.block(chunk)
}

type rewriter func(ast.Stmt) ast.Stmt

func (r rewriter) Enter(Node) bool { return true }

func (r rewriter) Leave(n Node) {
	for _, stmts := range blocks(n) {
		r.block(stmts)
	}
}

func (r rewriter) block(stmts []ast.Stmt) {
	for i, s := range stmts {
		stmts[i] = r(s)
	}
}

// Names are the names in expressions, those in functions included.
func Names(exprs ...ast.Expr) map[string]struct{} {
	found := namer{}
	WalkExprs(found, exprs...)
	return found
}

type namer map[string]struct{}

func (found namer) Enter(n Node) bool {
	if name, ok := n.(*ast.IdentExpr); ok {
		found[name.Value] = struct{}{}
	}
	return true
}

func (namer) Leave(Node) {}
