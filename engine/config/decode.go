package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine/form"
)

// Decode reads a document strictly: a key that is not known is a problem, and
// so is a value of another type. What is left out takes its default. The
// document is nil when it cannot be read at all; otherwise it holds what could
// be read, beside the problems.
func Decode(data []byte) (*Document, []Problem) { return DecodeWith(data, nil) }

// DecodeWith is Decode that takes the values of {env: NAME} from env. A variable
// that is not set is a problem.
func DecodeWith(data []byte, env func(name string) (value string, ok bool)) (*Document, []Problem) {
	root, problems := parse(data, env)
	if root == nil {
		return nil, problems
	}
	d := &decoder{problems: problems}
	doc := &Document{root: root}
	if root.Kind != MapNode {
		d.complain("", root, "type", "a document is a map with the sections %s", "settings, users, checks and so on")
		return nil, d.problems
	}
	d.value("", root, reflect.ValueOf(doc).Elem())
	if doc.Version != Version && !d.complainedOf("moonwatch") {
		n := root.get("moonwatch")
		if n == nil {
			d.complain("moonwatch", root, "required", "the document begins with `moonwatch: %d`, the version of its format", Version)
		} else {
			d.complain("moonwatch", n, "invalid", "this release reads version %d of the format", Version)
		}
	}
	return doc, d.problems
}

// decoder fills structs from nodes.
type decoder struct{ problems []Problem }

func (d *decoder) complain(location string, n *Node, code, format string, args ...any) {
	d.complainAt(location, n.Line, code, format, args...)
}

func (d *decoder) complainAt(location string, line int, code, format string, args ...any) {
	if len(d.problems) < MaxProblems {
		d.problems = append(d.problems, Problem{Cut(location), line, code, fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) complainedOf(location string) bool {
	for _, p := range d.problems {
		if p.Location == location {
			return true
		}
	}
	return false
}

var (
	durationType = reflect.TypeFor[Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	valuesType   = reflect.TypeFor[Values]()
	secretType   = reflect.TypeFor[Secret]()
	textType     = reflect.TypeFor[SecretText]()
)

// value reads n into v, which holds the default.
func (d *decoder) value(at string, n *Node, v reflect.Value) {
	switch v.Type() {
	case durationType:
		d.duration(at, n, v)
		return
	case timeType:
		d.time(at, n, v)
		return
	case valuesType:
		d.values(at, n, v)
		return
	case secretType:
		d.secret(at, n, v)
		return
	case textType:
		d.secretText(at, n, v)
		return
	}
	if n.Kind == NullNode && v.Kind() != reflect.Slice && v.Kind() != reflect.Map {
		return // the default
	}
	switch v.Kind() {
	case reflect.String:
		if n.Kind != TextNode && n.Kind != NumberNode && n.Kind != BoolNode {
			d.complain(at, n, "type", "text is expected, not %s", n.Kind)
			return
		}
		v.SetString(n.Text)
	case reflect.Bool:
		if n.env {
			if b, err := strconv.ParseBool(n.Text); err == nil {
				n = &Node{Kind: BoolNode, Bool: b, Line: n.Line}
			}
		}
		if n.Kind != BoolNode {
			d.complain(at, n, "type", "true or false is expected, not %s", n.Kind)
			return
		}
		v.SetBool(n.Bool)
	case reflect.Int:
		if n.env {
			if i, err := strconv.ParseInt(n.Text, 10, 32); err == nil {
				n = &Node{Kind: NumberNode, Number: float64(i), Line: n.Line}
			}
		}
		if n.Kind != NumberNode || n.Number != math.Trunc(n.Number) || math.Abs(n.Number) > 1<<31 {
			d.complain(at, n, "type", "a whole number is expected")
			return
		}
		v.SetInt(int64(n.Number))
	case reflect.Pointer:
		v.Set(begun(v.Type().Elem()))
		d.value(at, n, v.Elem())
	case reflect.Slice:
		d.list(at, n, v)
	case reflect.Map:
		d.mapping(at, n, v)
	case reflect.Struct:
		d.object(at, n, v)
	}
}

func (d *decoder) duration(at string, n *Node, v reflect.Value) {
	if n.Kind == NullNode {
		v.SetInt(0)
		return
	}
	if n.Kind != TextNode {
		d.complain(at, n, "type", "write a duration with units, such as 30s or 1h30m")
		return
	}
	span, err := form.ParseDuration(n.Text)
	if err != nil {
		d.complain(at, n, "invalid", "%s", err)
		return
	}
	v.SetInt(int64(span))
}

func (d *decoder) time(at string, n *Node, v reflect.Value) {
	if n.Kind == NullNode {
		v.Set(reflect.Zero(timeType))
		return
	}
	t, err := time.Parse(time.RFC3339Nano, n.Text)
	if n.Kind != TextNode || err != nil || t.Year() < 1 || t.Year() > 9999 {
		d.complain(at, n, "invalid", "write an instant such as 2026-01-05T09:00:00Z")
		return
	}
	v.Set(reflect.ValueOf(t.UTC()))
}

func (d *decoder) secret(at string, n *Node, v reflect.Value) {
	s, ok := plain(n).(Secret)
	if !ok {
		d.complain(at, n, "type", "write {secret: true}, or leave this as it was exported")
		return
	}
	v.Set(reflect.ValueOf(s))
}

func (d *decoder) secretText(at string, n *Node, v reflect.Value) {
	out := SecretText{Given: true}
	if n.Kind == MapNode {
		out.Secret = &Secret{}
		d.secret(at, n, reflect.ValueOf(out.Secret).Elem())
	} else {
		d.value(at, n, reflect.ValueOf(&out.Text).Elem())
	}
	v.Set(reflect.ValueOf(out))
}

func (d *decoder) values(at string, n *Node, v reflect.Value) {
	switch m := plain(n).(type) {
	case nil:
		v.Set(reflect.ValueOf(Values{}))
	case map[string]any:
		v.Set(reflect.ValueOf(Values(m)))
	default:
		d.complain(at, n, "type", "a map of the plugin's fields is expected")
	}
}

func (d *decoder) list(at string, n *Node, v reflect.Value) {
	if n.Kind == NullNode {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return
	}
	if n.Kind != ListNode {
		d.complain(at, n, "type", "a list is expected, not %s", n.Kind)
		return
	}
	key := keyOf(v.Type().Elem())
	seen := map[string]int{}
	out := reflect.MakeSlice(v.Type(), 0, len(n.Items))
	for i, item := range n.Items {
		one := begun(v.Type().Elem())
		location := at + "[" + strconv.Itoa(i) + "]"
		if item.Kind == NullNode {
			d.complain(location, item, "required", "this is empty")
			continue
		}
		if key != "" {
			name := item.get(key)
			switch {
			case item.Kind != MapNode: // said below
			case name == nil || name.Kind == NullNode || name.Text == "":
				d.complain(location+"."+key, item, "required", "This field is required.")
			default:
				location = Named(at, name.Text)
				if first := seen[name.Text]; first > 0 {
					d.complain(location, name, "unique", "this %s stands in line %d already", key, first)
				} else {
					seen[name.Text] = max(name.Line, 1)
				}
			}
		}
		d.value(location, item, one.Elem())
		out = reflect.Append(out, one.Elem())
	}
	v.Set(out)
}

func (d *decoder) mapping(at string, n *Node, v reflect.Value) {
	if n.Kind != MapNode && n.Kind != NullNode {
		d.complain(at, n, "type", "a map is expected, not %s", n.Kind)
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Pairs)))
	for _, p := range n.Pairs {
		one := reflect.New(v.Type().Elem()).Elem()
		d.value(at+"."+p.Key, p.Value, one)
		v.SetMapIndex(reflect.ValueOf(p.Key), one)
	}
}

func (d *decoder) object(at string, n *Node, v reflect.Value) {
	if n.Kind != MapNode {
		d.complain(at, n, "type", "a map is expected, not %s", n.Kind)
		return
	}
	fields := fieldsOf(v.Type())
	for _, p := range n.Pairs {
		location := strings.TrimPrefix(at+"."+p.Key, ".")
		i := indexField(fields, p.Key)
		if i < 0 {
			d.unknown(location, p, fields)
			continue
		}
		d.value(location, p.Value, v.FieldByIndex(fields[i].index))
	}
}

func (d *decoder) unknown(location string, p Pair, fields []field) {
	if len(d.problems) >= MaxProblems { // looking for near names takes time
		return
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	near := ""
	if near = form.Nearest(p.Key, names); near != "" {
		near = "; did you mean " + near + "?"
	}
	d.complainAt(location, p.Line, "unknown", "there is no such key%s", near)
}

// Cut bounds a location that holds names of the document's own.
func Cut(location string) string {
	if runes := []rune(location); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return location
}

// Named is the location of an object in a section.
func Named(section, name string) string { return section + "[" + strconv.Quote(name) + "]" }
