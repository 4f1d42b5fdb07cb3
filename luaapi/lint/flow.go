package lint

// paths reports paths through run or ping that do not return the result.
func (c *pluginRules) paths(p *Plugin, key string, f *node) {
	mayReturnNil := key == "ping" || p == nil || p.HasPing
	if mayReturnNil {
		return
	}
	walk(f.body, func(n *node) bool {
		if n.kind == kindFunction {
			return false
		}
		if n.kind == kindReturn {
			c.runReturns(n)
		}
		return true
	})
	if falls(f.body) {
		c.add(f.end, CodeReturn, "%s can end here without return result", key)
	}
}

// runReturns looks at one return of run.
func (c *pluginRules) runReturns(n *node) {
	if len(n.list) == 0 {
		c.add(n.pos, CodeReturn, "run must return result")
		return
	}
	switch v := n.list[0].plain(); v.kind {
	case kindNil, kindTrue, kindFalse, kindNumber, kindString, kindTable, kindFunction:
		c.add(v.pos, CodeReturn, "run must return result, not %s", describeLiteral(v))
	}
}

func describeLiteral(v *node) string {
	switch v.kind {
	case kindNil, kindTrue, kindFalse, kindNumber:
		return v.text
	case kindString:
		return "a string"
	case kindTable:
		return "a table of its own"
	}
	return "a function"
}

// falls reports whether the end of a block can be reached. A goto is taken for
// a way out that is meant.
func falls(body []*node) bool {
	for _, s := range body {
		switch s.kind {
		case kindReturn, kindBreak, kindGoto:
			return false
		case kindExpression:
			if raises(s.a) {
				return false
			}
		case kindDo:
			if !falls(s.body) {
				return false
			}
		case kindIf:
			if s.hasElse && !falls(s.body) && !falls(s.other) {
				return false
			}
		case kindWhile:
			if s.a.plain().kind == kindTrue && !breaks(s.body) {
				return false
			}
		case kindRepeat:
			if s.a.plain().kind == kindFalse && !breaks(s.body) {
				return false
			}
			if !breaks(s.body) && !falls(s.body) {
				return false
			}
		}
	}
	return true
}

// raises reports whether a call is one of error.
func raises(call *node) bool {
	return call.kind == kindCall && call.a.kind == kindName && call.a.local == nil && call.a.text == "error"
}

// breaks reports whether a break in the body ends the loop around it.
func breaks(body []*node) bool {
	found := false
	walk(body, func(n *node) bool {
		switch n.kind {
		case kindBreak:
			found = true
		case kindWhile, kindRepeat, kindFor, kindForIn, kindFunction:
			return false
		}
		return !found
	})
	return found
}

// endless reports a loop that nothing ends: no break, return, goto or error,
// and no call of what waits for something outside or may raise at a deadline.
func (c *checker) endless(n *node) {
	condition := n.a.plain()
	always := n.kind == kindWhile && (condition.kind == kindTrue || condition.kind == kindNumber || condition.kind == kindString) ||
		n.kind == kindRepeat && (condition.kind == kindFalse || condition.kind == kindNil)
	if !always || breaks(n.body) || c.leaves(n.body, map[*node]bool{}) {
		return
	}
	c.add(n.pos, CodeEndless, "nothing ends this loop: it has no break, no return and no call that waits")
}

// leaves reports whether a body may end the loop that it is in, or waits. What
// is not known is taken to.
func (c *checker) leaves(body []*node, seen map[*node]bool) bool {
	found := false
	walk(body, func(n *node) bool {
		found = found || c.tired()
		switch n.kind {
		case kindReturn, kindGoto:
			found = true
		case kindFunction:
			return false
		case kindCall, kindMethod:
			found = found || c.waits(n, seen)
		}
		return !found
	})
	return found
}

func (c *checker) waits(call *node, seen map[*node]bool) bool {
	if raises(call) {
		return true
	}
	if f := c.callee(call); f != nil {
		return f.Waits || f.Name == "assert"
	}
	if call.kind != kindCall || call.a.kind != kindName || call.a.local == nil || call.a.local.function == nil {
		if call.kind == kindMethod && c.stringMethod(call.text) != nil {
			return false
		}
		return true // what it calls is not known
	}
	f := call.a.local.function
	if seen[f] {
		return false
	}
	seen[f] = true
	waits := false
	walk(f.body, func(n *node) bool { // its returns are its own
		waits = waits || c.tired()
		if n.kind == kindCall || n.kind == kindMethod {
			waits = waits || c.waits(n, seen)
		}
		return !waits
	})
	return waits
}
