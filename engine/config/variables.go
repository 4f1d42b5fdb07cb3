package config

import "regexp"

// envKey is the key of the map that stands for an environment variable.
const envKey = "env"

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	shellStyle   = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
)

// variableOf reads the map {env: NAME}.
func variableOf(n *Node) (name string, ok bool) {
	if n.Kind != MapNode || len(n.Pairs) != 1 || n.Pairs[0].Key != envKey {
		return "", false
	}
	v := n.Pairs[0].Value
	return v.Text, v.Kind == TextNode && variableName.MatchString(v.Text)
}

// variable is the value of an environment variable, as text.
func (r *reader) variable(name string, line int) *Node {
	if r.env != nil {
		if value, ok := r.env(name); ok {
			return &Node{Kind: TextNode, Text: value, Line: line, env: true, size: 1}
		}
	}
	r.complain(line, "not_found", "the environment variable "+name+" is not set")
	return &Node{Line: line, size: 1}
}

// Unexpanded are the places at which text looks like a variable of a shell
// (${NAME}), which stays as it is written.
func (d *Document) Unexpanded() []Problem {
	var found []Problem
	var walk func(at string, n *Node)
	walk = func(at string, n *Node) {
		if len(found) >= MaxProblems {
			return
		}
		switch n.Kind {
		case TextNode:
			if m := shellStyle.FindStringSubmatch(n.Text); m != nil && !n.env {
				found = append(found, Problem{Location: Cut(at), Line: n.Line, Code: envKey,
					Message: "${" + m[1] + "} is kept as these letters; for the value of the environment variable write {env: " + m[1] + "}"})
			}
		case ListNode:
			for i, item := range n.Items {
				walk(itemAt(at, i, item), item)
			}
		case MapNode:
			for _, p := range n.Pairs {
				inner := p.Key
				if at != "" {
					inner = at + "." + p.Key
				}
				walk(inner, p.Value)
			}
		}
	}
	if d.root != nil {
		walk("", d.root)
	}
	return found
}
