package lint

import "moonwatch/luaapi/lint/internal/tree"

// paths reports paths through run or ping that do not return the result.
func (c *pluginRules) paths(p *Plugin, key string, f *tree.Node) {
	mayReturnNil := key == "ping" || p == nil || p.HasPing
	if mayReturnNil {
		return
	}
	tree.Walk(f.Body, func(n *tree.Node) bool {
		if n.Kind == tree.KindFunction {
			return false
		}
		if n.Kind == tree.KindReturn {
			c.runReturns(n)
		}
		return true
	})
	if falls(f.Body) {
		c.add(f.End, CodeReturn, "%s can end here without return result", key)
	}
}

// runReturns looks at one return of run.
func (c *pluginRules) runReturns(n *tree.Node) {
	if len(n.List) == 0 {
		c.add(n.Pos, CodeReturn, "run must return result")
		return
	}
	switch v := n.List[0].Plain(); v.Kind {
	case tree.KindNil, tree.KindTrue, tree.KindFalse, tree.KindNumber, tree.KindString, tree.KindTable, tree.KindFunction:
		c.add(v.Pos, CodeReturn, "run must return result, not %s", describeLiteral(v))
	}
}

func describeLiteral(v *tree.Node) string {
	switch v.Kind {
	case tree.KindNil, tree.KindTrue, tree.KindFalse, tree.KindNumber:
		return v.Text
	case tree.KindString:
		return "a string"
	case tree.KindTable:
		return "a table of its own"
	}
	return "a function"
}

// falls reports whether the end of a block can be reached. A goto is taken for
// a way out that is meant.
func falls(body []*tree.Node) bool {
	for _, s := range body {
		switch s.Kind {
		case tree.KindReturn, tree.KindBreak, tree.KindGoto:
			return false
		case tree.KindExpression:
			if raises(s.A) {
				return false
			}
		case tree.KindDo:
			if !falls(s.Body) {
				return false
			}
		case tree.KindIf:
			if s.HasElse && !falls(s.Body) && !falls(s.Other) {
				return false
			}
		case tree.KindWhile:
			if s.A.Plain().Kind == tree.KindTrue && !breaks(s.Body) {
				return false
			}
		case tree.KindRepeat:
			if s.A.Plain().Kind == tree.KindFalse && !breaks(s.Body) {
				return false
			}
			if !breaks(s.Body) && !falls(s.Body) {
				return false
			}
		}
	}
	return true
}

// raises reports whether a call is one of error.
func raises(call *tree.Node) bool {
	return call.Kind == tree.KindCall && call.A.Kind == tree.KindName && call.A.Local == nil && call.A.Text == "error"
}

// breaks reports whether a break in the body ends the loop around it.
func breaks(body []*tree.Node) bool {
	found := false
	tree.Walk(body, func(n *tree.Node) bool {
		switch n.Kind {
		case tree.KindBreak:
			found = true
		case tree.KindWhile, tree.KindRepeat, tree.KindFor, tree.KindForIn, tree.KindFunction:
			return false
		}
		return !found
	})
	return found
}

// endless reports a loop that nothing ends: no break, return, goto or error,
// and no call of what waits for something outside or may raise at a deadline.
func (c *checker) endless(n *tree.Node) {
	condition := n.A.Plain()
	always := n.Kind == tree.KindWhile && (condition.Kind == tree.KindTrue || condition.Kind == tree.KindNumber || condition.Kind == tree.KindString) ||
		n.Kind == tree.KindRepeat && (condition.Kind == tree.KindFalse || condition.Kind == tree.KindNil)
	if !always || breaks(n.Body) || c.leaves(n.Body, map[*tree.Node]bool{}) {
		return
	}
	c.add(n.Pos, CodeEndless, "nothing ends this loop: it has no break, no return and no call that waits")
}

// leaves reports whether a body may end the loop that it is in, or waits. What
// is not known is taken to.
func (c *checker) leaves(body []*tree.Node, seen map[*tree.Node]bool) bool {
	found := false
	tree.Walk(body, func(n *tree.Node) bool {
		found = found || c.tired()
		switch n.Kind {
		case tree.KindReturn, tree.KindGoto:
			found = true
		case tree.KindFunction:
			return false
		case tree.KindCall, tree.KindMethod:
			found = found || c.waits(n, seen)
		}
		return !found
	})
	return found
}

func (c *checker) waits(call *tree.Node, seen map[*tree.Node]bool) bool {
	if raises(call) {
		return true
	}
	if f := c.callee(call); f != nil {
		return f.Waits || f.Name == "assert"
	}
	if call.Kind != tree.KindCall || call.A.Kind != tree.KindName || call.A.Local == nil || call.A.Local.Function == nil {
		if call.Kind == tree.KindMethod && c.stringMethod(call.Text) != nil {
			return false
		}
		return true // what it calls is not known
	}
	f := call.A.Local.Function
	if seen[f] {
		return false
	}
	seen[f] = true
	waits := false
	tree.Walk(f.Body, func(n *tree.Node) bool { // its returns are its own
		waits = waits || c.tired()
		if n.Kind == tree.KindCall || n.Kind == tree.KindMethod {
			waits = waits || c.waits(n, seen)
		}
		return !waits
	})
	return waits
}
