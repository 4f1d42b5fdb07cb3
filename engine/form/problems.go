package form

import (
	"context"
	"regexp"
	"slices"
	"sort"
	"strconv"

	"moonwatch/engine/pattern"
)

// Problem is a mistake in the declaration of a form.
type Problem struct {
	Field   string // path of the field ("rows.host"), "" when it has no name
	Message string
}

var fieldName = regexp.MustCompile(`^[a-z_][a-zA-Z0-9_]*$`)

// Problems reports every mistake in the form's declaration, in the order of the
// fields. reserved are names that no field may bear.
func (f Form) Problems(reserved []string) []Problem {
	s := &survey{}
	s.form(f.Fields, "", reserved)
	return s.problems
}

type survey struct{ problems []Problem }

func (s *survey) add(path, message string) {
	s.problems = append(s.problems, Problem{Field: path, Message: message})
}

func (s *survey) form(fields []Field, path string, reserved []string) {
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		at := join(path, f.Name)
		switch {
		case f.Name == "":
			s.add(path, "field "+strconv.Itoa(i+1)+" has no name")
		case len(f.Name) > 64 || !fieldName.MatchString(f.Name):
			s.add(at, "a field's name begins with a small letter or _, and goes on with letters, digits and _, to 64 characters")
		case slices.Contains(reserved, f.Name):
			s.add(at, "the name "+f.Name+" is reserved")
		case seen[f.Name]:
			s.add(at, "there are two fields named "+f.Name)
		}
		seen[f.Name] = true
		before := len(s.problems)
		s.field(f, at, path != "")
		s.showIf(f, at, fields)
		if len(s.problems) == before {
			s.initial(f, at)
		}
	}
	s.cycles(fields, path)
}

func (s *survey) field(f *Field, at string, inRow bool) {
	if !f.Type.known() {
		message := "there is no field type " + string(f.Type)
		var names []string
		for _, t := range Types() {
			names = append(names, string(t))
		}
		if near := Nearest(string(f.Type), names); near != "" {
			message += "; did you mean " + near + "?"
		}
		s.add(at, message)
		return
	}
	if f.Secret() && !f.Type.sealable() {
		s.add(at, string(f.Type)+" cannot be a secret: PasswordInput is for text, KeyValueField and JSONField")
	}
	s.bounds(f, at)
	switch f.Type {
	case ChoiceOne, ChoiceMany:
		s.choices(f, at)
	case Regex:
		if f.Regex == "" {
			s.add(at, "a RegexField needs regex")
		} else if _, err := pattern.Compile(f.Regex); err != nil {
			s.add(at, "regex does not compile: "+err.Error())
		}
	case List:
		s.list(f, at, inRow)
	}
}

func (s *survey) list(f *Field, at string, inRow bool) {
	switch {
	case inRow:
		s.add(at, "a ListField cannot stand inside a ListField")
	case len(f.Fields) == 0:
		s.add(at, "a ListField needs fields")
	default:
		s.form(f.Fields, at, nil)
	}
}

func (s *survey) choices(f *Field, at string) {
	if len(f.Choices) == 0 {
		s.add(at, "a "+string(f.Type)+" needs choices")
	}
	seen := map[string]bool{}
	for _, c := range f.Choices {
		if seen[c.Value] {
			s.add(at, "choices hold "+strconv.Quote(c.Value)+" twice")
		}
		seen[c.Value] = true
	}
}

func (s *survey) bounds(f *Field, at string) {
	if f.MinValue != nil && f.MaxValue != nil && *f.MinValue > *f.MaxValue {
		s.add(at, "min_value is greater than max_value")
	}
	if f.MinLength != nil && f.MaxLength != nil && *f.MinLength > *f.MaxLength {
		s.add(at, "min_length is greater than max_length")
	}
	if f.MinItems != nil && f.MaxItems != nil && *f.MinItems > *f.MaxItems {
		s.add(at, "min_items is greater than max_items")
	}
	if f.MinItems != nil && *f.MinItems > maxRows {
		s.add(at, "min_items is greater than "+strconv.Itoa(maxRows)+", the most rows there can be")
	}
	if f.StepSize != nil && *f.StepSize <= 0 {
		s.add(at, "step_size must be greater than 0")
	}
}

func (s *survey) showIf(f *Field, at string, fields []Field) {
	form := Form{Fields: fields}
	names := make([]string, 0, len(f.ShowIf))
	for name := range f.ShowIf {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		other := form.Field(name)
		switch {
		case name == f.Name:
			s.add(at, "show_if names the field itself")
		case other == nil:
			message := "show_if names " + name + ", which is no field of this form"
			if near := Nearest(name, form.names()); near != "" {
				message += "; did you mean " + near + "?"
			}
			s.add(at, message)
		case other.Secret() || other.Type == JSON || other.Type == KeyValue || other.Type == List:
			s.add(at, "show_if cannot depend on "+name+", a secret or structured field")
		case len(f.ShowIf[name]) == 0:
			s.add(at, "show_if gives no value for "+name)
		default:
			s.showValues(f.ShowIf[name], other, at)
		}
	}
}

// showValues refuses values that a choice can never have: such a field would never show.
func (s *survey) showValues(wanted []any, other *Field, at string) {
	if other.Type != ChoiceOne && other.Type != ChoiceMany {
		return
	}
	for _, w := range wanted {
		text, ok := asText(w)
		if !ok || text != "" && !other.offers(text) {
			s.add(at, "show_if gives "+strconv.Quote(text)+", which is no choice of "+other.Name)
		}
	}
}

// cycles finds fields whose show_if leads back to themselves.
func (s *survey) cycles(fields []Field, path string) {
	form := Form{Fields: fields}
	for i := range fields {
		reached := map[string]bool{}
		var follow func(name string)
		follow = func(name string) {
			f := form.Field(name)
			if f == nil || reached[name] {
				return
			}
			reached[name] = true
			for next := range f.ShowIf {
				follow(next)
			}
		}
		for next := range fields[i].ShowIf {
			if next != fields[i].Name {
				follow(next)
			}
		}
		if reached[fields[i].Name] {
			s.add(join(path, fields[i].Name), "show_if goes in a circle")
		}
	}
}

// initial cleans the initial value by the field's own rules.
func (s *survey) initial(f *Field, at string) {
	if f.Initial == nil {
		return
	}
	field := bare(*f)
	field.ShowIf = nil
	c := &cleaner{ctx: context.Background()}
	g := &group{c: c, fields: []Field{field}, raw: map[string]any{f.Name: f.Initial}}
	if field.empty(f.Initial) { // initial = "" says that there is none
		return
	}
	g.start()
	g.field(&g.fields[0])
	if errs := c.sorted(); len(errs) > 0 {
		s.add(at, "initial does not pass the field's own rules: "+errs[0].Message)
	}
}
