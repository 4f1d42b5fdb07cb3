package lint

// CodeTwice is the code of loops that tell somebody twice.
const CodeTwice = "twice"

// twice finds loops over both users and duty_officers: who is in both lists is
// told twice. Loops that look people up by what names them are taken to know.
func (c *pluginRules) twice(f *node) {
	if len(f.names) < 4 {
		return
	}
	users, officers := f.names[2], f.names[3]
	a, b := loopOver(f.body, users.local, 3), loopOver(f.body, officers.local, 3)
	if a == nil || b == nil {
		return
	}
	later := b.pos
	if a.pos.Line > later.Line || a.pos.Line == later.Line && a.pos.Column > later.Column {
		later = a.pos
	}
	c.add(later, CodeTwice, "somebody can be in both %s and %s, and is told twice: loop over recipients.all(%s, %s)",
		users.text, officers.text, users.text, officers.text)
}

// loopOver returns a loop in body over the list that a local holds, or the
// statement that hands it to a local function with such a loop.
func loopOver(body []*node, list *local, deep int) (found *node) {
	if list == nil || deep == 0 {
		return nil
	}
	walk(body, func(n *node) bool {
		if found != nil {
			return false
		}
		switch n.kind {
		case kindForIn, kindFor:
			if iterates(n, list) && !looksUp(n.body) {
				found = n
			}
		case kindExpression:
			if call := n.a; call != nil && call.kind == kindCall && call.a.kind == kindName && call.a.local != nil && call.a.local.function != nil {
				helper := call.a.local.function
				for i, arg := range call.list {
					if i < len(helper.names) && isLocal(arg, list) && loopOver(helper.body, helper.names[i].local, deep-1) != nil {
						found = n
					}
				}
			}
		}
		return found == nil
	})
	return found
}

// iterates reports whether a loop goes over a list: ipairs(list), pairs(list),
// next, list or 1, #list; or over a table that the list stands in.
func iterates(loop *node, list *local) bool {
	for _, e := range loop.list {
		switch e = e.plain(); e.kind {
		case kindName:
			if isLocal(e, list) {
				return true
			}
		case kindUnary:
			if e.text == "#" && isLocal(e.a, list) {
				return true
			}
		case kindCall:
			if e.a.kind != kindName || e.a.local != nil || e.a.text != "ipairs" && e.a.text != "pairs" {
				continue
			}
			for _, arg := range e.list {
				if isLocal(arg, list) {
					return true
				}
				if arg = arg.plain(); arg.kind == kindTable {
					for _, item := range arg.list {
						if isLocal(item, list) {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

func isLocal(e *node, l *local) bool {
	e = e.plain()
	return e != nil && e.kind == kindName && e.local == l
}

// looksUp reports whether something is read or kept under an id or a name, as
// loops do that know whom they told.
func looksUp(body []*node) (found bool) {
	walk(body, func(n *node) bool {
		if n.kind == kindIndex && !n.dot {
			if key := n.b.plain(); key.kind == kindIndex && (key.b.isString("id") || key.b.isString("username") || key.b.isString("email")) {
				found = true
			}
		}
		return !found
	})
	return found
}
