package server

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// The number of items on a page of a list.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// pageView is one page of a list.
type pageView[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

// cursor is where the next page begins: behind the item that it describes.
type cursor struct {
	Order string  `json:"o"`
	Num   float64 `json:"n,omitempty"`
	Text  string  `json:"t,omitempty"`
	ID    string  `json:"i"`
}

func (c cursor) encode() *string {
	data, _ := json.Marshal(c) // plain fields always encode
	text := base64.RawURLEncoding.EncodeToString(data)
	return &text
}

// filter wants one of the values in a field.
type filter struct {
	field *field
	want  []string // in canonical form
}

// listing is what a client asked of a list.
type listing struct {
	limit   int
	after   *cursor
	order   string // as written, "-name"
	by      *field // nil: the list's own order
	down    bool
	filters []filter
}

// listSpec says what of a list can be asked.
type listSpec struct {
	item   *shape
	extra  []param // parameters that the handler reads itself
	order  string  // default ordering
	fixed  bool    // only the default ordering and its reverse are there
	oneWay bool    // and not the reverse
}

// params are the query parameters of a list.
func (l listSpec) params() []param {
	text := &shape{kind: textShape}
	out := []param{
		{"limit", &shape{kind: wholeShape}, "items on a page, 1 to 1000 (100)"},
		{"cursor", text, "what the page before gave as next"},
		{"ordering", text, "a field, or -field for the reverse (" + l.order + ")"},
	}
	out = append(out, l.extra...)
	for i := range l.item.fields {
		f := &l.item.fields[i]
		if !filterable(f.shape) || slices.ContainsFunc(out, func(p param) bool { return p.name == f.name }) {
			continue
		}
		note := "only items with this " + f.name + "; given more than once, any of them"
		if f.shape.kind == listShape {
			note = "only items whose " + f.name + " contain this"
		}
		out = append(out, param{f.name, f.shape, note})
	}
	return out
}

func filterable(s *shape) bool {
	return s.scalar() || s.kind == listShape && s.elem.kind == textShape
}

// parse reads the parameters of a list; bad ones are a *problem.
func (l listSpec) parse(c *call) (*listing, error) {
	out := &listing{limit: defaultLimit, order: l.order}
	var errs form.Errors
	bad := func(name, code, message string) {
		errs = append(errs, form.Error{Location: name, Code: code, Message: message})
	}
	if text := c.query.Get("limit"); c.query.Has("limit") {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			bad("limit", form.CodeType, "this must be a whole number")
		case n < 1:
			bad("limit", form.CodeMin, "at least 1")
		case n > maxLimit:
			bad("limit", form.CodeMax, "at most 1000")
		}
		out.limit = n
	}
	if c.query.Has("ordering") {
		out.order = c.query.Get("ordering")
	}
	name := strings.TrimPrefix(out.order, "-")
	out.down = strings.HasPrefix(out.order, "-")
	out.by = l.item.field(name)
	if out.by == nil || !out.by.shape.scalar() || l.fixed && name != strings.TrimPrefix(l.order, "-") || l.oneWay && out.order != l.order {
		bad("ordering", form.CodeInvalid, "this list cannot be put in order by that")
	}
	if text := c.query.Get("cursor"); c.query.Has("cursor") {
		after := new(cursor)
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(data, after) != nil || after.Order != out.order || !plausibleID(after.ID) {
			bad("cursor", form.CodeInvalid, "this is no cursor of this list in this order")
		}
		out.after = after
	}
	errs = append(errs, l.filters(c, out)...)
	if len(errs) > 0 {
		return nil, invalid(errs...)
	}
	return out, nil
}

// filters reads the filter per field.
func (l listSpec) filters(c *call, out *listing) (errs form.Errors) {
	for _, name := range sortedKeys(c.query) {
		f := l.item.field(name)
		if f == nil || !filterable(f.shape) || slices.ContainsFunc(l.extra, func(p param) bool { return p.name == name }) {
			continue
		}
		one := filter{field: f}
		for _, text := range c.query[name] {
			want, problem := canonical(f.shape, text)
			if problem != "" {
				errs = append(errs, form.Error{Location: name, Code: form.CodeInvalid, Message: problem})
				continue
			}
			one.want = append(one.want, want)
		}
		out.filters = append(out.filters, one)
	}
	return errs
}

// canonical turns the text of a filter into the text that textOf gives, or says
// what is wrong with it.
func canonical(s *shape, text string) (string, string) {
	switch s.kind {
	case listShape:
		return canonical(s.elem, text)
	case boolShape:
		if text != "true" && text != "false" {
			return "", "this must be true or false"
		}
	case wholeShape, numberShape:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return "", "this must be a number"
		}
		return strconv.FormatFloat(n, 'g', -1, 64), ""
	case instantShape:
		if text == "" {
			return "", ""
		}
		at, ok := parseInstant(text)
		if !ok {
			return "", wantInstant
		}
		return at.Format(time.RFC3339Nano), ""
	case durationShape:
		if text == "" {
			return "", ""
		}
		d, err := form.ParseDuration(text)
		if err != nil {
			return "", err.Error()
		}
		return form.FormatDuration(d), ""
	case textShape:
		if text != "" && len(s.choices) > 0 && !slices.Contains(s.choices, text) {
			return "", "one of " + strings.Join(s.choices, ", ")
		}
	}
	return text, ""
}

// textOf is a scalar value in the form that filters compare; unset is "".
func textOf(s *shape, v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch s.kind {
	case boolShape:
		return strconv.FormatBool(v.Bool())
	case wholeShape, numberShape:
		return strconv.FormatFloat(number(v), 'g', -1, 64)
	case instantShape:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	case durationShape:
		if v.Int() == 0 {
			return ""
		}
		return form.FormatDuration(time.Duration(v.Int()))
	}
	return v.String()
}

func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

// matches reports whether an item passes all filters.
func (l *listing) matches(item reflect.Value) bool {
	for _, f := range l.filters {
		v := item.FieldByIndex(f.field.index)
		if f.field.shape.kind == listShape {
			found := false
			for i := 0; i < v.Len() && !found; i++ {
				found = slices.Contains(f.want, v.Index(i).String())
			}
			if !found {
				return false
			}
			continue
		}
		if !slices.Contains(f.want, textOf(f.field.shape, v)) {
			return false
		}
	}
	return true
}

// key is what an item is put in order by.
func (l *listing) key(item reflect.Value) (num float64, text string) {
	v := item.FieldByIndex(l.by.index)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return 0, ""
		}
		v = v.Elem()
	}
	switch l.by.shape.kind {
	case boolShape:
		if v.Bool() {
			return 1, ""
		}
		return 0, ""
	case wholeShape, numberShape, durationShape:
		return number(v), ""
	case instantShape:
		return float64(v.Interface().(time.Time).UnixMicro()), ""
	}
	if status, ok := v.Interface().(engine.Status); ok {
		return float64(status.Rank()), ""
	}
	return 0, strings.ToLower(v.String())
}

// entry is one item with what it is put in order by.
type entry struct {
	cursor
	at int
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.Num, b.Num), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
}

// page chooses the items of one page out of all, by identity id.
func page[T any](l *listing, all []T, id func(*T) string) ([]T, *string) {
	var found []entry
	for i := range all {
		v := reflect.ValueOf(&all[i]).Elem()
		if !l.matches(v) {
			continue
		}
		e := entry{cursor{Order: l.order, ID: id(&all[i])}, i}
		e.Num, e.Text = l.key(v)
		if l.after == nil || l.behind(e) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b entry) int {
		if l.down {
			return compareEntries(b, a)
		}
		return compareEntries(a, b)
	})
	var next *string
	if len(found) > l.limit {
		next = found[l.limit-1].encode()
		found = found[:l.limit]
	}
	out := make([]T, len(found))
	for i, e := range found {
		out[i] = all[e.at]
	}
	return out, next
}

// behind reports whether an entry comes after the cursor.
func (l *listing) behind(e entry) bool {
	n := compareEntries(e, entry{cursor: *l.after})
	return n > 0 && !l.down || n < 0 && l.down
}

// gathered is a page of a list that the store gives in its own order.
type gathered[T any] struct {
	l     *listing
	items []T
	last  string
	more  bool
}

// gather returns an empty page of what was asked for.
func gather[T any](l *listing) *gathered[T] { return &gathered[T]{l: l} }

// take adds an item if it belongs to the page; false ends the reading.
func (g *gathered[T]) take(id string, item T) bool {
	if !g.l.matches(reflect.ValueOf(&item).Elem()) {
		return true
	}
	if len(g.items) == g.l.limit {
		g.more = true
		return false
	}
	g.items, g.last = append(g.items, item), id
	return true
}

func (g *gathered[T]) page() pageView[T] {
	out := pageView[T]{Items: g.items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if g.more {
		out.Next = cursor{Order: g.l.order, ID: g.last}.encode()
	}
	return out
}

// afterID is the id that the page before ended with.
func (l *listing) afterID() string {
	if l.after == nil {
		return ""
	}
	return l.after.ID
}

// plausibleID reports whether a text could be an id: the store is not asked for others.
func plausibleID(id string) bool { return len(id) <= engine.MaxID && strings.IndexByte(id, 0) < 0 }

// flag reads a parameter that is true or false; nil when it is not given.
func (c *call) flag(name string) (*bool, error) {
	if !c.query.Has(name) {
		return nil, nil
	}
	text := c.query.Get(name)
	if text != "true" && text != "false" {
		return nil, invalid(form.Error{Location: name, Code: form.CodeInvalid, Message: "this must be true or false"})
	}
	yes := text == "true"
	return &yes, nil
}

// instant reads a parameter that is a time; the zero time when it is not given.
func (c *call) instant(name string) (time.Time, error) {
	if !c.query.Has(name) {
		return time.Time{}, nil
	}
	at, ok := parseInstant(c.query.Get(name))
	if !ok {
		return at, invalid(form.Error{Location: name, Code: form.CodeInvalid, Message: wantInstant})
	}
	return at, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
