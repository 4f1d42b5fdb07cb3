package form

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// FromWeb decodes a posted HTML form into raw values for Clean. Inputs are
// named prefix.field ("config.endpoint"; just "endpoint" with an empty prefix),
// those of rows prefix.field.N.column, where the numbers may have gaps. A row
// without any text is dropped, but for one with an input named prefix.field.N
// of its own: a page writes that for rows that are there already, its value being
// the row's key (see KeyOfRow) or, for one that is not stored yet, "1".
// An absent checkbox is false and an absent multiple selection empty; any other
// absent input is left out. The input prefix.field.clear, when not empty, clears
// a secret.
func (f Form) FromWeb(v url.Values, prefix string) map[string]any {
	raw := make(map[string]any, len(f.Fields))
	for i := range f.Fields {
		field := &f.Fields[i]
		if value, ok := field.fromWeb(v, join(prefix, field.Name)); ok {
			raw[field.Name] = value
		}
	}
	return raw
}

func (f *Field) fromWeb(v url.Values, name string) (any, bool) {
	posted, ok := v[name]
	switch f.Type {
	case Boolean:
		// A hidden input before the checkbox may post "false" under the same name.
		return len(posted) > 0 && posted[len(posted)-1] != "" && posted[len(posted)-1] != "false", true
	case ChoiceMany:
		list := make([]any, 0, len(posted))
		for _, one := range posted {
			if one != "" {
				list = append(list, one)
			}
		}
		return list, true
	case List:
		return f.rowsFromWeb(v, name), true
	}
	if f.Secret() && v.Get(name+".clear") != "" {
		return nil, true
	}
	if !ok || len(posted) == 0 {
		return nil, false
	}
	return strings.ReplaceAll(posted[len(posted)-1], "\r\n", "\n"), true
}

func (f *Field) rowsFromWeb(v url.Values, name string) []any {
	filled := map[int]bool{} // by row number: whether there is anything in it
	for key, posted := range v {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		number, column, inner := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || strconv.Itoa(n) != number {
			continue
		}
		filled[n] = filled[n] || !inner || f.saysSomething(column, posted)
	}
	numbers := make([]int, 0, len(filled))
	for n, any := range filled {
		if any {
			numbers = append(numbers, n)
		}
	}
	sort.Ints(numbers)
	if len(numbers) > maxRows+1 { // one more than is taken, so that cleaning complains
		numbers = numbers[:maxRows+1]
	}
	rows := make([]any, len(numbers))
	for i, n := range numbers {
		row := Form{Fields: f.Fields}.FromWeb(v, name+"."+strconv.Itoa(n))
		if key := v.Get(name + "." + strconv.Itoa(n)); key != "" && key != "1" {
			row[RowKey] = key
		}
		rows[i] = row
	}
	return rows
}

// saysSomething reports whether what was posted for a column makes its row
// count: text in an input. Selections, checkboxes and unchanged initials do not.
func (f *Field) saysSomething(column string, posted []string) bool {
	field := Form{Fields: f.Fields}.Field(column)
	if field == nil || field.Type == Boolean || field.Type == ChoiceOne {
		return false
	}
	for _, one := range posted {
		if initial, _ := asText(field.Initial); strings.TrimSpace(one) != "" && one != initial {
			return true
		}
	}
	return false
}
