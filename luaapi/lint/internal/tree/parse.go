package tree

import "fmt"

// parser reads Lua 5.1 with goto.
type parser struct {
	tokens []token
	at     int
}

// parse returns the statements of a source. It gives up at what is no Lua; the
// interpreter's own parser has words for that.
func parse(text string) (body []*Node, err error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
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
	return body, nil
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

func (p *parser) name() *Node {
	t := p.peek()
	if t.kind != tokenName {
		p.fail("a name")
	}
	p.at++
	return &Node{Kind: KindName, Pos: t.pos, Text: t.text}
}

func (p *parser) block() []*Node {
	var list []*Node
	for p.peek().kind != tokenEnd && !p.is("end") && !p.is("else") && !p.is("elseif") && !p.is("until") {
		if p.accept(";") {
			continue
		}
		list = append(list, p.statement())
	}
	return list
}

func (p *parser) statement() *Node {
	t := p.peek()
	n := &Node{Pos: t.pos}
	if t.kind == tokenKeyword {
		switch t.text {
		case "if":
			return p.ifStatement()
		case "while":
			p.at++
			n.Kind, n.A = KindWhile, p.expression(0)
			p.expect("do")
			n.Body, n.End = p.block(), p.expect("end")
			return n
		case "do":
			p.at++
			n.Kind, n.Body, n.End = KindDo, p.block(), p.expect("end")
			return n
		case "for":
			return p.forStatement()
		case "repeat":
			p.at++
			n.Kind, n.Body, n.End = KindRepeat, p.block(), p.expect("until")
			n.A = p.expression(0)
			return n
		case "function":
			return p.functionStatement()
		case "local":
			return p.localStatement()
		case "return":
			p.at++
			n.Kind = KindReturn
			if !p.is("end") && !p.is("else") && !p.is("elseif") && !p.is("until") && !p.is(";") && p.peek().kind != tokenEnd {
				n.List = p.expressions()
			}
			return n
		case "break":
			p.at++
			n.Kind = KindBreak
			return n
		case "goto":
			p.at++
			n.Kind, n.Text = KindGoto, p.name().Text
			return n
		}
	}
	if p.accept("::") {
		n.Kind, n.Text = KindLabel, p.name().Text
		p.expect("::")
		return n
	}
	return p.expressionStatement()
}

func (p *parser) ifStatement() *Node {
	n := &Node{Kind: KindIf, Pos: p.next().pos}
	n.A = p.expression(0)
	p.expect("then")
	n.Body = p.block()
	switch {
	case p.is("elseif"):
		n.Other, n.HasElse = []*Node{p.ifStatement()}, true // it reads the end
		return n
	case p.accept("else"):
		n.Other, n.HasElse = p.block(), true
	}
	n.End = p.expect("end")
	return n
}

func (p *parser) forStatement() *Node {
	n := &Node{Kind: KindForIn, Pos: p.next().pos}
	n.Names = []*Node{p.name()}
	if p.accept("=") {
		n.Kind = KindFor
	} else {
		for p.accept(",") {
			n.Names = append(n.Names, p.name())
		}
		p.expect("in")
	}
	n.List = p.expressions()
	p.expect("do")
	n.Body, n.End = p.block(), p.expect("end")
	return n
}

func (p *parser) functionStatement() *Node {
	n := &Node{Kind: KindFunctionStat, Pos: p.next().pos}
	target := p.name()
	method := false
	for !method && (p.is(".") || p.is(":")) {
		method = p.next().text == ":"
		key := p.name()
		target = &Node{Kind: KindIndex, Pos: key.Pos, A: target, B: &Node{Kind: KindString, Pos: key.Pos, Text: key.Text}, Dot: true}
	}
	n.A = target
	n.B = p.function(n.Pos)
	if method {
		self := &Node{Kind: KindName, Pos: n.Pos, Text: "self"}
		n.B.Names = append([]*Node{self}, n.B.Names...)
	}
	return n
}

func (p *parser) localStatement() *Node {
	n := &Node{Kind: KindLocal, Pos: p.next().pos}
	if p.accept("function") {
		n.Kind, n.Names = KindLocalFunction, []*Node{p.name()}
		n.B = p.function(n.Pos)
		return n
	}
	n.Names = []*Node{p.name()}
	for p.accept(",") {
		n.Names = append(n.Names, p.name())
	}
	if p.accept("=") {
		n.List = p.expressions()
	}
	return n
}

func (p *parser) expressionStatement() *Node {
	first := p.suffixed()
	n := &Node{Pos: first.Pos}
	if p.is("=") || p.is(",") {
		n.Kind, n.Targets = KindAssign, []*Node{first}
		for p.accept(",") {
			n.Targets = append(n.Targets, p.suffixed())
		}
		p.expect("=")
		n.List = p.expressions()
		return n
	}
	if first.Kind != KindCall && first.Kind != KindMethod {
		p.fail("'='")
	}
	n.Kind, n.A = KindExpression, first
	return n
}

// function reads parameters and body; the keyword has been read.
func (p *parser) function(pos Pos) *Node {
	f := &Node{Kind: KindFunction, Pos: pos}
	p.expect("(")
	for !p.is(")") {
		if p.accept("...") {
			f.Vararg = true
			break
		}
		f.Names = append(f.Names, p.name())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	f.Body, f.End = p.block(), p.expect("end")
	return f
}

func (p *parser) expressions() []*Node {
	list := []*Node{p.expression(0)}
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

func (p *parser) expression(limit int) *Node {
	var left *Node
	if t := p.peek(); p.is("not") || p.is("-") || p.is("#") {
		p.at++
		left = &Node{Kind: KindUnary, Pos: t.pos, Text: t.text, A: p.expression(unaryPriority)}
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
		left = &Node{Kind: KindBinary, Pos: op.pos, Text: op.text, A: left, B: p.expression(r)}
	}
}

func (p *parser) simple() *Node {
	t := p.peek()
	n := &Node{Pos: t.pos, Text: t.text}
	switch t.kind {
	case tokenNumber:
		n.Kind = KindNumber
	case tokenString:
		n.Kind = KindString
	case tokenKeyword:
		switch t.text {
		case "nil":
			n.Kind = KindNil
		case "true":
			n.Kind = KindTrue
		case "false":
			n.Kind = KindFalse
		case "function":
			p.at++
			return p.function(t.pos)
		default:
			p.fail("an expression")
		}
	default:
		switch {
		case p.is("..."):
			n.Kind = KindVararg
		case p.is("{"):
			return p.table()
		default:
			return p.suffixed()
		}
	}
	p.at++
	return n
}

func (p *parser) table() *Node {
	n := &Node{Kind: KindTable, Pos: p.expect("{")}
	for !p.is("}") {
		var key *Node
		switch {
		case p.is("["):
			p.at++
			key = p.expression(0)
			p.expect("]")
			p.expect("=")
		case p.peek().kind == tokenName && p.tokens[p.at+1].kind == tokenSymbol && p.tokens[p.at+1].text == "=":
			name := p.name()
			key = &Node{Kind: KindString, Pos: name.Pos, Text: name.Text}
			p.expect("=")
		}
		n.Keys, n.List = append(n.Keys, key), append(n.List, p.expression(0))
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	n.End = p.expect("}")
	return n
}

func (p *parser) suffixed() *Node {
	var n *Node
	if pos := p.peek().pos; p.accept("(") {
		n = &Node{Kind: KindParen, Pos: pos, A: p.expression(0)}
		p.expect(")")
	} else {
		n = p.name()
	}
	for {
		t := p.peek()
		switch {
		case p.accept("."):
			key := p.name()
			n = &Node{Kind: KindIndex, Pos: key.Pos, A: n, B: &Node{Kind: KindString, Pos: key.Pos, Text: key.Text}, Dot: true}
		case p.accept("["):
			n = &Node{Kind: KindIndex, Pos: t.pos, A: n, B: p.expression(0)}
			p.expect("]")
		case p.accept(":"):
			key := p.name()
			n = &Node{Kind: KindMethod, Pos: key.Pos, A: n, Text: key.Text, List: p.arguments()}
		case p.is("(") || p.is("{") || t.kind == tokenString:
			n = &Node{Kind: KindCall, Pos: n.Pos, A: n, List: p.arguments()}
		default:
			return n
		}
	}
}

func (p *parser) arguments() []*Node {
	t := p.peek()
	switch {
	case t.kind == tokenString:
		p.at++
		return []*Node{{Kind: KindString, Pos: t.pos, Text: t.text}}
	case p.is("{"):
		return []*Node{p.table()}
	}
	p.expect("(")
	if p.accept(")") {
		return nil
	}
	list := p.expressions()
	p.expect(")")
	return list
}
