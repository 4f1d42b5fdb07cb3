package webform

import (
	"net/url"
	"sort"
	"strconv"
	"strings"

	"moonwatch/engine/form"
)

// Without scripts rows are added and removed by buttons that post the form: the
// page comes again with one row more or less, and nothing is saved.

// RowsButton is the name of those buttons; their value is "add:NAME" or
// "remove:NAME.N".
const RowsButton = "_rows"

// ChangeRows does what such a button says to the posted values and reports
// whether there was one. blank names the rows that have nothing in them yet.
func ChangeRows(f form.Form, prefix string, posted url.Values) (blank map[string]bool, changed bool) {
	if !posted.Has(RowsButton) {
		return nil, false
	}
	action, name, _ := strings.Cut(posted.Get(RowsButton), ":")
	for i := range f.Fields {
		field := &f.Fields[i]
		list := joinName(prefix, field.Name)
		if field.Type != form.List || name != list && !strings.HasPrefix(name, list+".") {
			continue
		}
		if action == "remove" {
			dropRow(posted, name)
			return keepRows(posted, list), true
		}
		next := 0
		if numbers := RowNumbers(posted, list); len(numbers) > 0 {
			next = numbers[len(numbers)-1] + 1
		}
		posted.Set(list+"."+strconv.Itoa(next), "1")
		blank = keepRows(posted, list)
		return blank, true
	}
	return nil, true
}

func dropRow(posted url.Values, name string) {
	for key := range posted {
		if key == name || strings.HasPrefix(key, name+".") {
			delete(posted, key)
		}
	}
}

// keepRows marks all rows of a list so that none is dropped, and names those
// that are empty by the place they will have.
func keepRows(posted url.Values, list string) map[string]bool {
	blank := map[string]bool{}
	for place, n := range RowNumbers(posted, list) {
		name := list + "." + strconv.Itoa(n)
		empty := true
		for key, values := range posted {
			if strings.HasPrefix(key, name+".") {
				for _, v := range values {
					empty = empty && strings.TrimSpace(v) == ""
				}
			}
		}
		if empty {
			blank[list+"."+strconv.Itoa(place)] = true
		}
		if posted.Get(name) == "" {
			posted.Set(name, "1")
		}
	}
	return blank
}

// RowNumbers are the numbers of the rows that were posted, in order.
func RowNumbers(posted url.Values, list string) []int {
	seen := map[int]bool{}
	for key := range posted {
		rest, ok := strings.CutPrefix(key, list+".")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil && n >= 0 {
			seen[n] = true
		}
	}
	numbers := make([]int, 0, len(seen))
	for n := range seen {
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	return numbers
}
