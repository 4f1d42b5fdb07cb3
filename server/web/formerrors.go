package web

import (
	"errors"
	"regexp"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// fieldErrors are complaints by posted name. Those that a field took are shown
// beside it; the summary shows all.
type fieldErrors struct {
	list  *[]fieldError
	taken map[string]bool
}

type fieldError struct {
	Name    string // as posted: "config.rows.2.host"
	Message string
	Linked  bool // a field shows it
	ID      string
	Label   string
}

func newFieldErrors() fieldErrors {
	return fieldErrors{list: new([]fieldError), taken: map[string]bool{}}
}

var rowNumber = regexp.MustCompile(`\[(\d+)\]`)

// postedName is the name under which the value at a location is posted.
func postedName(location string) string { return rowNumber.ReplaceAllString(location, ".$1") }

func (e fieldErrors) add(name, message string) {
	message = sentence(message)
	for _, one := range *e.list {
		if one.Name == name && one.Message == message {
			return
		}
	}
	*e.list = append(*e.list, fieldError{Name: name, Message: message})
}

// addAll takes the complaints of a cleaning or of the engine.
func (e fieldErrors) addAll(errs form.Errors) {
	for _, one := range errs {
		e.add(postedName(one.Location), one.Message)
	}
}

// addError takes what the engine said; an error that is not for people is returned.
func (e fieldErrors) addError(err error) error {
	var bad *engine.Error
	if !errors.As(err, &bad) {
		return err
	}
	if len(bad.Fields) == 0 {
		e.add("", bad.Message)
	}
	e.addAll(bad.Fields)
	return nil
}

func (e fieldErrors) any() bool { return e.list != nil && len(*e.list) > 0 }

// take gives the field of a name its complaints, and those about parts of it
// that no field shows ("tags.0").
func (e fieldErrors) take(name string) []string {
	if e.list == nil {
		return nil
	}
	var out []string
	for i := range *e.list {
		one := &(*e.list)[i]
		if !one.Linked && one.Name == name {
			one.Linked, one.ID = true, idOf(name)
			out = append(out, one.Message)
		}
	}
	return out
}

// settle gives what no field took to the nearest field around it, after all
// forms of the page were drawn.
func (e fieldErrors) settle(forms ...formView) {
	if e.list == nil {
		return
	}
	fields := map[string]*fieldView{}
	for _, f := range forms {
		f.each(func(v *fieldView) { fields[v.Name] = v })
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

// each calls fn for every field of the form, those of rows (and of the row that
// is copied) included.
func (v formView) each(fn func(*fieldView)) {
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
func (e fieldErrors) All() []fieldError {
	if e.list == nil {
		return nil
	}
	return *e.list
}

// drop takes back a complaint.
func (e fieldErrors) drop(name, message string) {
	kept := (*e.list)[:0]
	for _, one := range *e.list {
		if one.Name != name || one.Message != message {
			kept = append(kept, one)
		}
	}
	*e.list = kept
}
