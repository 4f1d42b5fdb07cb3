package config

import (
	"strconv"
	"strings"
)

// Line is the line of what a location names, or of the nearest that it stands
// in; 0 when the document was not read from text.
func (d *Document) Line(location string) int {
	if d.root == nil {
		return 0
	}
	line, n := 0, d.root
	for location != "" && n != nil {
		step, rest := nextStep(location)
		location = rest
		var next *Node
		switch {
		case strings.HasPrefix(step, `["`):
			name, err := strconv.Unquote(step[1 : len(step)-1])
			if err == nil {
				next = n.named(name)
			}
		case strings.HasPrefix(step, "["):
			if i, err := strconv.Atoi(step[1 : len(step)-1]); err == nil && i < len(n.Items) {
				next = n.Items[i]
			}
		default:
			for _, p := range n.Pairs {
				if p.Key == step {
					next, line = p.Value, p.Line
				}
			}
		}
		if n = next; n != nil && n.Line > 0 && step[0] == '[' {
			line = n.Line
		}
	}
	return line
}

// named finds the object of a name in a section, whatever its key is called.
func (n *Node) named(name string) *Node {
	for _, item := range n.Items {
		for _, key := range []string{"name", "username", "plugin"} {
			if v := item.get(key); v != nil && v.Text == name {
				return item
			}
		}
	}
	return nil
}

// itemAt is the location of an item of a list: by its name, where it has one.
func itemAt(list string, i int, item *Node) string {
	for _, key := range []string{"name", "username", "plugin"} {
		if v := item.get(key); v != nil && v.Text != "" && !strings.Contains(list, ".") {
			return Named(list, v.Text)
		}
	}
	return list + "[" + strconv.Itoa(i) + "]"
}

// nextStep cuts the first part off a location: a key, [3] or ["name"].
func nextStep(location string) (step, rest string) {
	if strings.HasPrefix(location, `["`) {
		if quoted, err := strconv.QuotedPrefix(location[1:]); err == nil && strings.HasPrefix(location[1+len(quoted):], "]") {
			n := len(quoted) + 2
			return location[:n], strings.TrimPrefix(location[n:], ".")
		}
	}
	if strings.HasPrefix(location, "[") {
		if i := strings.IndexByte(location, ']'); i > 0 {
			return location[:i+1], strings.TrimPrefix(location[i+1:], ".")
		}
		return location, ""
	}
	if i := strings.IndexAny(location, ".["); i > 0 {
		return location[:i], strings.TrimPrefix(location[i:], ".")
	}
	return location, ""
}
