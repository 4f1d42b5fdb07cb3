package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// MaxErrors bounds what one body is blamed for.
const MaxErrors = 100

// maxList bounds the entries of one list.
const maxList = 10_000

// decoder turns a parsed body into Go values and collects every complaint. It
// never writes into what v shares with others: lists and maps are made anew.
type decoder struct {
	errs form.Errors
}

// overlay sets the fields of the struct v that the body names, and leaves the
// others. Names in ignored are those that the server alone sets.
func overlay(s *Shape, v reflect.Value, body map[string]any, ignored map[string]bool) form.Errors {
	d := &decoder{}
	d.object(s, v, body, "", ignored)
	return d.errs
}

func (d *decoder) fail(at, code, format string, args ...any) {
	if len(d.errs) < MaxErrors {
		d.errs = append(d.errs, form.Error{Location: at, Code: code, Message: fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) wrong(at, want string) { d.fail(at, form.CodeType, "this must be %s", want) }

// object decodes what body holds of the fields of s, in their order.
func (d *decoder) object(s *Shape, v reflect.Value, body map[string]any, at string, ignored map[string]bool) {
	var names []string
	known := map[string]bool{}
	for _, f := range s.Fields {
		known[f.Name] = true
		if f.Fixed {
			continue
		}
		names = append(names, f.Name)
		raw, given := body[f.Name]
		if given && !ignored[f.Name] {
			d.value(f.Shape, v.FieldByIndex(f.index), raw, below(at, f.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if known[name] || ignored[name] {
			continue
		}
		if near := form.Nearest(name, names); near != "" {
			d.fail(below(at, name), form.CodeUnknown, "there is no such field; did you mean %s?", near)
		} else {
			d.fail(below(at, name), form.CodeUnknown, "there is no such field")
		}
	}
}

// value decodes raw into v, which may be a pointer when the shape is nullable.
func (d *decoder) value(s *Shape, v reflect.Value, raw any, at string) {
	if raw == nil && (s.Nullable || s.Kind == anyShape) {
		v.SetZero()
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		v = fresh.Elem()
	}
	switch s.Kind {
	case TextShape:
		if text, ok := raw.(string); ok {
			v.SetString(text)
		} else {
			d.wrong(at, "text")
		}
	case BoolShape:
		if b, ok := raw.(bool); ok {
			v.SetBool(b)
		} else {
			d.wrong(at, "true or false")
		}
	case WholeShape:
		d.whole(v, raw, at)
	case NumberShape:
		if n, ok := finite(raw); ok {
			v.SetFloat(n)
		} else {
			d.wrong(at, "a number")
		}
	case InstantShape:
		d.instant(v, raw, at)
	case DurationShape:
		d.duration(v, raw, at)
	case RefShape:
		d.ref(v, raw, at)
	default:
		d.composed(s, v, raw, at)
	}
}

// composed decodes what holds other values.
func (d *decoder) composed(s *Shape, v reflect.Value, raw any, at string) {
	switch s.Kind {
	case ValuesShape:
		if m, ok := raw.(map[string]any); ok {
			v.Set(reflect.ValueOf(d.free(m, at)).Convert(v.Type()))
		} else {
			d.wrong(at, "an object")
		}
	case anyShape:
		v.Set(reflect.ValueOf(d.free(raw, at)))
	case ListShape:
		list, ok := raw.([]any)
		if !ok {
			d.wrong(at, "a list")
			return
		}
		if len(list) > maxList {
			d.fail(at, form.CodeMax, "at most %d", maxList)
			return
		}
		out := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i, one := range list {
			d.value(s.Elem, out.Index(i), one, at+"["+strconv.Itoa(i)+"]")
		}
		v.Set(out)
	case MapShape:
		m, ok := raw.(map[string]any)
		if !ok {
			d.wrong(at, "an object")
			return
		}
		out := reflect.MakeMapWithSize(v.Type(), len(m))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			one := reflect.New(v.Type().Elem()).Elem()
			d.value(s.Elem, one, m[key], below(at, key))
			out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), one)
		}
		v.Set(out)
	case ObjectShape:
		m, ok := raw.(map[string]any)
		if !ok {
			d.wrong(at, "an object")
			return
		}
		d.object(s, v, m, at, nil)
	}
}

func (d *decoder) whole(v reflect.Value, raw any, at string) {
	n, ok := finite(raw)
	if !ok || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		d.wrong(at, "a whole number")
		return
	}
	switch {
	case v.CanInt() && !v.OverflowInt(int64(n)):
		v.SetInt(int64(n))
	case v.CanUint() && n >= 0 && !v.OverflowUint(uint64(n)):
		v.SetUint(uint64(n))
	default:
		d.wrong(at, "a whole number in range")
	}
}

func finite(raw any) (float64, bool) {
	n, ok := raw.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func (d *decoder) instant(v reflect.Value, raw any, at string) {
	text, ok := raw.(string)
	if !ok {
		d.wrong(at, "text")
		return
	}
	t, ok := parseInstant(text)
	if !ok {
		d.fail(at, form.CodeInvalid, wantInstant)
		return
	}
	v.Set(reflect.ValueOf(t))
}

const wantInstant = "write a time such as 2026-01-31T09:00:00Z"

// parseInstant reads an RFC 3339 time as UTC. The first and last of the years
// that can be written are refused: in another zone they could not be.
func parseInstant(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC()
	return t, err == nil && t.Year() > 0 && t.Year() < 9999
}

func (d *decoder) duration(v reflect.Value, raw any, at string) {
	text, ok := raw.(string)
	if !ok {
		d.wrong(at, "a duration with units, such as 30s")
		return
	}
	span, err := form.ParseDuration(text)
	if err != nil {
		d.fail(at, form.CodeInvalid, "%s", err.Error())
		return
	}
	if span == 0 {
		span = -1 // "0s" is no way to say "none", which is null: let the bounds refuse it
	}
	v.SetInt(int64(span))
}

func (d *decoder) ref(v reflect.Value, raw any, at string) {
	m, _ := raw.(map[string]any)
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if id, ok := m[string(kind)].(string); ok && len(m) == 1 {
			v.Set(reflect.ValueOf(engine.Ref{Kind: kind, ID: id}))
			return
		}
	}
	d.wrong(at, `{"service": id} or {"instance": id}`)
}

// free turns parsed JSON into the raw values that forms take.
func (d *decoder) free(raw any, at string) any {
	switch raw := raw.(type) {
	case json.Number:
		n, err := raw.Float64()
		if err != nil {
			d.fail(at, form.CodeType, "this number is too large")
		}
		return n
	case []any:
		out := make([]any, len(raw))
		for i, one := range raw {
			out[i] = d.free(one, at+"["+strconv.Itoa(i)+"]")
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(raw))
		for key, one := range raw {
			out[key] = d.free(one, below(at, key))
		}
		return out
	}
	return raw
}

// bodyError reports a body that is JSON but no object.
func bodyError() *Problem {
	return Invalid(form.Error{Code: form.CodeType, Message: strings.TrimSpace("the body must be an object")})
}
