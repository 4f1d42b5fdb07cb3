package config

import (
	"reflect"
	"time"

	"moonwatch/engine/form"
)

// Encode writes a document in its one canonical form. Sections and the lists
// in them stay in the order given.
func Encode(doc *Document) []byte {
	return write(structNode(reflect.ValueOf(doc).Elem()))
}

// Plain is an object of a document as plain values: nil, bool, float64, string,
// []any, map[string]any and Secret. It is what two objects are compared by.
func Plain(object any) map[string]any {
	v := reflect.ValueOf(object)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	out := map[string]any{}
	for _, p := range structNode(v).Pairs {
		out[p.Key] = plain(p.Value)
	}
	return out
}

func structNode(v reflect.Value) *Node {
	n := &Node{Kind: MapNode}
	for _, f := range fieldsOf(v.Type()) {
		one := v.FieldByIndex(f.index)
		if f.omit && (one.Kind() == reflect.Slice && one.IsNil() || one.Kind() != reflect.Slice && one.IsZero()) {
			continue
		}
		n.Pairs = append(n.Pairs, Pair{Key: f.name, Value: encode(one)})
	}
	return n
}

func encode(v reflect.Value) *Node {
	switch one := v.Interface().(type) {
	case Duration:
		if one == 0 {
			return &Node{}
		}
		return text(form.FormatDuration(time.Duration(one)))
	case time.Time:
		if one.IsZero() {
			return &Node{}
		}
		return text(one.UTC().Format(time.RFC3339Nano))
	case Values:
		return nodeOf(map[string]any(one))
	case Secret:
		return secretNode(one)
	case SecretText:
		if one.Secret != nil {
			return secretNode(*one.Secret)
		}
		return text(one.Text)
	}
	switch v.Kind() {
	case reflect.String:
		return text(v.String())
	case reflect.Bool:
		return &Node{Kind: BoolNode, Bool: v.Bool()}
	case reflect.Int:
		return nodeOf(float64(v.Int()))
	case reflect.Pointer:
		if v.IsNil() {
			return &Node{}
		}
		return encode(v.Elem())
	case reflect.Slice:
		n := &Node{Kind: ListNode}
		for i := range v.Len() {
			n.Items = append(n.Items, encode(v.Index(i)))
		}
		return n
	case reflect.Map:
		n := &Node{Kind: MapNode}
		keys := map[string]bool{}
		for _, k := range v.MapKeys() {
			keys[k.String()] = true
		}
		for _, k := range sortedKeys(keys) {
			n.Pairs = append(n.Pairs, Pair{Key: k, Value: encode(v.MapIndex(reflect.ValueOf(k)))})
		}
		return n
	}
	return structNode(v)
}
