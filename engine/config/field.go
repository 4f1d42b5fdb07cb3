package config

import (
	"reflect"
	"strings"
)

// field is one key of a struct.
type field struct {
	name  string
	index []int
	key   bool // it names the object in its section
	omit  bool // it is left out when it is empty
}

// fieldsOf lists the keys of a struct in the order in which they are written.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
		case name != "":
			out = append(out, field{name, []int{i}, options == "key", options == "omitempty"})
		}
	}
	return out
}

// keyOf is the key that names objects of a type, "" when they have no name.
func keyOf(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		return ""
	}
	for _, f := range fieldsOf(t) {
		if f.key {
			return f.name
		}
	}
	return ""
}

func indexField(fields []field, name string) int {
	for i := range fields {
		if fields[i].name == name {
			return i
		}
	}
	return -1
}
