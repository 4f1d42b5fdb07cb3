package lint

import "fmt"

// parser reads Lua 5.1 with goto.
type parser struct {
	tokens []token
	at     int
}

// parse returns the statements of a source. It gives up at what is no Lua; the
// interpreter's own parser has words for that.
func parse(text string) (body []*node, end Pos, err error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, Pos{}, err
	}
	p := &parser{tokens: tokens}
	defer func() {
		if wrong, ok := recover().(parseError); ok {
			body, err = nil, wrong
		}
	}()
	body = p.block()
	if p.peek().kind != tokenEnd {
		p.fail("the end of the file")
	}
	return body, p.peek().pos, nil
}

type parseError string

func (e parseError) Error() string { return string(e) }

func (p *parser) fail(want string) {
	t := p.peek()
	panic(parseError(fmt.Sprintf("%d:%d: %s expected near %q", t.pos.Line, t.pos.Column, want, t.text)))
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// is reports whether the next token is this keyword or symbol.
func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.kind == tokenKeyword || t.kind == tokenSymbol) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) Pos {
	pos := p.peek().pos
	if !p.accept(text) {
		p.fail("'" + text + "'")
	}
	return pos
}

func (p *parser) name() *node {
	t := p.peek()
	if t.kind != tokenName {
		p.fail("a name")
	}
	p.at++
	return &node{kind: kindName, pos: t.pos, text: t.text}
}

func (p *parser) block() []*node {
	var list []*node
	for p.peek().kind != tokenEnd && !p.is("end") && !p.is("else") && !p.is("elseif") && !p.is("until") {
		if p.accept(";") {
			continue
		}
		list = append(list, p.statement())
	}
	return list
}

func (p *parser) statement() *node {
	t := p.peek()
	n := &node{pos: t.pos}
	if t.kind == tokenKeyword {
		switch t.text {
		case "if":
			return p.ifStatement()
		case "while":
			p.at++
			n.kind, n.a = kindWhile, p.expression(0)
			p.expect("do")
			n.body, n.end = p.block(), p.expect("end")
			return n
		case "do":
			p.at++
			n.kind, n.body, n.end = kindDo, p.block(), p.expect("end")
			return n
		case "for":
			return p.forStatement()
		case "repeat":
			p.at++
			n.kind, n.body, n.end = kindRepeat, p.block(), p.expect("until")
			n.a = p.expression(0)
			return n
		case "function":
			return p.functionStatement()
		case "local":
			return p.localStatement()
		case "return":
			p.at++
			n.kind = kindReturn
			if !p.is("end") && !p.is("else") && !p.is("elseif") && !p.is("until") && !p.is(";") && p.peek().kind != tokenEnd {
				n.list = p.expressions()
			}
			return n
		case "break":
			p.at++
			n.kind = kindBreak
			return n
		case "goto":
			p.at++
			n.kind, n.text = kindGoto, p.name().text
			return n
		}
	}
	if p.accept("::") {
		n.kind, n.text = kindLabel, p.name().text
		p.expect("::")
		return n
	}
	return p.expressionStatement()
}

func (p *parser) ifStatement() *node {
	n := &node{kind: kindIf, pos: p.next().pos}
	n.a = p.expression(0)
	p.expect("then")
	n.body = p.block()
	switch {
	case p.is("elseif"):
		n.other, n.hasElse = []*node{p.ifStatement()}, true // it reads the end
		return n
	case p.accept("else"):
		n.other, n.hasElse = p.block(), true
	}
	n.end = p.expect("end")
	return n
}

func (p *parser) forStatement() *node {
	n := &node{kind: kindForIn, pos: p.next().pos}
	n.names = []*node{p.name()}
	if p.accept("=") {
		n.kind = kindFor
	} else {
		for p.accept(",") {
			n.names = append(n.names, p.name())
		}
		p.expect("in")
	}
	n.list = p.expressions()
	p.expect("do")
	n.body, n.end = p.block(), p.expect("end")
	return n
}

func (p *parser) functionStatement() *node {
	n := &node{kind: kindFunctionStat, pos: p.next().pos}
	target := p.name()
	method := false
	for !method && (p.is(".") || p.is(":")) {
		method = p.next().text == ":"
		key := p.name()
		target = &node{kind: kindIndex, pos: key.pos, a: target, b: &node{kind: kindString, pos: key.pos, text: key.text}, dot: true}
	}
	n.a = target
	n.b = p.function(n.pos)
	if method {
		self := &node{kind: kindName, pos: n.pos, text: "self"}
		n.b.names = append([]*node{self}, n.b.names...)
	}
	return n
}

func (p *parser) localStatement() *node {
	n := &node{kind: kindLocal, pos: p.next().pos}
	if p.accept("function") {
		n.kind, n.names = kindLocalFunction, []*node{p.name()}
		n.b = p.function(n.pos)
		return n
	}
	n.names = []*node{p.name()}
	for p.accept(",") {
		n.names = append(n.names, p.name())
	}
	if p.accept("=") {
		n.list = p.expressions()
	}
	return n
}

func (p *parser) expressionStatement() *node {
	first := p.suffixed()
	n := &node{pos: first.pos}
	if p.is("=") || p.is(",") {
		n.kind, n.targets = kindAssign, []*node{first}
		for p.accept(",") {
			n.targets = append(n.targets, p.suffixed())
		}
		p.expect("=")
		n.list = p.expressions()
		return n
	}
	if first.kind != kindCall && first.kind != kindMethod {
		p.fail("'='")
	}
	n.kind, n.a = kindExpression, first
	return n
}

// function reads parameters and body; the keyword has been read.
func (p *parser) function(pos Pos) *node {
	f := &node{kind: kindFunction, pos: pos}
	p.expect("(")
	for !p.is(")") {
		if p.accept("...") {
			f.vararg = true
			break
		}
		f.names = append(f.names, p.name())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	f.body, f.end = p.block(), p.expect("end")
	return f
}

func (p *parser) expressions() []*node {
	list := []*node{p.expression(0)}
	for p.accept(",") {
		list = append(list, p.expression(0))
	}
	return list
}

// priority returns how tightly a binary operator binds, on its left and right.
func priority(op string) (left, right int) {
	switch op {
	case "or":
		return 1, 1
	case "and":
		return 2, 2
	case "<", ">", "<=", ">=", "~=", "==":
		return 3, 3
	case "..":
		return 5, 4
	case "+", "-":
		return 6, 6
	case "*", "/", "%":
		return 7, 7
	case "^":
		return 10, 9
	}
	return 0, 0
}

const unaryPriority = 8

func (p *parser) expression(limit int) *node {
	var left *node
	if t := p.peek(); p.is("not") || p.is("-") || p.is("#") {
		p.at++
		left = &node{kind: kindUnary, pos: t.pos, text: t.text, a: p.expression(unaryPriority)}
	} else {
		left = p.simple()
	}
	for {
		op := p.peek()
		if op.kind != tokenSymbol && op.kind != tokenKeyword {
			return left
		}
		l, r := priority(op.text)
		if l <= limit {
			return left
		}
		p.at++
		left = &node{kind: kindBinary, pos: op.pos, text: op.text, a: left, b: p.expression(r)}
	}
}

func (p *parser) simple() *node {
	t := p.peek()
	n := &node{pos: t.pos, text: t.text}
	switch t.kind {
	case tokenNumber:
		n.kind = kindNumber
	case tokenString:
		n.kind = kindString
	case tokenKeyword:
		switch t.text {
		case "nil":
			n.kind = kindNil
		case "true":
			n.kind = kindTrue
		case "false":
			n.kind = kindFalse
		case "function":
			p.at++
			return p.function(t.pos)
		default:
			p.fail("an expression")
		}
	default:
		switch {
		case p.is("..."):
			n.kind = kindVararg
		case p.is("{"):
			return p.table()
		default:
			return p.suffixed()
		}
	}
	p.at++
	return n
}

func (p *parser) table() *node {
	n := &node{kind: kindTable, pos: p.expect("{")}
	for !p.is("}") {
		var key *node
		switch {
		case p.is("["):
			p.at++
			key = p.expression(0)
			p.expect("]")
			p.expect("=")
		case p.peek().kind == tokenName && p.tokens[p.at+1].kind == tokenSymbol && p.tokens[p.at+1].text == "=":
			name := p.name()
			key = &node{kind: kindString, pos: name.pos, text: name.text}
			p.expect("=")
		}
		n.keys, n.list = append(n.keys, key), append(n.list, p.expression(0))
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	n.end = p.expect("}")
	return n
}

func (p *parser) suffixed() *node {
	var n *node
	if pos := p.peek().pos; p.accept("(") {
		n = &node{kind: kindParen, pos: pos, a: p.expression(0)}
		p.expect(")")
	} else {
		n = p.name()
	}
	for {
		t := p.peek()
		switch {
		case p.accept("."):
			key := p.name()
			n = &node{kind: kindIndex, pos: key.pos, a: n, b: &node{kind: kindString, pos: key.pos, text: key.text}, dot: true}
		case p.accept("["):
			n = &node{kind: kindIndex, pos: t.pos, a: n, b: p.expression(0)}
			p.expect("]")
		case p.accept(":"):
			key := p.name()
			n = &node{kind: kindMethod, pos: key.pos, a: n, text: key.text, list: p.arguments()}
		case p.is("(") || p.is("{") || t.kind == tokenString:
			n = &node{kind: kindCall, pos: n.pos, a: n, list: p.arguments()}
		default:
			return n
		}
	}
}

func (p *parser) arguments() []*node {
	t := p.peek()
	switch {
	case t.kind == tokenString:
		p.at++
		return []*node{{kind: kindString, pos: t.pos, text: t.text}}
	case p.is("{"):
		return []*node{p.table()}
	}
	p.expect("(")
	if p.accept(")") {
		return nil
	}
	list := p.expressions()
	p.expect(")")
	return list
}
