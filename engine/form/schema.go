package form

// JSONSchema describes what Clean takes, in the subset of JSON Schema 2020-12
// that OpenAPI 3.1 uses. What JSON Schema has no word for stands under x-unit,
// x-group, x-show-if, x-widget, x-format, x-labels, x-placeholder, x-env and,
// as an object's members have no order, x-order.
func (f Form) JSONSchema() map[string]any {
	properties := make(map[string]any, len(f.Fields))
	required, order := []any{}, make([]any, len(f.Fields))
	for i := range f.Fields {
		field := &f.Fields[i]
		order[i] = field.Name
		properties[field.Name] = fieldSchema{field}.whole()
		if field.needed() {
			required = append(required, field.Name)
		}
	}
	schema := map[string]any{
		"type":                 "object",
		"properties":           properties,
		"additionalProperties": false,
		"x-order":              order,
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// needed reports whether a client must always send the field.
func (f *Field) needed() bool {
	return f.mandatory() && f.initial() == nil && len(f.ShowIf) == 0 && !f.Disabled && !f.Secret()
}

// fieldSchema writes the schema of one field.
type fieldSchema struct{ *Field }

func (f fieldSchema) whole() map[string]any {
	s := f.ofType()
	s["title"] = f.DisplayLabel()
	s["x-widget"] = f.DisplayWidget()
	for key, text := range map[string]string{
		"description": f.HelpText, "x-unit": f.Unit, "x-group": f.Group,
		"x-placeholder": f.Placeholder, "x-env": f.Env, "x-deprecated": f.Deprecated,
	} {
		if text != "" {
			s[key] = text
		}
	}
	if f.Deprecated != "" {
		s["deprecated"] = true
	}
	if f.Disabled {
		s["readOnly"] = true
	}
	if len(f.ShowIf) > 0 {
		s["x-show-if"] = f.ShowIf
	}
	if f.Secret() {
		f.putSecret(s)
		return s
	}
	if v := f.initial(); v != nil {
		s["default"] = f.public(v)
	}
	if !f.mandatory() && f.Type != Boolean {
		switch t := s["type"].(type) {
		case string:
			s["type"] = []any{t, "null"}
		case []any:
			s["type"] = append(t, "null")
		}
	}
	return s
}

// putSecret writes what holds for a value that is only ever written: null clears it, and
// {"set": true} (what is read in its place) keeps it.
func (f fieldSchema) putSecret(s map[string]any) {
	s["writeOnly"] = true
	s["format"] = "password"
	if f.Type != JSON {
		s["type"] = []any{"string", "object", "null"}
	}
}

func (f fieldSchema) ofType() map[string]any {
	s := map[string]any{}
	put := func(kind string) {
		s["type"] = kind
	}
	switch f.Type {
	case Integer, Float:
		put(map[Type]string{Integer: "integer", Float: "number"}[f.Type])
		f.putRange(s, f.MinValue, f.MaxValue)
	case Port:
		put("integer")
		low, high := tighter(f.MinValue, f.MaxValue, 1, 65535)
		f.putRange(s, low, high)
	case Boolean:
		put("boolean")
	case ChoiceOne:
		put("string")
		f.putChoices(s, s)
	case ChoiceMany:
		put("array")
		items := map[string]any{"type": "string"}
		f.putChoices(items, s)
		s["items"], s["uniqueItems"] = items, true
	case DurationType:
		s["type"], s["x-format"] = []any{"string", "number"}, "duration"
		s["examples"] = []any{"30s", "1h30m"}
	case JSON:
		s["x-format"] = "json"
	case KeyValue:
		s["type"], s["x-format"] = []any{"string", "object"}, "key-value"
	case List:
		put("array")
		s["items"] = Form{Fields: f.Fields}.JSONSchema()
		f.putItems(s)
	default:
		put("string")
		f.putText(s)
	}
	return s
}

func (f fieldSchema) putRange(s map[string]any, low, high *float64) {
	if low != nil {
		s["minimum"] = *low
	}
	if high != nil {
		s["maximum"] = *high
	}
	if f.StepSize != nil && *f.StepSize > 0 && (low == nil || *low == 0) {
		s["multipleOf"] = *f.StepSize
	}
}

// putChoices writes the values to s and the labels to outer.
func (f fieldSchema) putChoices(s, outer map[string]any) {
	values, labels := make([]any, 0, len(f.Choices)+1), make(map[string]any, len(f.Choices))
	for _, c := range f.Choices {
		values = append(values, c.Value)
		labels[c.Value] = c.Label
	}
	if _, ok := labels[""]; !ok && f.Type == ChoiceOne && !f.mandatory() {
		values = append(values, "", nil)
	}
	s["enum"], outer["x-labels"] = values, labels
}

func (f fieldSchema) putItems(s map[string]any) {
	limit := maxRows
	if f.MaxItems != nil {
		limit = min(limit, *f.MaxItems)
	}
	s["maxItems"] = limit
	switch {
	case f.MinItems != nil:
		s["minItems"] = *f.MinItems
	case f.mandatory():
		s["minItems"] = 1
	}
}

func (f fieldSchema) putText(s map[string]any) {
	if f.MinLength != nil {
		s["minLength"] = *f.MinLength
	} else if f.mandatory() {
		s["minLength"] = 1
	}
	if f.MaxLength != nil {
		s["maxLength"] = *f.MaxLength
	} else if f.Type == URL {
		s["maxLength"] = maxURL
	}
	switch f.Type {
	case URL:
		s["format"] = "uri"
	case Email:
		s["format"] = "email"
	case Slug:
		s["pattern"] = slugText.String()
	case Regex:
		s["pattern"] = f.Regex
	case Pattern:
		s["x-format"] = "regex"
	case GenericIPAddress:
		s["x-format"] = "ip"
	case Host:
		s["x-format"] = "host"
	case DateTime:
		s["format"] = "date-time"
	}
}
