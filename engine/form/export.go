package form

import "encoding/json"

// Export gives the values as a document for another monitor holds them: cleaned
// there, they are the same again. Initials are filled in; what cannot be entered
// is left out, that is hidden and disabled fields and what is not in the form.
// secret gives what stands for a secret, path being as for Sealing; the value is
// Sealed, or plain when it was stored before its field became a secret. The
// result shares nothing with stored.
func (f Form) Export(stored Values, secret func(path string, v any) any) map[string]any {
	return exportFields(f.Fields, stored, "", secret)
}

func exportFields(fields []Field, stored map[string]any, path string, secret func(string, any) any) map[string]any {
	out := make(map[string]any, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.Disabled || len(f.ShowIf) > 0 && !shownAmong(fields, f, stored) {
			continue
		}
		v, ok := stored[f.Name]
		if !ok {
			v = f.initial()
		}
		out[f.Name] = f.export(v, join(path, f.Name), secret)
	}
	return out
}

func (f *Field) export(v any, path string, secret func(string, any) any) any {
	switch {
	case f.empty(v):
		return f.storedUnset()
	case f.Secret():
		return secret(path, v)
	}
	switch v := v.(type) {
	case []any:
		if f.Type == List {
			rows := make([]any, len(v))
			for i, one := range v {
				rows[i] = ExportBare(one, path, secret)
				if m, ok := one.(map[string]any); ok {
					rows[i] = exportFields(f.Fields, m, path, secret)
				}
			}
			return rows
		}
	case string:
		if f.Type == JSON { // text is written as JSON text, as people enter it
			if text, err := json.Marshal(v); err == nil {
				return string(text)
			}
		}
	}
	return ExportBare(v, path, secret)
}

// ExportBare is Export for values whose form is not known.
func ExportBare(v any, path string, secret func(path string, v any) any) any {
	switch v := v.(type) {
	case Sealed:
		return secret(path, v)
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = ExportBare(one, path, secret)
		}
		return out
	case Values:
		return ExportBare(map[string]any(v), path, secret)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			out[key] = ExportBare(one, join(path, key), secret)
		}
		return out
	}
	return v
}
