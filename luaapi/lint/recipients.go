package lint

import "moonwatch/luaapi/lint/internal/tree"

// CodeTwice is the code of loops that tell somebody twice.
const CodeTwice = "twice"

// twice finds loops over both users and duty_officers: who is in both lists is
// told twice. Loops that look people up by what names them are taken to know.
func (c *pluginRules) twice(f *tree.Node) {
	if len(f.Names) < 4 {
		return
	}
	users, officers := f.Names[2], f.Names[3]
	a, b := loopOver(f.Body, users.Local, 3), loopOver(f.Body, officers.Local, 3)
	if a == nil || b == nil {
		return
	}
	later := b.Pos
	if a.Pos.Line > later.Line || a.Pos.Line == later.Line && a.Pos.Column > later.Column {
		later = a.Pos
	}
	c.add(later, CodeTwice, "somebody can be in both %s and %s, and is told twice: loop over recipients.all(%s, %s)",
		users.Text, officers.Text, users.Text, officers.Text)
}

// loopOver returns a loop in body over the list that a local holds, or the
// statement that hands it to a local function with such a loop.
func loopOver(body []*tree.Node, list *tree.Local, deep int) (found *tree.Node) {
	if list == nil || deep == 0 {
		return nil
	}
	tree.Walk(body, func(n *tree.Node) bool {
		if found != nil {
			return false
		}
		switch n.Kind {
		case tree.KindForIn, tree.KindFor:
			if iterates(n, list) && !looksUp(n.Body) {
				found = n
			}
		case tree.KindExpression:
			if call := n.A; call != nil && call.Kind == tree.KindCall && call.A.Kind == tree.KindName && call.A.Local != nil && call.A.Local.Function != nil {
				helper := call.A.Local.Function
				for i, arg := range call.List {
					if i < len(helper.Names) && isLocal(arg, list) && loopOver(helper.Body, helper.Names[i].Local, deep-1) != nil {
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
func iterates(loop *tree.Node, list *tree.Local) bool {
	for _, e := range loop.List {
		switch e = e.Plain(); e.Kind {
		case tree.KindName:
			if isLocal(e, list) {
				return true
			}
		case tree.KindUnary:
			if e.Text == "#" && isLocal(e.A, list) {
				return true
			}
		case tree.KindCall:
			if e.A.Kind != tree.KindName || e.A.Local != nil || e.A.Text != "ipairs" && e.A.Text != "pairs" {
				continue
			}
			for _, arg := range e.List {
				if isLocal(arg, list) {
					return true
				}
				if arg = arg.Plain(); arg.Kind == tree.KindTable {
					for _, item := range arg.List {
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

func isLocal(e *tree.Node, l *tree.Local) bool {
	e = e.Plain()
	return e != nil && e.Kind == tree.KindName && e.Local == l
}

// looksUp reports whether something is read or kept under an id or a name, as
// loops do that know whom they told.
func looksUp(body []*tree.Node) (found bool) {
	tree.Walk(body, func(n *tree.Node) bool {
		if n.Kind == tree.KindIndex && !n.Dot {
			if key := n.B.Plain(); key.Kind == tree.KindIndex && (key.B.IsString("id") || key.B.IsString("username") || key.B.IsString("email")) {
				found = true
			}
		}
		return !found
	})
	return found
}
