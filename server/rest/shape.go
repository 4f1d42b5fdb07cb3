package rest

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// form of a value in JSON.
type shapeKind int

const (
	TextShape     shapeKind = iota
	WholeShape              // an integer
	NumberShape             // any finite number
	BoolShape               // true or false
	InstantShape            // text, RFC 3339
	DurationShape           // text with units, or null for none
	RefShape                // {"service": id} or {"instance": id}
	ValuesShape             // the fields of a plugin's form: an object of anything
	anyShape                // anything
	ListShape
	MapShape
	ObjectShape
)

// Shape is how a Go type reads and writes as JSON: requests are decoded by it
// and the OpenAPI document is drawn from it. It is immutable.
type Shape struct {
	Kind     shapeKind
	Type     reflect.Type // of the Go value, without pointer
	Nullable bool
	Choices  []string // of texts: the values there are; of maps: the keys
	Elem     *Shape   // of lists and maps
	Fields   []field  // of objects, in order
}

// field is one member of an object.
type field struct {
	Name     string
	index    []int // for reflect.Value.FieldByIndex
	Shape    *Shape
	Optional bool // may be left out of an answer
	Fixed    bool // set by the server alone
}

// Shapes remembers the shapes of types, so that recursive ones end.
type Shapes map[reflect.Type]*Shape

var ( // types with a form of their own; read only
	typeTime     = reflect.TypeFor[time.Time]()
	typeDuration = reflect.TypeFor[engine.Duration]()
	typeRef      = reflect.TypeFor[engine.Ref]()
	typeValues   = reflect.TypeFor[form.Values]()
	typeMeta     = reflect.TypeFor[engine.Meta]()
	typeFree     = reflect.TypeFor[map[string]any]()
)

// ShapeOf returns the shape of T.
func ShapeOf[T any](known Shapes) *Shape { return known.of(reflect.TypeFor[T]()) }

func (known Shapes) of(t reflect.Type) *Shape {
	if t.Kind() == reflect.Pointer {
		s := *known.of(t.Elem())
		s.Nullable = true
		return &s
	}
	if s := known[t]; s != nil {
		return s
	}
	s := &Shape{Type: t}
	known[t] = s
	switch t {
	case typeTime:
		s.Kind = InstantShape
		return s
	case typeDuration:
		s.Kind, s.Nullable = DurationShape, true
		return s
	case typeRef:
		s.Kind = RefShape
		return s
	case typeValues, typeFree:
		s.Kind = ValuesShape
		return s
	}
	known.build(s, t)
	return s
}

func (known Shapes) build(s *Shape, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		s.Kind, s.Choices = TextShape, choices(t)
	case reflect.Bool:
		s.Kind = BoolShape
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.Kind = WholeShape
	case reflect.Float64, reflect.Float32:
		s.Kind = NumberShape
	case reflect.Slice:
		s.Kind, s.Elem = ListShape, known.of(t.Elem())
	case reflect.Map:
		s.Kind, s.Elem, s.Choices = MapShape, known.of(t.Elem()), choices(t.Key())
	case reflect.Struct:
		s.Kind = ObjectShape
		s.Fields = known.members(t, nil, false)
		if v, ok := reflect.Zero(t).Interface().(discreet); ok {
			for i := range s.Fields {
				s.Fields[i].Optional = !slices.Contains(v.AlwaysShown(), s.Fields[i].Name)
			}
		}
	case reflect.Interface:
		s.Kind = anyShape
	default:
		panic("server: no JSON form for " + t.String()) // a mistake in the table of routes
	}
}

// discreet is a type of which some callers see a part.
type discreet interface {
	// AlwaysShown are the names of the fields that every caller sees.
	AlwaysShown() []string
}

// Scalar is the shape of a parameter of a simple kind.
func Scalar(kind shapeKind) *Shape { return &Shape{Kind: kind} }

// Choice is the shape of a text that is one of a few.
func Choice(values ...string) *Shape { return &Shape{Kind: TextShape, Choices: values} }

// OrNull is the shape of what may be null, too.
func (s *Shape) OrNull() *Shape {
	c := *s
	c.Nullable = true
	return &c
}

// FreeShape is the shape of an object of anything.
func FreeShape() *Shape { return &Shape{Kind: ValuesShape, Type: typeFree} }

// HiddenField reports whether a field is one of those that never leave
// the server and are never read.
func HiddenField(name string) bool {
	return name == "password_hash" || name == "hash" || name == "ping_token" || name == "feed_token" || name == "ical_sealed"
}

// members lists the fields of a struct as encoding/json names them.
func (known Shapes) members(t reflect.Type, at []int, fixed bool) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" {
			out = append(out, known.members(f.Type, index, fixed || f.Type == typeMeta)...)
			continue
		}
		name, rest, _ := strings.Cut(tag, ",")
		if !f.IsExported() || name == "-" || name == "" || HiddenField(name) {
			continue
		}
		out = append(out, field{Name: name, index: index, Shape: known.of(f.Type), Fixed: fixed,
			Optional: strings.Contains(rest, "omitempty")})
	}
	return out
}

// choices are the values of the named text types, nil for a type of free texts.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[engine.Status]():
		return texts(engine.Statuses())
	case reflect.TypeFor[engine.CheckStatus]():
		return texts(engine.CheckStatuses())
	case reflect.TypeFor[engine.Cause]():
		return texts(engine.Causes())
	case reflect.TypeFor[engine.NoData]():
		return texts(engine.NoDataWays())
	case reflect.TypeFor[access.Role]():
		return texts(access.Roles())
	case reflect.TypeFor[engine.DeliveryState]():
		return texts(engine.DeliveryStates())
	case reflect.TypeFor[engine.PluginKind]():
		return texts(engine.PluginKinds())
	case reflect.TypeFor[engine.PluginState]():
		return texts(engine.PluginStates())
	case reflect.TypeFor[engine.AlertKind]():
		return texts(engine.AlertKinds())
	}
	return nil
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// field returns a member of an object by name, nil when there is none.
func (s *Shape) field(name string) *field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// scalar reports whether values of the shape can be compared with one text.
func (s *Shape) scalar() bool { return s.Kind <= DurationShape }
