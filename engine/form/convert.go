package form

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that any field takes, in bytes.
const maxText = 64 << 10

// maxExact bounds the whole numbers that a float64 holds exactly.
const maxExact = 1 << 53

// convert gives the stored shape of one value that is not empty, without asking
// whether the value is a good one. Lists are converted in list.go.
func (f *Field) convert(v any, src source) (any, *fault) {
	if s, ok := v.(string); ok && src != fromStore {
		clean, p := cleanText(s)
		if p != nil {
			return nil, p
		}
		v = clean
	}
	switch f.Type {
	case Integer, Port:
		return toInteger(v)
	case Float:
		return toFloat(v)
	case Boolean:
		return toBoolean(v)
	case ChoiceOne:
		return toChoice(v)
	case ChoiceMany:
		return toChoices(v)
	case DurationType:
		return toDuration(v)
	case DateTime:
		return toDateTime(v)
	case JSON:
		return toJSON(v, src)
	case KeyValue:
		return toKeyValue(v)
	}
	return f.toText(v, src)
}

func cleanText(s string) (string, *fault) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) > maxText {
		return "", &fault{code: CodeMax, key: "max_length", text: "This text is longer than 64 KiB.", limit: strconv.Itoa(maxText)}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "", invalid("Null characters are not allowed.")
	}
	return s, nil
}

func (f *Field) toText(v any, src source) (any, *fault) {
	s, ok := v.(string)
	if !ok && src == fromStore { // the field had another type when this was stored
		s, ok = asText(v)
	}
	if !ok {
		return nil, wrongType("Enter text.")
	}
	if f.strips() {
		s = strings.TrimSpace(s)
	}
	return s, nil
}

// asText is how a plain value reads where it is compared as text; nil is "".
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	}
	if n, ok := number(v); ok {
		return formatNumber(n), true
	}
	return "", false
}

// TextOf is how a number or boolean reads as text.
func TextOf(v any) string {
	s, _ := asText(v)
	return s
}

func formatNumber(n float64) string {
	if math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// number reads any of Go's numbers that is finite.
func number(v any) (float64, bool) {
	n, ok := 0.0, false
	switch v := v.(type) {
	case float64:
		n, ok = v, true
	case int:
		n, ok = float64(v), true
	case int64:
		n, ok = float64(v), true
	case json.Number:
		parsed, err := strconv.ParseFloat(string(v), 64)
		n, ok = parsed, err == nil
	case nil, string, bool, Sealed:
	default:
		switch r := reflect.ValueOf(v); {
		case r.CanInt():
			n, ok = float64(r.Int()), true
		case r.CanUint():
			n, ok = float64(r.Uint()), true
		case r.CanFloat():
			n, ok = r.Float(), true
		}
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	return n, ok
}

var (
	wholeNumber   = regexp.MustCompile(`^[+-]?[0-9]+(\.0*)?$`)
	decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
)

func toInteger(v any) (any, *fault) {
	bad := invalid("Enter a whole number.")
	n, ok := number(v)
	if s, isText := v.(string); isText {
		s = strings.TrimSpace(s)
		if !wholeNumber.MatchString(s) {
			return nil, bad
		}
		n, _ = strconv.ParseFloat(s, 64)
	} else if !ok {
		if isNumber(v) {
			return nil, bad
		}
		return nil, wrongType("Enter a whole number.")
	}
	if n > maxExact {
		return nil, &fault{code: CodeMax, key: "max_value", text: "This number is too large."}
	}
	if n < -maxExact {
		return nil, &fault{code: CodeMin, key: "min_value", text: "This number is too small."}
	}
	if n != math.Trunc(n) {
		return nil, bad
	}
	return n + 0, nil // + 0 turns -0 into 0
}

// isNumber reports whether v is of a numeric type, finite or not.
func isNumber(v any) bool {
	switch v.(type) {
	case float64, float32, json.Number:
		return true
	}
	return false
}

func toFloat(v any) (any, *fault) {
	if s, ok := v.(string); ok {
		s = strings.TrimSpace(s)
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !decimalNumber.MatchString(s) {
			return nil, invalid("Enter a number.")
		}
		return n + 0, nil
	}
	n, ok := number(v)
	if !ok {
		if isNumber(v) {
			return nil, invalid("Enter a number.")
		}
		return nil, wrongType("Enter a number.")
	}
	return n + 0, nil
}

func toBoolean(v any) (any, *fault) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "on", "true", "1", "yes":
			return true, nil
		case "off", "false", "0", "no":
			return false, nil
		}
		return nil, invalid("Enter true or false.")
	}
	return nil, wrongType("Enter true or false.")
}

func toChoice(v any) (any, *fault) {
	if s, ok := asText(v); ok {
		return s, nil
	}
	return nil, wrongType("Select one value.")
}

// toChoices keeps each value once, in the order given. Text is one value, or a
// JSON array of values (as the command line has it).
func toChoices(v any) (any, *fault) {
	if s, ok := v.(string); ok {
		var list []any
		if !strings.HasPrefix(s, "[") || json.Unmarshal([]byte(s), &list) != nil {
			list = []any{s}
		}
		v = list
	}
	if m, ok := v.(map[string]any); ok && len(m) == 0 {
		v = []any{}
	}
	if list, ok := v.([]string); ok {
		all := make([]any, len(list))
		for i, s := range list {
			all[i] = s
		}
		v = all
	}
	list, ok := v.([]any)
	if !ok {
		return nil, &fault{code: CodeType, key: "invalid_list", text: "Enter a list of values."}
	}
	out := []any{}
	seen := make(map[string]bool, len(list))
	for _, one := range list {
		s, ok := asText(one)
		if !ok || one == nil {
			return nil, &fault{code: CodeType, key: "invalid_list", text: "Enter a list of values."}
		}
		if s, p := cleanText(s); p != nil {
			return nil, p
		} else if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, nil
}
