package lint

// kind is what a node of the syntax tree is.
type kind uint8

const (
	kindNil kind = iota
	kindTrue
	kindFalse
	kindNumber
	kindString
	kindVararg
	kindName
	kindIndex    // a[b]; dot says that b was written as a name
	kindCall     // a(list)
	kindMethod   // a:text(list)
	kindFunction // names are its parameters, body its statements
	kindTable    // list are values, keys what they stand under, or nil
	kindBinary   // a text b
	kindUnary    // text a
	kindParen    // (a)

	kindLocal         // names = list
	kindAssign        // targets = list
	kindExpression    // a
	kindDo            // body
	kindWhile         // a, body
	kindRepeat        // body, a
	kindIf            // a, body, other
	kindFor           // names = list, body: a numeric for
	kindForIn         // names in list, body
	kindFunctionStat  // a = b
	kindLocalFunction // names[0] = b
	kindReturn        // list
	kindBreak
	kindGoto
	kindLabel
)

// node is a node of the syntax tree.
type node struct {
	kind    kind
	pos     Pos
	end     Pos // of a function or loop: where its last keyword stands
	text    string
	a, b    *node
	list    []*node
	keys    []*node
	names   []*node
	targets []*node
	body    []*node
	other   []*node
	hasElse bool
	dot     bool
	vararg  bool

	local *local // of a name: what it stands for; nil is a global
}

// isString reports whether n is the text, as a literal.
func (n *node) isString(text string) bool {
	return n != nil && n.kind == kindString && n.text == text
}

// plain removes parentheses.
func (n *node) plain() *node {
	for n != nil && n.kind == kindParen {
		n = n.a
	}
	return n
}
