package form

import "encoding/json"

// Public gives the values as the API and pages show them; sent back unchanged,
// they clean to what is stored. A secret is {"set": true}, or nil when unset;
// so is everything that was sealed under an earlier schema. Initials are filled
// in; unset values are "", [], false or nil, as their type has it. Fields that
// are not in the form are left out. The result shares nothing with stored.
func (f Form) Public(stored Values) map[string]any {
	out := make(map[string]any, len(f.Fields))
	for i := range f.Fields {
		field := &f.Fields[i]
		v, ok := stored[field.Name]
		if !ok {
			v = field.initial()
		}
		out[field.Name] = field.public(v)
	}
	return out
}

func (f *Field) public(v any) any {
	if f.Secret() {
		if f.empty(v) {
			return nil
		}
		return setMark()
	}
	if f.empty(v) {
		return f.storedUnset()
	}
	if list, ok := v.([]any); ok && f.Type == List {
		rows := make([]any, len(list))
		for i, one := range list {
			if m, ok := one.(map[string]any); ok {
				rows[i] = Form{Fields: f.Fields}.Public(m)
				continue
			}
			rows[i] = Mask(one)
		}
		return rows
	}
	if s, ok := v.(string); ok && f.Type == JSON { // text is sent as JSON text
		if text, err := json.Marshal(s); err == nil {
			return string(text)
		}
	}
	return Mask(v)
}

func setMark() map[string]any { return map[string]any{"set": true} }

// Mask copies v with {"set": true} in place of everything sealed, at any depth.
// It is for values whose form is not known.
func Mask(v any) any {
	switch v := v.(type) {
	case Sealed:
		return setMark()
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = Mask(one)
		}
		return out
	case Values:
		if v == nil {
			return map[string]any{}
		}
		return Mask(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			out[key] = Mask(one)
		}
		return out
	}
	return v
}
