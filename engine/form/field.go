package form

import (
	"strings"
)

// field cleans one shown field into g.out.
func (g *group) field(f *Field) {
	raw, given := g.raw[f.Name]
	if sealed, ok := raw.(Sealed); ok {
		g.sealed(f, sealed)
		return
	}
	if g.src == fromClient && g.guarded(f) && (!given || f.blank(raw) || isSetMark(raw)) {
		g.keep(f, isSetMark(raw))
		return
	}
	if !given && g.src != fromPlugin {
		g.missing(f)
		return
	}
	g.given(f, raw, g.src)
}

func (g *group) missing(f *Field) {
	if f.Initial == nil {
		g.given(f, nil, fromClient)
		return
	}
	g.given(f, f.Initial, fromClient)
}

// given cleans a value that may be empty.
func (g *group) given(f *Field, raw any, src source) {
	if f.empty(raw) {
		g.unset(f)
		return
	}
	v, ok := g.value(f, raw, src)
	if !ok {
		return
	}
	if f.empty(v) {
		g.unset(f)
		return
	}
	if f.Secret() {
		g.c.entered(v)
	}
	if f.HasClean && g.c.callbacks != nil {
		if v, ok = g.call(f, v); !ok {
			return
		}
	}
	g.out[f.Name] = v
}

func (g *group) unset(f *Field) {
	if f.mandatory() {
		g.fail(f, &errRequired)
		return
	}
	g.out[f.Name] = f.storedUnset()
}

// value converts and validates what is not empty.
func (g *group) value(f *Field, raw any, src source) (any, bool) {
	if f.Type == List {
		return g.list(f, raw, src)
	}
	v, p := f.convert(raw, src)
	if p == nil && !f.empty(v) {
		v, p = f.validate(v)
	}
	if p != nil {
		g.fail(f, p)
		return nil, false
	}
	return v, true
}

// mandatory reports whether an empty value is refused. A field with Env may be
// filled by the environment, and a deprecated one is on its way out.
func (f *Field) mandatory() bool {
	return f.Required && f.Type != Boolean && f.Env == "" && f.Deprecated == ""
}

// strips reports whether white space around the value means nothing.
func (f *Field) strips() bool {
	switch f.Type {
	case Char:
		return !f.Secret()
	case Regex, Pattern, ChoiceOne, ChoiceMany:
		return false
	}
	return true
}

// empty reports whether v is no value, in any of the three shapes.
func (f *Field) empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return f.blank(v)
	case KeyValues:
		return len(v) == 0
	case []any:
		return len(v) == 0 && f.Type.several()
	case []map[string]any:
		return len(v) == 0 && f.Type.several()
	case map[string]any:
		return len(v) == 0 && f.Type.several()
	}
	return false
}

// several reports whether a value of the type holds several, so that an empty
// container is none.
func (t Type) several() bool { return t == List || t == KeyValue || t == ChoiceMany }

func (f *Field) blank(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	return s == "" || f.strips() && strings.TrimSpace(s) == ""
}

// storedUnset is how an explicitly empty value is stored.
func (f *Field) storedUnset() any {
	switch {
	case f.Secret():
		return nil
	case f.Type == Boolean:
		return false
	case f.Type == ChoiceMany || f.Type == List:
		return []any{}
	case f.Type.text() || f.Type == KeyValue:
		return ""
	}
	return nil
}

// text reports whether values of the type are text wherever they are read.
func (t Type) text() bool {
	switch t {
	case Char, ChoiceOne, URL, Email, Slug, Regex, Pattern, GenericIPAddress, Host:
		return true
	}
	return false
}

// TakesText reports whether the field's values are text.
func (f *Field) TakesText() bool { return f.Type.text() || f.Type == ChoiceMany }

// sealable reports whether values of the type can be secrets.
func (t Type) sealable() bool {
	return t.text() && t != ChoiceOne || t == KeyValue || t == JSON
}

// Types returns all field types in the order of the contract.
func Types() []Type {
	return []Type{
		Char, Integer, Float, Boolean, ChoiceOne, ChoiceMany, URL, Email, Slug, Regex,
		Pattern, GenericIPAddress, Host, Port, DurationType, DateTime, JSON, KeyValue, List,
	}
}

func (t Type) known() bool {
	for _, one := range Types() {
		if one == t {
			return true
		}
	}
	return false
}
