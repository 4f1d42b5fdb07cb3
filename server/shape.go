package server

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
	textShape     shapeKind = iota
	wholeShape              // an integer
	numberShape             // any finite number
	boolShape               // true or false
	instantShape            // text, RFC 3339
	durationShape           // text with units, or null for none
	refShape                // {"service": id} or {"instance": id}
	valuesShape             // the fields of a plugin's form: an object of anything
	anyShape                // anything
	listShape
	mapShape
	objectShape
)

// shape is how a Go type reads and writes as JSON: requests are decoded by it
// and the OpenAPI document is drawn from it. It is immutable.
type shape struct {
	kind     shapeKind
	typ      reflect.Type // of the Go value, without pointer
	nullable bool
	choices  []string // of texts: the values there are; of maps: the keys
	elem     *shape   // of lists and maps
	fields   []field  // of objects, in order
}

// field is one member of an object.
type field struct {
	name     string
	index    []int // for reflect.Value.FieldByIndex
	shape    *shape
	optional bool // may be left out of an answer
	fixed    bool // set by the server alone
}

// shapes remembers the shapes of types, so that recursive ones end.
type shapes map[reflect.Type]*shape

var ( // types with a form of their own; read only
	typeTime     = reflect.TypeFor[time.Time]()
	typeDuration = reflect.TypeFor[engine.Duration]()
	typeRef      = reflect.TypeFor[engine.Ref]()
	typeValues   = reflect.TypeFor[form.Values]()
	typeMeta     = reflect.TypeFor[engine.Meta]()
	typeFree     = reflect.TypeFor[map[string]any]()
)

// shapeOf returns the shape of T.
func shapeOf[T any](known shapes) *shape { return known.of(reflect.TypeFor[T]()) }

func (known shapes) of(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		s := *known.of(t.Elem())
		s.nullable = true
		return &s
	}
	if s := known[t]; s != nil {
		return s
	}
	s := &shape{typ: t}
	known[t] = s
	switch t {
	case typeTime:
		s.kind = instantShape
		return s
	case typeDuration:
		s.kind, s.nullable = durationShape, true
		return s
	case typeRef:
		s.kind = refShape
		return s
	case typeValues, typeFree:
		s.kind = valuesShape
		return s
	}
	known.build(s, t)
	return s
}

func (known shapes) build(s *shape, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		s.kind, s.choices = textShape, choices(t)
	case reflect.Bool:
		s.kind = boolShape
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind = wholeShape
	case reflect.Float64, reflect.Float32:
		s.kind = numberShape
	case reflect.Slice:
		s.kind, s.elem = listShape, known.of(t.Elem())
	case reflect.Map:
		s.kind, s.elem, s.choices = mapShape, known.of(t.Elem()), choices(t.Key())
	case reflect.Struct:
		s.kind = objectShape
		s.fields = known.members(t, nil, false)
		if v, ok := reflect.Zero(t).Interface().(discreet); ok {
			for i := range s.fields {
				s.fields[i].optional = !slices.Contains(v.AlwaysShown(), s.fields[i].name)
			}
		}
	case reflect.Interface:
		s.kind = anyShape
	default:
		panic("server: no JSON form for " + t.String()) // a mistake in the table of routes
	}
}

// discreet is a type of which some callers see a part.
type discreet interface {
	// AlwaysShown are the names of the fields that every caller sees.
	AlwaysShown() []string
}

// scalar is the shape of a parameter of a simple kind.
func scalar(kind shapeKind) *shape { return &shape{kind: kind} }

// choice is the shape of a text that is one of a few.
func choice(values ...string) *shape { return &shape{kind: textShape, choices: values} }

// orNull is the shape of what may be null, too.
func (s *shape) orNull() *shape {
	c := *s
	c.nullable = true
	return &c
}

// freeShape is the shape of an object of anything.
func freeShape() *shape { return &shape{kind: valuesShape, typ: typeFree} }

// hiddenField reports whether a field is one of those that never leave
// the server and are never read.
func hiddenField(name string) bool {
	return name == "password_hash" || name == "hash" || name == "ping_token" || name == "feed_token" || name == "ical_sealed"
}

// members lists the fields of a struct as encoding/json names them.
func (known shapes) members(t reflect.Type, at []int, fixed bool) []field {
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
		if !f.IsExported() || name == "-" || name == "" || hiddenField(name) {
			continue
		}
		out = append(out, field{name: name, index: index, shape: known.of(f.Type), fixed: fixed,
			optional: strings.Contains(rest, "omitempty")})
	}
	return out
}

// choices are the values of the named text types.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[engine.Status]():
		return []string{"PASSING", "WARNING", "ERROR", "CRITICAL"}
	case reflect.TypeFor[engine.CheckStatus]():
		return []string{"PASSING", "FAILING", "UNKNOWN", "PENDING"}
	case reflect.TypeFor[engine.Cause]():
		return []string{"plugin", "error", "plugin_gone", "suspended", "config", "offline", "stale"}
	case reflect.TypeFor[engine.NoData]():
		return []string{"fail", "pass", "keep"}
	case reflect.TypeFor[access.Role]():
		return []string{"viewer", "operator", "editor", "admin"}
	case reflect.TypeFor[engine.DeliveryState]():
		return []string{"pending", "sent", "skipped", "failed", "superseded", "dead"}
	case reflect.TypeFor[engine.PluginKind]():
		return []string{"check", "alert"}
	case reflect.TypeFor[engine.PluginState]():
		return []string{"active", "failed", "orphaned", "suspended"}
	case reflect.TypeFor[engine.AlertKind]():
		return []string{"firing", "escalation", "deescalation", "update", "repeat", "recovery", "acknowledged", "unacknowledged", "test"}
	}
	return nil
}

// field returns a member of an object by name, nil when there is none.
func (s *shape) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

// scalar reports whether values of the shape can be compared with one text.
func (s *shape) scalar() bool { return s.kind <= durationShape }
