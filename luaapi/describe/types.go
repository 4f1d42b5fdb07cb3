package describe

import "strings"

// Type is a type expression, as far as the linter follows it.
type Type struct {
	Name   string // "string", "check", "table", …; "" is not known, or one of several
	Elem   *Type  // of an array, or the values of a table<K, V>
	Array  bool
	Values []string // the texts that a union of literals allows
}

// ParseType reads a type expression. Of a union it keeps the one member that is
// not nil, if there is but one.
func ParseType(text string) Type {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "?"))
	members := splitTop(text, '|')
	if len(members) > 1 {
		return unionOf(members)
	}
	switch {
	case text == "" || text == "any":
		return Type{}
	case strings.HasSuffix(text, "[]"):
		elem := ParseType(strings.Trim(strings.TrimSuffix(text, "[]"), "()"))
		return Type{Name: "table", Elem: &elem, Array: true}
	case strings.HasPrefix(text, "table<"):
		parts := splitTop(text[len("table<"):closing(text, len("table"))], ',')
		elem := ParseType(parts[len(parts)-1])
		return Type{Name: "table", Elem: &elem}
	case strings.HasPrefix(text, "fun("):
		return Type{Name: "function"}
	case strings.HasPrefix(text, `"`):
		return Type{Name: "string", Values: []string{strings.Trim(text, `"`)}}
	case text == "integer":
		return Type{Name: "number"}
	}
	return Type{Name: text}
}

func unionOf(members []string) Type {
	out, first := Type{}, true
	for _, m := range members {
		if m == "nil" {
			continue
		}
		t := ParseType(m)
		switch {
		case first:
			out, first = t, false
		case out.Name == "string" && t.Name == "string" && out.Values != nil && t.Values != nil:
			out.Values = append(out.Values, t.Values...)
		default:
			return Type{}
		}
	}
	return out
}
