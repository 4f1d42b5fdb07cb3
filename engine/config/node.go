package config

// NodeKind tells the values of a document apart.
type NodeKind int

// The kinds of value.
const (
	NullNode NodeKind = iota
	BoolNode
	NumberNode
	TextNode
	ListNode
	MapNode
)

// Node is one value of a document. A node that an alias stands for is shared.
type Node struct {
	Kind   NodeKind
	Line   int     // from 1; 0 when it was not read
	Bool   bool    // BoolNode
	Number float64 // NumberNode
	Text   string  // TextNode; of a number or bool, as it was written
	Items  []*Node // ListNode
	Pairs  []Pair  // MapNode, in the order written

	env  bool // the value of an environment variable
	size int  // values in it
}

// Pair is one key of a map with its value.
type Pair struct {
	Key   string
	Line  int // of the key
	Value *Node
}

// get returns the value under a key, nil without.
func (n *Node) get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

func (k NodeKind) String() string {
	switch k {
	case NullNode:
		return "null"
	case BoolNode:
		return "true or false"
	case NumberNode:
		return "a number"
	case TextNode:
		return "text"
	case ListNode:
		return "a list"
	}
	return "a map"
}
