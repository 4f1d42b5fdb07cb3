package tree

// Kind is what a node of the syntax tree is.
type Kind uint8

// The kinds, each with the fields of Node that it uses.
const (
	KindNil Kind = iota
	KindTrue
	KindFalse
	KindNumber
	KindString
	KindVararg
	KindName
	KindIndex    // A[B]; Dot says that B was written as a name
	KindCall     // A(List)
	KindMethod   // A:Text(List)
	KindFunction // Names are its parameters, Body its statements
	KindTable    // List are values, Keys what they stand under, or nil
	KindBinary   // A Text B
	KindUnary    // Text A
	KindParen    // (A)

	KindLocal         // Names = List
	KindAssign        // Targets = List
	KindExpression    // A
	KindDo            // Body
	KindWhile         // A, Body
	KindRepeat        // Body, A
	KindIf            // A, Body, Other
	KindFor           // Names = List, Body: a numeric for
	KindForIn         // Names in List, Body
	KindFunctionStat  // A = B
	KindLocalFunction // Names[0] = B
	KindReturn        // List
	KindBreak
	KindGoto
	KindLabel
)

// Node is a node of the syntax tree.
type Node struct {
	Kind    Kind
	Pos     Pos
	End     Pos // of a function or loop: where its last keyword stands
	Text    string
	A, B    *Node
	List    []*Node
	Keys    []*Node
	Names   []*Node
	Targets []*Node
	Body    []*Node
	Other   []*Node
	HasElse bool
	Dot     bool
	Vararg  bool

	Local *Local // of a name: what it stands for; nil is a global
}

// IsString reports whether n is the text, as a literal.
func (n *Node) IsString(text string) bool {
	return n != nil && n.Kind == KindString && n.Text == text
}

// Plain removes parentheses.
func (n *Node) Plain() *Node {
	for n != nil && n.Kind == KindParen {
		n = n.A
	}
	return n
}
