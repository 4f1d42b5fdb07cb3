package form

import (
	"fmt"
	"sort"
)

// Seen gives the values as plugins read them: "" for unset text; an empty
// []any, KeyValues or []any of rows (map[string]any) for what holds several;
// false for an unset BooleanField and nil for any other unset value. Numbers
// are float64; durations and instants are float64 seconds. A field that is not
// in stored reads as its initial; one that is stored empty is unset.
//
// Secrets are opened with open; when it is nil, they stay Sealed. The error
// names the first field whose stored value does not convert, as when the
// field's type has changed.
func (f Form) Seen(stored Values, open Opening) (map[string]any, error) {
	return seenFields(f.Fields, stored, "", open)
}

func seenFields(fields []Field, stored map[string]any, path string, open Opening) (map[string]any, error) {
	out := make(map[string]any, len(fields))
	for i := range fields {
		f := &fields[i]
		v, ok := stored[f.Name]
		if !ok {
			out[f.Name] = f.seen(f.initial())
			continue
		}
		seen, err := f.open(v, join(path, f.Name), open)
		if err != nil && len(f.ShowIf) > 0 && !shownAmong(fields, f, stored) {
			seen, err = f.seen(nil), nil // a hidden field is not validated
		}
		if err != nil {
			return nil, err
		}
		out[f.Name] = seen
	}
	return out, nil
}

// open gives the seen shape of a stored value, and opens what is sealed in it.
func (f *Field) open(v any, path string, open Opening) (any, error) {
	if s, ok := v.(Sealed); ok {
		if open == nil {
			return s, nil
		}
		plain, err := open(path, s)
		if err != nil {
			return nil, fmt.Errorf("field %s: opening its secret: %w", path, err)
		}
		if v, err = f.unseal(plain); err != nil {
			return nil, fmt.Errorf("field %s: the stored secret is not valid JSON", path)
		}
	}
	if f.empty(v) {
		return f.seen(nil), nil
	}
	if f.Type == List {
		return f.openRows(v, path, open)
	}
	plain, p := f.convert(v, fromStore)
	if p != nil {
		return nil, fmt.Errorf("field %s: the stored value no longer fits: %w", path, p)
	}
	return f.seen(plain), nil
}

func (f *Field) openRows(v any, path string, open Opening) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("field %s: the stored value is not a list of rows", path)
	}
	rows := make([]any, len(list))
	for i, one := range list {
		m, ok := asObject(one)
		if !ok {
			return nil, fmt.Errorf("field %s: row %d of the stored value is not an object", path, i+1)
		}
		row, err := seenFields(f.Fields, m, path, open)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		rows[i] = row
	}
	return rows, nil
}

// seen gives the seen shape of a converted value; nil is unset.
func (f *Field) seen(v any) any {
	if s, ok := v.(Sealed); ok {
		return s
	}
	if f.empty(v) {
		switch {
		case f.Type == KeyValue:
			return KeyValues{}
		case f.Secret() && f.Type != JSON:
			return ""
		}
		return f.storedUnset()
	}
	switch f.Type {
	case List:
		return f.seenRows(v)
	case DurationType:
		s, _ := v.(string)
		return durationSeconds(s)
	case DateTime:
		s, _ := v.(string)
		return dateTimeSeconds(s)
	case KeyValue:
		s, _ := v.(string)
		pairs, _ := parseLines(s)
		return pairs
	}
	return clone(v)
}

func (f *Field) seenRows(v any) any {
	list, _ := v.([]any)
	rows := make([]any, len(list))
	for i, one := range list {
		m, _ := one.(map[string]any)
		rows[i] = Form{Fields: f.Fields}.seen(m)
	}
	return rows
}

// seen gives the seen shape of values that Clean has in hand.
func (f Form) seen(values map[string]any) map[string]any {
	out, err := f.Seen(values, nil)
	if err != nil { // a hidden or disabled field keeps what no longer fits
		out = make(map[string]any, len(f.Fields))
		for i := range f.Fields {
			field := &f.Fields[i]
			one, err := Form{Fields: []Field{*field}}.Seen(values, nil)
			if err != nil {
				out[field.Name] = field.seen(nil)
				continue
			}
			out[field.Name] = one[field.Name]
		}
	}
	return out
}

// initial is the stored shape of the field's initial value, secrets in plain;
// nil when it has none, or one that does not pass.
func (f *Field) initial() any {
	if f.Initial == nil {
		return nil
	}
	field := bare(*f)
	field.ShowIf = nil
	c := &cleaner{}
	g := &group{c: c, fields: []Field{field}}
	g.start()
	g.field(&g.fields[0])
	if len(c.errs) > 0 {
		return nil
	}
	return g.out[f.Name]
}

// shownAmong reports whether f's show_if holds among stored values.
func shownAmong(fields []Field, f *Field, stored map[string]any) bool {
	g := &group{c: &cleaner{}, src: fromStore, fields: fields, raw: stored, stored: stored, row: true}
	g.start()
	return g.shown(f)
}

func (f Form) names() []string {
	names := make([]string, len(f.Fields))
	for i := range f.Fields {
		names[i] = f.Fields[i].Name
	}
	return names
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
