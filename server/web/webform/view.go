// Package webform turns a form of the engine into what a page draws, and what a
// page posts back into the form's raw values and complaints.
//
// In come a form.Form, raw values (as Form.Public or Form.FromWeb give them) and
// complaints by location; out come a View, whose fields, groups and rows the
// templates form*.html draw, and Errors, which say beside which field each
// complaint stands. A secret never comes out: only whether one is set.
//
// The package knows no request, no session and no kind of object: which form is
// shown, and what becomes of its values, is for package web.
package webform

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine/form"
)

// View is a form as its template draws it. One form may be drawn in parts
// (the engine's own fields, and the plugin's), each with its prefix.
type View struct {
	Groups []Group
}

// Group is a set of fields that are shown together; the first of a form
// has no title.
type Group struct {
	Title  string
	Fields []*Field
}

// Field is one field as its template draws it.
type Field struct {
	ID           string // of the element
	Name         string // under which it is posted
	Kind         string // text, number, textarea, select, radio, checks, checkbox, datetime, rows, hidden, …
	Type         string // of an input
	Label        string
	Help         string
	Unit         string
	Placeholder  string
	Value        string
	Checked      bool
	Required     bool
	Disabled     bool
	Deprecated   string
	Options      []Option
	Suggestions  []string // for a datalist
	Errors       []string
	Secret       bool
	Set          bool // a secret is stored
	Typed        bool // a secret was typed and has to be typed again
	Cleared      bool
	ShowIf       string // for the script: the conditions as JSON
	ShowHint     string // for those without scripts
	Min, Max     string
	Step         string
	MaxLength    int
	Lines        int
	Inputmode    string
	Autocomplete string
	Picker       bool // a long list with a filter

	Rows  []Row
	Blank *Row // a row that the script copies
}

// Option is one value of a choice.
type Option struct {
	Value, Label, Note string
	Selected           bool
}

// Row is one row of a ListField.
type Row struct {
	Index  string
	Name   string
	Marked bool   // the row counts though nothing is in it
	Key    string // of the stored row that it was, "1" for none
	Fields []*Field
	Errors []string
}

// DescribedBy lists the elements that explain the field, for those who hear it.
func (v *Field) DescribedBy() string {
	var ids []string
	if v.Help != "" || v.Unit != "" || v.Deprecated != "" || v.Secret {
		ids = append(ids, v.ID+"-help")
	}
	if len(v.Errors) > 0 {
		ids = append(ids, v.ID+"-error")
	}
	return strings.Join(ids, " ")
}

// Drawing says how a form is drawn.
type Drawing struct {
	Prefix string         // of posted names: "config"
	Stored map[string]any // as Form.Public gives it: which secrets are set
	Errors Errors
	Blank  map[string]bool // rows that were added and have nothing in them yet, by name
	Posted bool            // values were typed just now, and are not what is stored
}

// AsPosted is the same draw for values that are no stored ones.
func (o Drawing) AsPosted() Drawing {
	o.Posted = true
	return o
}

// Draw lays out a form with raw values, which are those of Form.Public or
// those that Form.FromWeb read.
func Draw(f form.Form, raw map[string]any, o Drawing) View {
	var v View
	at := map[string]int{}
	for i := range f.Fields {
		field := &f.Fields[i]
		view := o.field(f, field, raw, o.Stored, o.Prefix)
		n, ok := at[field.Group]
		if !ok {
			n = len(v.Groups)
			at[field.Group] = n
			v.Groups = append(v.Groups, Group{Title: field.Group})
		}
		v.Groups[n].Fields = append(v.Groups[n].Fields, view)
	}
	return v
}

func joinName(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// field lays out one field; siblings is the form or row that it stands in.
func (o *Drawing) field(siblings form.Form, f *form.Field, raw, stored map[string]any, prefix string) *Field {
	name := joinName(prefix, f.Name)
	v := &Field{
		ID: IDOf(name), Name: name, Label: f.DisplayLabel(), Help: f.HelpText, Unit: f.Unit, Placeholder: f.Placeholder,
		Disabled: f.Disabled, Deprecated: f.Deprecated, Secret: f.Secret(), Errors: o.Errors.Take(name),
		Required: f.Required && f.Type != form.Boolean && f.Env == "" && f.Deprecated == "",
	}
	value, given := raw[f.Name]
	if !given && !o.Posted {
		value = form.Form{Fields: []form.Field{*f}}.Public(nil)[f.Name]
	}
	v.ShowIf, v.ShowHint = showIf(siblings, f, prefix)
	o.kind(v, f, value)
	switch {
	case v.Secret:
		v.Set = IsSet(stored[f.Name])
		text, isText := value.(string)
		v.Typed = o.Posted && isText && text != ""
		v.Cleared = o.Posted && given && value == nil
		v.Value = ""
	case f.Type == form.List:
		storedRows, _ := stored[f.Name].([]any)
		o.rows(v, f, value, storedRows)
	}
	return v
}

// kind chooses the input and gives it its value.
func (o *Drawing) kind(v *Field, f *form.Field, value any) {
	v.Kind, v.Type, v.Value = "text", "text", Display(value)
	widget := f.DisplayWidget()
	if f.MaxLength != nil {
		v.MaxLength = *f.MaxLength
	}
	switch f.Type {
	case form.Boolean:
		v.Kind, v.Checked = "checkbox", value == true || value == "true" || value == "on"
		return
	case form.ChoiceOne:
		v.Kind = "select"
		if widget == "RadioSelect" {
			v.Kind = "radio"
		}
		v.Options = choices(f, []string{v.Value}, v.Kind == "select")
		return
	case form.ChoiceMany:
		v.Kind = "checks"
		if widget == "SelectMultiple" && len(f.Choices) > 12 {
			v.Picker = true
		}
		v.Options = choices(f, Texts(value), false)
		return
	case form.List:
		v.Kind = "rows"
		return
	case form.KeyValue, form.JSON:
		v.Kind, v.Lines = "textarea", 4
		if v.Placeholder == "" && f.Type == form.KeyValue {
			v.Placeholder = "Name: value"
		}
	case form.DateTime:
		v.Type = "datetime-local"
		v.Value = localTime(v.Value)
		if _, err := ParseLocal(v.Value); err != nil && v.Value != "" {
			v.Type = "text" // what was typed stays
		}
		if v.Unit == "" {
			v.Unit = "UTC"
		}
	case form.Integer, form.Float, form.Port:
		v.numeric(f)
	case form.DurationType:
		if v.Placeholder == "" {
			v.Placeholder = "such as 30s or 1h30m"
		}
	case form.URL:
		v.Type, v.Inputmode = "url", "url"
	case form.Email:
		v.Type, v.Inputmode = "email", "email"
	}
	switch widget {
	case "Textarea":
		if v.Kind == "text" {
			v.Kind, v.Lines = "textarea", 4
		}
	case "RadioSelect", "Select":
		if len(f.Choices) > 0 {
			for _, c := range f.Choices {
				v.Suggestions = append(v.Suggestions, c.Value)
			}
		}
	case "HiddenInput":
		v.Kind = "hidden"
	}
	if f.Secret() && v.Kind == "text" {
		v.Kind, v.Type = "text", "password"
	}
}

func (v *Field) numeric(f *form.Field) {
	v.Type, v.Inputmode, v.Step = "number", "decimal", "any"
	if f.Type != form.Float {
		v.Inputmode, v.Step = "numeric", "1"
	}
	if f.StepSize != nil {
		v.Step = PlainNumber(*f.StepSize)
	}
	low, high := f.MinValue, f.MaxValue
	if f.Type == form.Port {
		one, most := 1.0, 65535.0
		if low == nil {
			low = &one
		}
		if high == nil {
			high = &most
		}
	}
	if low != nil {
		v.Min = PlainNumber(*low)
	}
	if high != nil {
		v.Max = PlainNumber(*high)
	}
	if _, err := strconv.ParseFloat(v.Value, 64); err != nil && v.Value != "" {
		v.Type = "text" // a number input would drop what was typed
	}
}

// choices are the options of a field. A value that is not offered any more is
// shown as such, so that it is not lost unseen.
func choices(f *form.Field, selected []string, single bool) []Option {
	var out []Option
	if single && (!f.Required || len(selected) == 0 || selected[0] == "") && !offers(f, "") {
		out = append(out, Option{Value: "", Label: "–", Selected: len(selected) == 0 || selected[0] == ""})
	}
	for _, c := range f.Choices {
		label := c.Label
		if label == "" {
			label = c.Value
		}
		out = append(out, Option{Value: c.Value, Label: label, Selected: slices.Contains(selected, c.Value)})
	}
	for _, s := range selected {
		if s != "" && !offers(f, s) {
			out = append(out, Option{Value: s, Label: s, Note: "not offered any more", Selected: true})
		}
	}
	return out
}

func offers(f *form.Field, value string) bool {
	return slices.ContainsFunc(f.Choices, func(c form.Choice) bool { return c.Value == value })
}

// rows lays out the rows of a ListField, and one that the script copies.
func (o *Drawing) rows(v *Field, f *form.Field, value any, stored []any) {
	columns := form.Form{Fields: f.Fields}
	list, _ := value.([]any)
	for i, one := range list {
		row, _ := one.(map[string]any)
		key, _ := row[form.RowKey].(string)
		if !o.Posted && i < len(stored) {
			public, _ := stored[i].(map[string]any)
			key = form.KeyOfRow(i, public)
		}
		view := o.row(columns, v.Name, strconv.Itoa(i), row, rowOf(stored, key))
		view.Key = cmp.Or(key, "1")
		v.Rows = append(v.Rows, view)
	}
	if len(list) == 0 && !o.Posted && f.Required {
		first := *o
		blank := first.row(columns, v.Name, "0", columns.Public(nil), nil)
		blank.Marked = false
		v.Rows = append(v.Rows, blank)
	}
	template := Drawing{Prefix: o.Prefix}
	blank := template.row(columns, v.Name, "__N__", columns.Public(nil), nil)
	blank.Marked = false
	v.Blank = &blank
}

// rowOf is the stored row of that key, or nil.
func rowOf(stored []any, key string) map[string]any {
	for i, one := range stored {
		if row, _ := one.(map[string]any); row != nil && form.KeyOfRow(i, row) == key {
			return row
		}
	}
	return nil
}

func (o *Drawing) row(columns form.Form, list, index string, raw, stored map[string]any) Row {
	name := list + "." + index
	r := Row{Index: index, Name: name, Marked: !o.Blank[name], Errors: o.Errors.Take(name)}
	inner := *o
	if o.Blank[name] {
		inner.Posted = false
		raw = columns.Public(nil)
	}
	for i := range columns.Fields {
		r.Fields = append(r.Fields, inner.field(columns, &columns.Fields[i], raw, stored, name))
	}
	return r
}

var notID = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// IDOf is the id of the element of a posted name.
func IDOf(name string) string { return "f-" + notID.ReplaceAllString(name, "-") }
