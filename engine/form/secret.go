package form

import (
	"encoding/json"
	"strings"
)

// guarded reports whether an empty value means "as it is": f is a secret, or
// what is stored of it was sealed under an earlier schema.
func (g *group) guarded(f *Field) bool {
	_, sealed := g.stored[f.Name].(Sealed)
	return sealed || f.Secret()
}

// isSetMark reports whether v is {"set": true}, which stands for a secret that
// is not shown.
func isSetMark(v any) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) == 1 && m["set"] == true
}

// keep leaves a secret as it is stored. marked says that the client counts on
// there being one.
func (g *group) keep(f *Field, marked bool) {
	old, had := g.stored[f.Name]
	if sealed, ok := old.(Sealed); ok {
		g.sealed(f, sealed)
		return
	}
	switch {
	case had && !f.empty(old): // stored before the field became a secret
		g.given(f, old, fromStore)
	case marked, g.lost[f.Name]:
		p := errRequired
		p.text = "This secret is not known any more: enter it again."
		g.fail(f, &p)
	case had:
		g.unset(f)
	default:
		g.missing(f)
	}
}

// sealed takes a value that is sealed already, where it may come from.
func (g *group) sealed(f *Field, s Sealed) {
	if g.src == fromPlugin && !g.c.passed[secretAt{join(g.path, f.Name), s}] {
		g.c.complainForm("The plugin's clean function returned an unknown secret.")
		return
	}
	if old := g.stored[f.Name]; g.src == fromClient && old != s {
		g.fail(f, wrongType("Enter text."))
		return
	}
	if f.HasClean && g.c.callbacks != nil {
		if v, ok := g.call(f, s); ok {
			g.out[f.Name] = v
		}
		return
	}
	g.out[f.Name] = s
}

// entered notes a secret in plain, to be masked in what a plugin says.
func (c *cleaner) entered(v any) {
	switch v := v.(type) {
	case string:
		c.fresh.Add(v)
		for _, line := range strings.Split(v, "\n") {
			if _, value, ok := strings.Cut(line, ": "); ok {
				c.fresh.Add(value)
			}
		}
	case []any:
		for _, one := range v {
			c.entered(one)
		}
	case map[string]any:
		for _, one := range v {
			c.entered(one)
		}
	}
}

// spoken is what a plugin says, cut and without the secrets of this pass.
func (c *cleaner) spoken(message string) string {
	message = strings.ToValidUTF8(c.fresh.Text(message), "\uFFFD")
	if runes := []rune(message); len(runes) > 500 {
		message = string(runes[:500]) + "…"
	}
	return message
}

// seal replaces the secrets that are still in plain, in place.
func (c *cleaner) seal(fields []Field, values map[string]any, path string, seal Sealing) {
	for i := range fields {
		f := &fields[i]
		v, ok := values[f.Name]
		if _, done := v.(Sealed); done || !ok || f.empty(v) {
			continue
		}
		if rows, isList := v.([]any); f.Type == List && isList {
			for _, row := range rows {
				if m, ok := row.(map[string]any); ok {
					c.seal(f.Fields, m, join(path, f.Name), seal)
				}
			}
			continue
		}
		if !f.Secret() {
			continue
		}
		s, message := sealOne(f, v, join(path, f.Name), seal)
		if message != "" {
			c.complainForm(message)
			return
		}
		values[f.Name] = s
	}
}

func sealOne(f *Field, v any, path string, seal Sealing) (Sealed, string) {
	if seal == nil {
		return "", "Secrets cannot be stored here."
	}
	plain, isText := v.(string)
	if !isText || f.Type == JSON {
		text, err := json.Marshal(v)
		if err != nil {
			return "", "The secret " + path + " cannot be stored."
		}
		plain = string(text)
	}
	s, err := seal(path, []byte(plain))
	if err != nil {
		return "", "The secret " + path + " cannot be encrypted."
	}
	return s, ""
}

// unseal gives the stored shape that was sealed, as far as f tells it.
func (f *Field) unseal(plain []byte) (any, error) {
	if f.Type != JSON {
		return string(plain), nil
	}
	var v any
	err := json.Unmarshal(plain, &v)
	return v, err
}
