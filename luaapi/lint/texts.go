package lint

import (
	"strconv"
	"strings"
)

// patterns reports a pattern of Lua's own with three or more .- and .*: what it
// does not match may take a time that grows with a power of the text.
func (c *checker) patterns(n *node) {
	name, at := "", 0
	switch {
	case n.kind == kindMethod:
		name = n.text
	case n.a.kind == kindIndex && n.a.a.kind == kindName && n.a.a.text == "string" && n.a.a.local == nil && n.a.b.kind == kindString:
		name, at = n.a.b.text, 1
	default:
		return
	}
	switch name {
	case "find", "match", "gmatch", "gsub":
	default:
		return
	}
	if len(n.list) <= at {
		return
	}
	if n.kind == kindMethod {
		if of := c.typeOf(n.a); of != nil && of.name != "string" {
			return // a method of something else
		}
	}
	if name == "find" && len(n.list) > at+2 && n.list[at+2].plain().kind == kindTrue {
		return // plain
	}
	pattern := n.list[at]
	if t := c.typeOf(pattern); t != nil && t.constant != nil {
		if count := wild(t.constant.text); count >= 3 {
			c.add(pattern.pos, CodePattern, "the pattern has %d of .- and .*: on a text that does not match it may take very long; use the module re, or anchors and sets such as [^,]*", count)
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
func (c *checker) loops(body []*node) {
	if c.file.Test {
		return // what a test builds is small
	}
	walk(body, func(n *node) bool {
		switch n.kind {
		case kindWhile, kindRepeat, kindForIn, kindFor:
			if !(n.kind == kindFor && fewSteps(n)) && !(n.kind == kindForIn && c.overUsers(n)) {
				c.building(n)
			}
		}
		return true
	})
}

// overUsers reports whether a for goes through users, by ipairs or pairs: those
// of one event are few.
func (c *checker) overUsers(n *node) bool {
	if len(n.list) != 1 {
		return false
	}
	call := n.list[0].plain()
	if call.kind != kindCall || len(call.list) != 1 || written(call.a) != "ipairs" && written(call.a) != "pairs" {
		return false
	}
	t := c.typeOf(call.list[0])
	return t != nil && t.elem.is("user")
}

// fewSteps reports whether a numeric for counts to a small number.
func fewSteps(n *node) bool {
	if len(n.list) < 2 {
		return false
	}
	first, known := atMost(n.list[0])
	last, bounded := atMost(n.list[1])
	return known && bounded && last-first <= 32
}

// atMost is the value of a number, and the bound that math.min sets.
func atMost(e *node) (float64, bool) {
	if e = e.plain(); e.kind == kindNumber {
		value, err := strconv.ParseFloat(e.text, 64)
		return value, err == nil
	}
	if e.kind != kindCall || written(e.a) != "math.min" {
		return 0, false
	}
	for _, arg := range e.list {
		if value, ok := atMost(arg); ok {
			return value, true
		}
	}
	return 0, false
}

func (c *checker) building(loop *node) {
	inside := map[*local]bool{}
	walk(loop.body, func(n *node) bool {
		for _, name := range n.names {
			inside[name.local] = true
		}
		return true
	})
	walk(loop.body, func(n *node) bool {
		if n.kind == kindFunction {
			return false
		}
		if n.kind != kindAssign {
			return true
		}
		for i, target := range n.targets {
			if i < len(n.list) && n.list[i].kind == kindBinary && n.list[i].text == ".." && !rooted(target, inside) && inChain(n.list[i], target) {
				c.add(n.list[i].pos, CodeConcat, "%s grows by .. in a loop, which copies it at each step: collect the parts in a table and join them with table.concat", written(target))
			}
		}
		return true
	})
}

// rooted reports whether a target begins anew in each step of the loop.
func rooted(e *node, inside map[*local]bool) bool {
	for e.kind == kindIndex {
		if key := e.b.plain(); key.kind != kindString && key.kind != kindNumber {
			return true // another place at each step, perhaps
		}
		e = e.a.plain()
	}
	return e.kind != kindName || e.local != nil && inside[e.local]
}

// inChain reports whether a chain of .. has the target among its operands.
func inChain(e, target *node) bool {
	e = e.plain()
	if e.kind == kindBinary && e.text == ".." {
		return inChain(e.a, target) || inChain(e.b, target)
	}
	return equalPlaces(e, target)
}

func equalPlaces(a, b *node) bool {
	a, b = a.plain(), b.plain()
	switch {
	case a.kind != b.kind:
		return false
	case a.kind == kindName:
		return a.text == b.text && a.local == b.local
	case a.kind == kindIndex:
		return equalPlaces(a.a, b.a) && equalPlaces(a.b, b.b)
	case a.kind == kindString || a.kind == kindNumber:
		return a.text == b.text
	}
	return false
}

// written is a place as the source writes it.
func written(e *node) string {
	if e.kind == kindIndex && e.b.kind == kindString {
		return written(e.a) + "." + e.b.text
	}
	return e.text
}
