package lint

import (
	"strconv"
	"strings"

	"moonwatch/luaapi/lint/internal/tree"
)

// patterns reports a pattern of Lua's own with three or more .- and .*: what it
// does not match may take a time that grows with a power of the text.
func (c *checker) patterns(n *tree.Node) {
	name, at := "", 0
	switch {
	case n.Kind == tree.KindMethod:
		name = n.Text
	case n.A.Kind == tree.KindIndex && n.A.A.Kind == tree.KindName && n.A.A.Text == "string" && n.A.A.Local == nil && n.A.B.Kind == tree.KindString:
		name, at = n.A.B.Text, 1
	default:
		return
	}
	switch name {
	case "find", "match", "gmatch", "gsub":
	default:
		return
	}
	if len(n.List) <= at {
		return
	}
	if n.Kind == tree.KindMethod {
		if of := c.typeOf(n.A); of != nil && of.name != "string" {
			return // a method of something else
		}
	}
	if name == "find" && len(n.List) > at+2 && n.List[at+2].Plain().Kind == tree.KindTrue {
		return // plain
	}
	pattern := n.List[at]
	if t := c.typeOf(pattern); t != nil && t.constant != nil {
		if count := wild(t.constant.Text); count >= 3 {
			c.add(pattern.Pos, CodePattern, "the pattern has %d of .- and .*: on a text that does not match it may take very long; use the module re, or anchors and sets such as [^,]*", count)
		}
	}
}

// wild counts .- and .* in a pattern. (Only a dot matches everything: sets and
// classes are left alone.)
func wild(pattern string) int {
	count := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '%':
			i++
		case '[':
			end := strings.IndexByte(pattern[min(i+2, len(pattern)):], ']')
			if end < 0 {
				return count
			}
			i += 2 + end
		case '.':
			if i+1 < len(pattern) && (pattern[i+1] == '-' || pattern[i+1] == '*') {
				count++
			}
		}
	}
	return count
}

// loops looks for texts that loops build with "..": each step copies all that
// is there already.
func (c *checker) loops(body []*tree.Node) {
	if c.file.Test {
		return // what a test builds is small
	}
	tree.Walk(body, func(n *tree.Node) bool {
		switch n.Kind {
		case tree.KindWhile, tree.KindRepeat, tree.KindForIn, tree.KindFor:
			if !(n.Kind == tree.KindFor && fewSteps(n)) && !(n.Kind == tree.KindForIn && c.overUsers(n)) {
				c.building(n)
			}
		}
		return true
	})
}

// overUsers reports whether a for goes through users, by ipairs or pairs: those
// of one event are few.
func (c *checker) overUsers(n *tree.Node) bool {
	if len(n.List) != 1 {
		return false
	}
	call := n.List[0].Plain()
	if call.Kind != tree.KindCall || len(call.List) != 1 || written(call.A) != "ipairs" && written(call.A) != "pairs" {
		return false
	}
	t := c.typeOf(call.List[0])
	return t != nil && t.elem.is("user")
}

// fewSteps reports whether a numeric for counts to a small number.
func fewSteps(n *tree.Node) bool {
	if len(n.List) < 2 {
		return false
	}
	first, known := atMost(n.List[0])
	last, bounded := atMost(n.List[1])
	return known && bounded && last-first <= 32
}

// atMost is the value of a number, and the bound that math.min sets.
func atMost(e *tree.Node) (float64, bool) {
	if e = e.Plain(); e.Kind == tree.KindNumber {
		value, err := strconv.ParseFloat(e.Text, 64)
		return value, err == nil
	}
	if e.Kind != tree.KindCall || written(e.A) != "math.min" {
		return 0, false
	}
	for _, arg := range e.List {
		if value, ok := atMost(arg); ok {
			return value, true
		}
	}
	return 0, false
}

func (c *checker) building(loop *tree.Node) {
	inside := map[*tree.Local]bool{}
	tree.Walk(loop.Body, func(n *tree.Node) bool {
		for _, name := range n.Names {
			inside[name.Local] = true
		}
		return true
	})
	tree.Walk(loop.Body, func(n *tree.Node) bool {
		if n.Kind == tree.KindFunction {
			return false
		}
		if n.Kind != tree.KindAssign {
			return true
		}
		for i, target := range n.Targets {
			if i < len(n.List) && n.List[i].Kind == tree.KindBinary && n.List[i].Text == ".." && !rooted(target, inside) && inChain(n.List[i], target) {
				c.add(n.List[i].Pos, CodeConcat, "%s grows by .. in a loop, which copies it at each step: collect the parts in a table and join them with table.concat", written(target))
			}
		}
		return true
	})
}

// rooted reports whether a target begins anew in each step of the loop.
func rooted(e *tree.Node, inside map[*tree.Local]bool) bool {
	for e.Kind == tree.KindIndex {
		if key := e.B.Plain(); key.Kind != tree.KindString && key.Kind != tree.KindNumber {
			return true // another place at each step, perhaps
		}
		e = e.A.Plain()
	}
	return e.Kind != tree.KindName || e.Local != nil && inside[e.Local]
}

// inChain reports whether a chain of .. has the target among its operands.
func inChain(e, target *tree.Node) bool {
	e = e.Plain()
	if e.Kind == tree.KindBinary && e.Text == ".." {
		return inChain(e.A, target) || inChain(e.B, target)
	}
	return equalPlaces(e, target)
}

func equalPlaces(a, b *tree.Node) bool {
	a, b = a.Plain(), b.Plain()
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == tree.KindName:
		return a.Text == b.Text && a.Local == b.Local
	case a.Kind == tree.KindIndex:
		return equalPlaces(a.A, b.A) && equalPlaces(a.B, b.B)
	case a.Kind == tree.KindString || a.Kind == tree.KindNumber:
		return a.Text == b.Text
	}
	return false
}

// written is a place as the source writes it.
func written(e *tree.Node) string {
	if e.Kind == tree.KindIndex && e.B.Kind == tree.KindString {
		return written(e.A) + "." + e.B.Text
	}
	return e.Text
}
