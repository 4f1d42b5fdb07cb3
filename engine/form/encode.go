package form

import (
	"encoding/json"
	"fmt"
	"strings"
)

// sealedKey is the only key of the object that a sealed value is written as. An
// object that looks like one gets a further $, so that nobody can forge it.
const sealedKey = "$sealed"

// MarshalJSON writes the values so that sealed ones survive, at any depth. It
// is for the store: what people and clients get is Public.
func (v Values) MarshalJSON() ([]byte, error) {
	if v == nil {
		return []byte("null"), nil
	}
	out := make(map[string]any, len(v))
	for key, one := range v {
		out[key] = encode(one)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. Never use it on a request: a
// client could put sealed values of its own there. Clean takes plain maps.
func (v *Values) UnmarshalJSON(data []byte) error {
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("reading stored values: %w", err)
	}
	if raw == nil {
		*v = nil
		return nil
	}
	for key, one := range raw {
		raw[key] = decode(one)
	}
	*v = raw
	return nil
}

// MarshalJSON writes the value as Values do, wherever it stands.
func (s Sealed) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{sealedKey: string(s)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sealed) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("reading a sealed value: %w", err)
	}
	text, ok := m[sealedKey]
	if !ok || len(m) != 1 {
		return fmt.Errorf("reading a sealed value: it has no %s", sealedKey)
	}
	*s = Sealed(text)
	return nil
}

func encode(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = encode(one)
		}
		return out
	case Values:
		return encode(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			if len(v) == 1 && looksSealed(key) {
				key = "$" + key
			}
			out[key] = encode(one)
		}
		return out
	}
	return v
}

func decode(v any) any {
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			v[i] = decode(one)
		}
		return v
	case map[string]any:
		if s, ok := v[sealedKey].(string); ok && len(v) == 1 {
			return Sealed(s)
		}
		out := make(map[string]any, len(v))
		for key, one := range v {
			if len(v) == 1 && looksSealed(key) {
				key = key[1:]
			}
			out[key] = decode(one)
		}
		return out
	}
	return v
}

// looksSealed reports whether key is sealedKey with any number of further $.
func looksSealed(key string) bool {
	return strings.HasSuffix(key, sealedKey) && strings.Trim(strings.TrimSuffix(key, sealedKey), "$") == ""
}
