package webform

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// Errors are complaints by posted name. Those that a field took are shown
// beside it; the summary shows all.
type Errors struct {
	list  *[]Error
	taken map[string]bool
}

// Error is one complaint of the summary.
type Error struct {
	Name    string // as posted: "config.rows.2.host"
	Message string
	Linked  bool // a field shows it
	ID      string
	Label   string
}

// NewErrors returns an empty list of complaints; copies share it.
func NewErrors() Errors {
	return Errors{list: new([]Error), taken: map[string]bool{}}
}

var rowNumber = regexp.MustCompile(`\[(\d+)\]`)

// postedName is the name under which the value at a location is posted.
func postedName(location string) string { return rowNumber.ReplaceAllString(location, ".$1") }

// Add notes a complaint about the field of a posted name, once; "" is the form.
func (e Errors) Add(name, message string) {
	message = Sentence(message)
	for _, one := range *e.list {
		if one.Name == name && one.Message == message {
			return
		}
	}
	*e.list = append(*e.list, Error{Name: name, Message: message})
}

// AddAll takes the complaints of a cleaning or of the engine.
func (e Errors) AddAll(errs form.Errors) {
	for _, one := range errs {
		e.Add(postedName(one.Location), one.Message)
	}
}

// AddError takes what the engine said; an error that is not for people is returned.
func (e Errors) AddError(err error) error {
	var bad *engine.Error
	if !errors.As(err, &bad) {
		return err
	}
	if len(bad.Fields) == 0 {
		e.Add("", bad.Message)
	}
	e.AddAll(bad.Fields)
	return nil
}

// Any reports whether there are complaints.
func (e Errors) Any() bool { return e.list != nil && len(*e.list) > 0 }

// Take gives the field of a name its complaints, and those about parts of it
// that no field shows ("tags.0").
func (e Errors) Take(name string) []string {
	if e.list == nil {
		return nil
	}
	var out []string
	for i := range *e.list {
		one := &(*e.list)[i]
		if !one.Linked && one.Name == name {
			one.Linked, one.ID = true, IDOf(name)
			out = append(out, one.Message)
		}
	}
	return out
}

// Settle gives what no field took to the nearest field around it, after all
// forms of the page were drawn.
func (e Errors) Settle(forms ...View) {
	if e.list == nil {
		return
	}
	fields := map[string]*Field{}
	for _, f := range forms {
		f.Each(func(v *Field) { fields[v.Name] = v })
	}
	for i := range *e.list {
		one := &(*e.list)[i]
		for name := one.Name; name != ""; {
			if f := fields[name]; f != nil {
				one.Label, one.ID = f.Label, f.ID
				if !one.Linked {
					one.Linked = true
					f.Errors = append(f.Errors, one.Message)
				}
				break
			}
			cut := strings.LastIndexByte(name, '.')
			if cut < 0 {
				break
			}
			name = name[:cut]
		}
	}
}

// Each calls fn for every field of the form, those of rows (and of the row that
// is copied) included.
func (v View) Each(fn func(*Field)) {
	for _, g := range v.Groups {
		for _, f := range g.Fields {
			fn(f)
			for _, r := range f.Rows {
				for _, inner := range r.Fields {
					fn(inner)
				}
			}
			if f.Blank != nil {
				for _, inner := range f.Blank.Fields {
					fn(inner)
				}
			}
		}
	}
}

// All are the complaints for the summary.
func (e Errors) All() []Error {
	if e.list == nil {
		return nil
	}
	return *e.list
}

// Sentence writes a message of the engine, which begins small and ends without
// a full stop, as a sentence.
func Sentence(text string) string {
	text = strings.TrimSpace(text)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.ContainsRune(".!?…", rune(text[len(text)-1])) {
		text += "."
	}
	return text
}
