package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"moonwatch/engine/form"
)

// maxDepth bounds how deep a body may be nested.
const maxDepth = 64

// parseJSON reads one JSON value, strictly: no duplicate keys, no invalid UTF-8,
// nothing behind it. Numbers come as json.Number. Its errors are *problem.
func parseJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, Refuse(http.StatusBadRequest, "the body is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, malformed(data, err)
	}
	p := &parser{json.NewDecoder(bytes.NewReader(data))}
	p.UseNumber()
	return p.value("", 0)
}

func malformed(data []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return Refuse(http.StatusBadRequest, "the body is not JSON")
	}
	before := data[:min(max(int(syntax.Offset)-1, 0), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return Refuse(http.StatusBadRequest, fmt.Sprintf("the body is not JSON: line %d, column %d", line, column))
}

// parser walks tokens that are known to be well formed.
type parser struct{ *json.Decoder }

func (p *parser) value(at string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, Refuse(http.StatusBadRequest, "the body is nested too deeply")
	}
	token, err := p.Token()
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "the body is not JSON")
	}
	switch token {
	case json.Delim('{'):
		return p.object(at, depth)
	case json.Delim('['):
		list := []any{}
		for p.More() {
			v, err := p.value(at+"["+strconv.Itoa(len(list))+"]", depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := p.Token()
		return list, err
	}
	return token, nil
}

func (p *parser) object(at string, depth int) (any, error) {
	m := map[string]any{}
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, Refuse(http.StatusBadRequest, "the body is not JSON")
		}
		key, _ := token.(string)
		where := below(at, key)
		if _, twice := m[key]; twice {
			bad := Refuse(http.StatusBadRequest, "the body has a key twice")
			bad.Errors = form.Errors{{Location: where, Code: form.CodeInvalid, Message: "this key stands here twice"}}
			return nil, bad
		}
		if m[key], err = p.value(where, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := p.Token()
	return m, err
}

// below is the location of a member.
func below(at, name string) string {
	name = shortened(name)
	if at == "" {
		return name
	}
	return at + "." + name
}

// shortened makes a name that a client chose fit to stand in an answer.
func shortened(name string) string {
	clean := make([]rune, 0, 64)
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			r = utf8.RuneError
		}
		if clean = append(clean, r); len(clean) == 64 {
			return string(clean) + "…"
		}
	}
	return string(clean)
}

// writeJSON answers with v. The content type is JSON unless it is set already.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("encode an answer: %v", err)) // our own types always encode; answered with 500
	}
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes()) // the client may be gone: nothing to do about it
}
