package form

// shown reports whether every field that f's show_if names is itself shown,
// good, and holds one of the values. It settles those fields first.
func (g *group) shown(f *Field) bool {
	for i := range g.fields {
		name := g.fields[i].Name
		wanted, ok := f.ShowIf[name]
		if !ok || name == f.Name {
			continue
		}
		switch g.settle(i) {
		case hidden, failed:
			return false
		}
		v, ok := g.out[name]
		if !ok {
			v = g.fields[i].filled(g.fields[i].initial())
		}
		if !holds(v, wanted) {
			return false
		}
	}
	return true
}

// holds reports whether v, or one of its entries, is one of wanted. Values are
// compared as text, and an unset one is "".
func holds(v any, wanted []any) bool {
	if list, ok := v.([]any); ok {
		for _, one := range list {
			if holds(one, wanted) {
				return true
			}
		}
		return false
	}
	if _, ok := v.(Sealed); ok {
		return false
	}
	have, _ := asText(v)
	for _, w := range wanted {
		if want, ok := asText(w); ok && want == have {
			return true
		}
	}
	return false
}
