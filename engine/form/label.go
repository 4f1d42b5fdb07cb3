package form

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DisplayLabel is the label that people see: the field's own, or its name with
// spaces and a capital ("bone_name" is "Bone name").
func (f *Field) DisplayLabel() string {
	if f.Label != "" {
		return f.Label
	}
	text := strings.TrimSpace(strings.ReplaceAll(f.Name, "_", " "))
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return f.Name
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// DisplayWidget is how the field is drawn: its own widget, or its type's.
func (f *Field) DisplayWidget() string {
	if f.Widget != "" {
		return f.Widget
	}
	switch f.Type {
	case Integer, Float, Port:
		return "NumberInput"
	case Boolean:
		return "CheckboxInput"
	case ChoiceOne:
		return "Select"
	case ChoiceMany:
		return "SelectMultiple"
	case URL:
		return "URLInput"
	case Email:
		return "EmailInput"
	case DateTime:
		return "DateTimeInput"
	case JSON, KeyValue:
		return "Textarea"
	case List:
		return "Rows"
	}
	return "TextInput"
}

// Widgets returns the names that a field's widget can have, as Django has them.
func Widgets() []string {
	return []string{
		"TextInput", "Textarea", "PasswordInput", "NumberInput", "EmailInput", "URLInput",
		"DateTimeInput", "CheckboxInput", "CheckboxSelectMultiple", "Select", "SelectMultiple",
		"RadioSelect", "HiddenInput",
	}
}

// Field returns the field of that name, nil when there is none.
func (f Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Secrets returns the paths of all secret fields ("token", "rows.password"), in
// the order of the fields.
func (f Form) Secrets() []string {
	var paths []string
	for i := range f.Fields {
		field := &f.Fields[i]
		if field.Type == List {
			for _, inner := range (Form{Fields: field.Fields}).Secrets() {
				paths = append(paths, join(field.Name, inner))
			}
			continue
		}
		if field.Secret() {
			paths = append(paths, field.Name)
		}
	}
	return paths
}

// ValidURL reports whether text is a URL with the scheme http or https and a host.
func ValidURL(text string) bool { return checkURL(text) == nil }
