package form

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

const maxDepth = 64 // of JSON values

// toJSON reads text as JSON text and takes any other value as it is: web forms
// and command lines send text, and a value that is itself text is sent as JSON
// text in quotes. Stored values and those of plugins are taken as they are.
func toJSON(v any, src source) (any, *fault) {
	if s, ok := v.(string); ok && src == fromClient {
		var decoded any
		if err := json.Unmarshal([]byte(s), &decoded); err != nil {
			return nil, invalid("Enter valid JSON.")
		}
		v = decoded
	}
	out, p := normal(v, maxDepth)
	if p != nil || src == fromStore {
		return out, p
	}
	if text, err := json.Marshal(out); err != nil {
		return nil, invalid("Enter valid JSON.")
	} else if len(text) > maxText {
		return nil, &fault{code: CodeMax, key: "max_length", text: "This value is longer than 64 KiB of JSON."}
	}
	return out, nil
}

// normal copies a JSON value into plain types: nil, bool, float64, string,
// []any and map[string]any. depth is how many more levels may follow.
func normal(v any, depth int) (any, *fault) {
	if depth < 0 {
		return nil, invalid("This value is nested too deeply.")
	}
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		return cleanText(v)
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			clean, p := normal(one, depth-1)
			if p != nil {
				return nil, p
			}
			out[i] = clean
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			name, p := cleanText(key)
			if p != nil {
				return nil, p
			}
			if out[name], p = normal(one, depth-1); p != nil {
				return nil, p
			}
		}
		return out, nil
	}
	if n, ok := number(v); ok {
		return n, nil
	}
	return nil, wrongType("Enter a JSON value.")
}

// toKeyValue reads lines "Name: value", or an object of text, into canonical
// lines. Entries of an object are put in order of name.
func toKeyValue(v any) (any, *fault) {
	var pairs KeyValues
	var p *fault
	switch v := v.(type) {
	case string:
		pairs, p = parseLines(v)
	case KeyValues:
		pairs = v
	case map[string]any:
		pairs, p = sortedPairs(v)
	case map[string]string:
		plain := make(map[string]any, len(v))
		for name, value := range v {
			plain[name] = value
		}
		pairs, p = sortedPairs(plain)
	case []any:
		if len(v) > 0 {
			p = wrongType("Enter lines of the form Name: value.")
		}
	default:
		p = wrongType("Enter lines of the form Name: value.")
	}
	if p != nil {
		return nil, p
	}
	return joinLines(pairs)
}

func parseLines(text string) (KeyValues, *fault) {
	var pairs KeyValues
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, invalid("Line " + strconv.Itoa(i+1) + " has no colon: write Name: value.")
		}
		pairs = append(pairs, KeyValuePair{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return pairs, nil
}

func sortedPairs(m map[string]any) (KeyValues, *fault) {
	pairs := make(KeyValues, 0, len(m))
	for name, value := range m {
		text, ok := asText(value)
		if !ok {
			return nil, wrongType("Enter text for every name.")
		}
		pairs = append(pairs, KeyValuePair{strings.TrimSpace(name), strings.TrimSpace(text)})
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].Name < pairs[j].Name })
	return pairs, nil
}

func joinLines(pairs KeyValues) (any, *fault) {
	lines := make([]string, len(pairs))
	for i, one := range pairs {
		switch {
		case one.Name == "":
			return nil, invalid("Every line needs a name before its colon.")
		case strings.ContainsAny(one.Name, ":\r\n"):
			return nil, invalid("A name cannot hold a colon or a line break.")
		case strings.ContainsAny(one.Value, "\r\n"):
			return nil, invalid("A value cannot hold a line break.")
		}
		lines[i] = strings.TrimSpace(one.Name + ": " + one.Value)
	}
	s, p := cleanText(strings.Join(lines, "\n"))
	if p != nil {
		return nil, p
	}
	return s, nil
}

// Get returns the value of name without regard to case: the last, where there
// are several.
func (kv KeyValues) Get(name string) (string, bool) {
	for i := len(kv) - 1; i >= 0; i-- {
		if strings.EqualFold(kv[i].Name, name) {
			return kv[i].Value, true
		}
	}
	return "", false
}

// clone copies a stored value at every depth.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = clone(one)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			out[key] = clone(one)
		}
		return out
	}
	return v
}
