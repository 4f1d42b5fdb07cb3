package webform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine/form"
)

// Display is a raw value as text in an input.
func Display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return PlainNumber(v)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// PlainNumber writes a number with all its digits and no exponent.
func PlainNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Texts are the entries of a multiple choice.
func Texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			out = append(out, Display(one))
		}
	case []string:
		return v
	}
	return out
}

// IsSet reports whether a public value says that a secret is stored.
func IsSet(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["set"] == true
}

// LocalLayout is how a datetime-local input writes an instant.
const LocalLayout = "2006-01-02T15:04:05"

// localTime turns a stored instant into what a datetime-local input takes; text
// that is none stays as it is.
func localTime(text string) string {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return strings.TrimSuffix(t.UTC().Format(LocalLayout), ":00")
	}
	return text
}

// ParseLocal reads what a datetime-local input posts, as UTC.
func ParseLocal(text string) (time.Time, error) {
	if t, err := time.Parse(LocalLayout, text); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04", text)
}

// showIf describes when a field is shown: as JSON for the script, by posted
// name, and in words for those without scripts.
func showIf(siblings form.Form, f *form.Field, prefix string) (conditions, hint string) {
	if len(f.ShowIf) == 0 {
		return "", ""
	}
	wanted := map[string][]string{}
	var words []string
	for i := range siblings.Fields { // in the order of the form
		other := &siblings.Fields[i]
		values, ok := f.ShowIf[other.Name]
		if !ok {
			continue
		}
		var labels []string
		for _, v := range values {
			text := Display(v)
			wanted[joinName(prefix, other.Name)] = append(wanted[joinName(prefix, other.Name)], text)
			labels = append(labels, LabelOf(other, text))
		}
		words = append(words, fmt.Sprintf("%s is %s", other.DisplayLabel(), strings.Join(labels, " or ")))
	}
	if len(wanted) == 0 {
		return "", ""
	}
	text, err := json.Marshal(wanted)
	if err != nil {
		return "", ""
	}
	return string(text), "Only used when " + strings.Join(words, " and ") + "."
}

// LabelOf is what people read in place of a field's value.
func LabelOf(f *form.Field, value string) string {
	for _, c := range f.Choices {
		if c.Value == value && c.Label != "" {
			return c.Label
		}
	}
	switch {
	case f.Type == form.Boolean && value == "true":
		return "on"
	case f.Type == form.Boolean && value == "false":
		return "off"
	case value == "":
		return "empty"
	}
	return value
}

// OptionsOf are names to choose from in their order.
func OptionsOf(names map[string]bool, chosen string) []Option {
	var out []Option
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, Option{Value: name, Label: name, Selected: name == chosen})
	}
	return out
}
