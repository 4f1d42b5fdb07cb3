package lookup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/server/web/webform"
)

// Setting is one configured value as the page of its object shows it.
type Setting struct {
	Label, Value string
	Secret       bool
}

// SettingsOf shows the values of a plugin's form, without those that nobody set.
func (w *Lookup) SettingsOf(slug string, name engine.FormName, values map[string]any) []Setting {
	f, _, known := w.PluginForm(slug, name)
	if !known {
		return nil
	}
	var out []Setting
	for i := range f.Fields {
		field := &f.Fields[i]
		v := values[field.Name]
		s := Setting{Label: field.DisplayLabel(), Value: webform.Display(v)}
		switch {
		case webform.IsSet(v):
			s.Value, s.Secret = "set", true
		case v == true:
			s.Value = "yes"
		case v == false:
			s.Value = "no"
		}
		if list, ok := v.([]any); ok {
			s.Value = ""
			if len(list) > 0 {
				s.Value = InWords(v, nil)
			}
		}
		if s.Value == "" {
			continue
		}
		if c := webform.LabelOf(field, s.Value); len(field.Choices) > 0 {
			s.Value = c
		}
		if field.Unit != "" && !s.Secret {
			s.Value += " " + field.Unit
		}
		out = append(out, s)
	}
	return out
}

// InWords writes a value for people: names in place of ids, lists with commas.
func InWords(v any, names map[string]string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if name := names[v]; name != "" {
			return name
		}
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return webform.PlainNumber(v)
	case []any:
		out := make([]string, len(v))
		for i, one := range v {
			out[i] = InWords(one, names)
		}
		return strings.Join(out, ", ")
	case map[string]any:
		if webform.IsSet(v) {
			return "(secret)"
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var out []string
		for _, k := range keys {
			if text := InWords(v[k], names); text != "" {
				out = append(out, k+": "+text)
			}
		}
		return strings.Join(out, "; ")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var plain any
	if json.Unmarshal(text, &plain) == nil {
		switch plain.(type) {
		case string, []any, map[string]any, bool, float64:
			return InWords(plain, names)
		}
	}
	return string(text)
}
