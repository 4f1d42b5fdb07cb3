package rest

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

// PageView is one page of a list.
type PageView[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

// Cursor is where the next page begins: behind the item that it describes.
type Cursor struct {
	Order string  `json:"o"`
	Num   float64 `json:"n,omitempty"`
	Text  string  `json:"t,omitempty"`
	ID    string  `json:"i"`
}

// Encode writes the cursor as clients are given it.
func (c Cursor) Encode() *string {
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
	After   *Cursor
	Order   string // as written, "-name"
	by      *field // nil: the list's own order
	Down    bool
	filters []filter
}

// ListSpec says what of a list can be asked.
type ListSpec struct {
	Item   *Shape
	Extra  []Param // parameters that the handler reads itself
	Order  string  // default ordering
	Fixed  bool    // only the default ordering and its reverse are there
	OneWay bool    // and not the reverse
}

// Params are the query parameters of a list.
func (l ListSpec) Params() []Param {
	text := &Shape{Kind: TextShape}
	out := []Param{
		{"limit", &Shape{Kind: WholeShape}, "items on a page, 1 to 1000 (100)"},
		{"cursor", text, "what the page before gave as next"},
		{"ordering", text, "a field, or -field for the reverse (" + l.Order + ")"},
	}
	out = append(out, l.Extra...)
	for i := range l.Item.Fields {
		f := &l.Item.Fields[i]
		if !filterable(f.Shape) || slices.ContainsFunc(out, func(p Param) bool { return p.Name == f.Name }) {
			continue
		}
		note := "only items with this " + f.Name + "; given more than once, any of them"
		if f.Shape.Kind == ListShape {
			note = "only items whose " + f.Name + " contain this"
		}
		out = append(out, Param{f.Name, f.Shape, note})
	}
	return out
}

func filterable(s *Shape) bool {
	return s.scalar() || s.Kind == ListShape && s.Elem.Kind == TextShape
}

// Parse reads the parameters of a list; bad ones are a *problem.
func (l ListSpec) Parse(c *Call) (*listing, error) {
	out := &listing{limit: defaultLimit, Order: l.Order}
	var errs form.Errors
	bad := func(name, code, message string) {
		errs = append(errs, form.Error{Location: name, Code: code, Message: message})
	}
	if text := c.Query.Get("limit"); c.Query.Has("limit") {
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
	if c.Query.Has("ordering") {
		out.Order = c.Query.Get("ordering")
	}
	name := strings.TrimPrefix(out.Order, "-")
	out.Down = strings.HasPrefix(out.Order, "-")
	out.by = l.Item.field(name)
	if out.by == nil || !out.by.Shape.scalar() || l.Fixed && name != strings.TrimPrefix(l.Order, "-") || l.OneWay && out.Order != l.Order {
		bad("ordering", form.CodeInvalid, "this list cannot be put in order by that")
	}
	if text := c.Query.Get("cursor"); c.Query.Has("cursor") {
		after := new(Cursor)
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(data, after) != nil || after.Order != out.Order || !plausibleID(after.ID) {
			bad("cursor", form.CodeInvalid, "this is no cursor of this list in this order")
		}
		out.After = after
	}
	errs = append(errs, l.filters(c, out)...)
	if len(errs) > 0 {
		return nil, Invalid(errs...)
	}
	return out, nil
}

// filters reads the filter per field.
func (l ListSpec) filters(c *Call, out *listing) (errs form.Errors) {
	for _, name := range SortedKeys(c.Query) {
		f := l.Item.field(name)
		if f == nil || !filterable(f.Shape) || slices.ContainsFunc(l.Extra, func(p Param) bool { return p.Name == name }) {
			continue
		}
		one := filter{field: f}
		for _, text := range c.Query[name] {
			want, problem := canonical(f.Shape, text)
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
func canonical(s *Shape, text string) (string, string) {
	switch s.Kind {
	case ListShape:
		return canonical(s.Elem, text)
	case BoolShape:
		if text != "true" && text != "false" {
			return "", "this must be true or false"
		}
	case WholeShape, NumberShape:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return "", "this must be a number"
		}
		return strconv.FormatFloat(n, 'g', -1, 64), ""
	case InstantShape:
		if text == "" {
			return "", ""
		}
		at, ok := parseInstant(text)
		if !ok {
			return "", wantInstant
		}
		return at.Format(time.RFC3339Nano), ""
	case DurationShape:
		if text == "" {
			return "", ""
		}
		d, err := form.ParseDuration(text)
		if err != nil {
			return "", err.Error()
		}
		return form.FormatDuration(d), ""
	case TextShape:
		if text != "" && len(s.Choices) > 0 && !slices.Contains(s.Choices, text) {
			return "", "one of " + strings.Join(s.Choices, ", ")
		}
	}
	return text, ""
}

// textOf is a scalar value in the form that filters compare; unset is "".
func textOf(s *Shape, v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch s.Kind {
	case BoolShape:
		return strconv.FormatBool(v.Bool())
	case WholeShape, NumberShape:
		return strconv.FormatFloat(number(v), 'g', -1, 64)
	case InstantShape:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	case DurationShape:
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
		if f.field.Shape.Kind == ListShape {
			found := false
			for i := 0; i < v.Len() && !found; i++ {
				found = slices.Contains(f.want, v.Index(i).String())
			}
			if !found {
				return false
			}
			continue
		}
		if !slices.Contains(f.want, textOf(f.field.Shape, v)) {
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
	switch l.by.Shape.Kind {
	case BoolShape:
		if v.Bool() {
			return 1, ""
		}
		return 0, ""
	case WholeShape, NumberShape, DurationShape:
		return number(v), ""
	case InstantShape:
		return float64(v.Interface().(time.Time).UnixMicro()), ""
	}
	if status, ok := v.Interface().(engine.Status); ok {
		return float64(status.Rank()), ""
	}
	return 0, strings.ToLower(v.String())
}

// entry is one item with what it is put in order by.
type entry struct {
	Cursor
	at int
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.Num, b.Num), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
}

// Page chooses the items of one page out of all, by identity id.
func Page[T any](l *listing, all []T, id func(*T) string) ([]T, *string) {
	var found []entry
	for i := range all {
		v := reflect.ValueOf(&all[i]).Elem()
		if !l.matches(v) {
			continue
		}
		e := entry{Cursor{Order: l.Order, ID: id(&all[i])}, i}
		e.Num, e.Text = l.key(v)
		if l.After == nil || l.behind(e) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b entry) int {
		if l.Down {
			return compareEntries(b, a)
		}
		return compareEntries(a, b)
	})
	var next *string
	if len(found) > l.limit {
		next = found[l.limit-1].Encode()
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
	n := compareEntries(e, entry{Cursor: *l.After})
	return n > 0 && !l.Down || n < 0 && l.Down
}

// gathered is a page of a list that the store gives in its own order.
type gathered[T any] struct {
	l     *listing
	Items []T
	last  string
	More  bool
}

// Gather returns an empty page of what was asked for.
func Gather[T any](l *listing) *gathered[T] { return &gathered[T]{l: l} }

// Take adds an item if it belongs to the page; false ends the reading.
func (g *gathered[T]) Take(id string, item T) bool {
	if !g.l.matches(reflect.ValueOf(&item).Elem()) {
		return true
	}
	if len(g.Items) == g.l.limit {
		g.More = true
		return false
	}
	g.Items, g.last = append(g.Items, item), id
	return true
}

// Page is what was gathered, with the cursor of the next page if there is one.
func (g *gathered[T]) Page() PageView[T] {
	out := PageView[T]{Items: g.Items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if g.More {
		out.Next = Cursor{Order: g.l.Order, ID: g.last}.Encode()
	}
	return out
}

// AfterID is the id that the page before ended with.
func (l *listing) AfterID() string {
	if l.After == nil {
		return ""
	}
	return l.After.ID
}

// plausibleID reports whether a text could be an id: the store is not asked for others.
func plausibleID(id string) bool { return len(id) <= engine.MaxID && strings.IndexByte(id, 0) < 0 }

// Flag reads a parameter that is true or false; nil when it is not given.
func (c *Call) Flag(name string) (*bool, error) {
	if !c.Query.Has(name) {
		return nil, nil
	}
	text := c.Query.Get(name)
	if text != "true" && text != "false" {
		return nil, Invalid(form.Error{Location: name, Code: form.CodeInvalid, Message: "this must be true or false"})
	}
	yes := text == "true"
	return &yes, nil
}

// Instant reads a parameter that is a time; the zero time when it is not given.
func (c *Call) Instant(name string) (time.Time, error) {
	if !c.Query.Has(name) {
		return time.Time{}, nil
	}
	at, ok := parseInstant(c.Query.Get(name))
	if !ok {
		return at, Invalid(form.Error{Location: name, Code: form.CodeInvalid, Message: wantInstant})
	}
	return at, nil
}

// SortedKeys are the keys of a map in order.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
