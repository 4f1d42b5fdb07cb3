package tree

// Walk calls visit for every node of the statements, those outside first. It
// does not go into a node for which visit returns false.
func Walk(list []*Node, visit func(*Node) bool) {
	for _, n := range list {
		WalkNode(n, visit)
	}
}

// WalkNode is Walk for one node, which may be nil.
func WalkNode(n *Node, visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	Walk(n.Targets, visit)
	WalkNode(n.A, visit)
	WalkNode(n.B, visit)
	Walk(n.Keys, visit)
	Walk(n.List, visit)
	Walk(n.Body, visit)
	Walk(n.Other, visit)
}
