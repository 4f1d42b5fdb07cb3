package ownform

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// Limit is a bound on a number.
func Limit(n float64) *float64 { return &n }

// Length is a bound on a text, in characters.
func Length(n int) *int { return &n }

// Severities are the statuses that something broken can have, the mildest first.
func Severities() []form.Choice {
	return []form.Choice{{Value: "WARNING", Label: "Warning"}, {Value: "ERROR", Label: "Error"}, {Value: "CRITICAL", Label: "Critical"}}
}

// SpanText is a duration as its field is filled in; zero leaves it empty.
func SpanText(d engine.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// SpanOf reads a cleaned duration; none is zero.
func SpanOf(v any) engine.Duration {
	d, err := form.ParseDuration(frame.TextOf(v))
	if err != nil {
		return 0
	}
	return engine.Duration(d)
}

// Words are the entries of a line with commas, without empty ones.
func Words(line string) []string {
	out := []string{}
	for _, one := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// WholeOf reads a cleaned whole number; none is zero.
func WholeOf(v any) int {
	n, _ := v.(float64)
	return int(n)
}

// AnyTexts are texts as the raw value of a multiple choice.
func AnyTexts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// RowsOf are the rows of a cleaned list.
func RowsOf(v any) []map[string]any {
	var out []map[string]any
	list, _ := v.([]any)
	for _, one := range list {
		if row, ok := one.(map[string]any); ok {
			out = append(out, row)
		}
	}
	return out
}

// KeepChosen keeps the rows of a list in which something is chosen: a choice
// alone does not make a row count.
func KeepChosen(posted url.Values, list, column string) {
	for _, n := range webform.RowNumbers(posted, list) {
		if row := list + "." + strconv.Itoa(n); posted.Get(row+"."+column) != "" {
			posted.Set(row, "1")
		}
	}
}

// ChosenFirst makes a long list one that can be searched, with what is chosen at
// its top.
func ChosenFirst(f *webform.Field) {
	f.Picker = true
	slices.SortStableFunc(f.Options, func(a, b webform.Option) int { return frame.B2i(b.Selected) - frame.B2i(a.Selected) })
}

// WithoutSecrets leaves out what is set but not shown: it belongs to another object.
func WithoutSecrets(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for name, v := range values {
		if rows, ok := v.([]any); ok {
			copied := make([]any, len(rows))
			for i, row := range rows {
				copied[i] = row
				if m, ok := row.(map[string]any); ok {
					copied[i] = WithoutSecrets(m)
				}
			}
			v = copied
		}
		if !webform.IsSet(v) {
			out[name] = v
		}
	}
	return out
}
