package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// lookup gives the value of an environment variable.
type lookup func(name string) (value string, ok bool)

// parse reads the text of a document. The problems are all that is wrong with
// it as YAML; there is a node unless one of them is a syntax error.
func parse(data []byte, env lookup) (root *Node, problems []Problem) {
	refuse := func(line int, code, format string, args ...any) (*Node, []Problem) {
		return nil, []Problem{{Line: line, Code: code, Message: fmt.Sprintf(format, args...)}}
	}
	if len(data) > MaxBytes {
		return refuse(0, "max", "the document has more than %d MiB", MaxBytes>>20)
	}
	data = unmarked(data)
	switch {
	case !utf8.Valid(data):
		return refuse(badLine(data), "invalid", "this is not UTF-8 text")
	case bytes.IndexByte(data, 0) >= 0:
		return refuse(1+bytes.Count(data[:bytes.IndexByte(data, 0)], []byte("\n")), "invalid", "null characters are not allowed")
	}
	defer func() { // the YAML library is not ours
		if p := recover(); p != nil {
			root, problems = refuse(0, "invalid", "this is not YAML that can be read")
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if line := tooDeep(tokens); line > 0 {
		return refuse(line, "max", "values stand more than %d deep in one another", MaxDepth)
	}
	if line, what := tooMany(tokens); line > 0 {
		return refuse(line, "max", "%s", what)
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, message := 0, "this is not YAML"
		if e := yaml.Error(nil); errors.As(err, &e) {
			if t := e.GetToken(); t != nil && t.Position != nil {
				line = t.Position.Line
			}
			message += ": " + spoken(e.GetMessage())
		}
		return refuse(line, "invalid", "%s", message)
	}
	r := &reader{anchors: map[string]*Node{}, env: env}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return refuse(lineOf(doc.Body), "invalid", "one document is expected, not several")
		}
		root = r.value(doc.Body, 0)
	}
	if root == nil {
		return refuse(0, "required", "the document is empty")
	}
	if r.stop != "" {
		return refuse(r.stopLine, "max", "%s", r.stop)
	}
	return root, r.problems
}

func badLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line
}

// spoken keeps a library's message short, without the document's text in it.
func spoken(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	if i := strings.IndexAny(message, `"'`+"`"); i >= 0 {
		return "look at this line"
	}
	if runes := []rune(message); len(runes) > 100 {
		return string(runes[:100]) + "…"
	}
	return message
}

// reader turns the library's tree into nodes.
type reader struct {
	anchors  map[string]*Node
	env      lookup // nil: there are no variables
	problems []Problem
	stop     string // why reading ends early
	stopLine int
}

func (r *reader) complain(line int, code, message string) {
	if len(r.problems) < MaxProblems {
		r.problems = append(r.problems, Problem{Line: line, Code: code, Message: message})
	}
}

func (r *reader) giveUp(line int, format string, args ...any) *Node {
	if r.stop == "" {
		r.stop, r.stopLine = fmt.Sprintf(format, args...), line
	}
	return &Node{Line: line, size: 1}
}

func (r *reader) value(from ast.Node, depth int) *Node {
	if from == nil {
		return &Node{size: 1}
	}
	line := lineOf(from)
	if depth > MaxDepth {
		return r.giveUp(line, "values stand more than %d deep in one another", MaxDepth)
	}
	n := r.plain(from, line, depth)
	if n.size == 0 {
		n.size = 1
	}
	if n.size > MaxValues {
		return r.giveUp(line, "the document holds more than %d values", MaxValues)
	}
	return n
}

func (r *reader) plain(from ast.Node, line, depth int) *Node {
	switch from := from.(type) {
	case *ast.NullNode:
		return &Node{Line: line}
	case *ast.BoolNode:
		return &Node{Kind: BoolNode, Bool: from.Value, Text: from.Token.Value, Line: line}
	case *ast.IntegerNode:
		return r.number(from.Token, from.Value, line)
	case *ast.FloatNode:
		return r.number(from.Token, from.Value, line)
	case *ast.StringNode:
		return &Node{Kind: TextNode, Text: from.Value, Line: line}
	case *ast.LiteralNode:
		return &Node{Kind: TextNode, Text: from.Value.Value, Line: line}
	case *ast.MappingNode:
		return r.mapping(from.Values, line, depth)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{from}, line, depth)
	case *ast.SequenceNode:
		n := &Node{Kind: ListNode, Line: line, size: 1}
		for _, one := range from.Values {
			item := r.value(one, depth+1)
			n.Items = append(n.Items, item)
			n.size += item.size
		}
		return n
	case *ast.AnchorNode:
		n := r.value(from.Value, depth+1)
		r.anchors[from.Name.GetToken().Value] = n
		return n
	case *ast.AliasNode:
		if n := r.anchors[from.Value.GetToken().Value]; n != nil {
			return n
		}
		r.complain(line, "not_found", "no anchor of this name stands above")
		return &Node{Line: line}
	case *ast.TagNode:
		r.complain(line, "unknown", "tags such as !!str are not used here")
		return &Node{Line: line}
	}
	r.complain(line, "type", "this is no value that can stand here")
	return &Node{Line: line}
}

func (r *reader) number(t *token.Token, value any, line int) *Node {
	n := &Node{Kind: NumberNode, Text: strings.TrimSpace(t.Value), Line: line}
	switch v := value.(type) {
	case int64:
		n.Number = float64(v)
	case uint64:
		n.Number = float64(v)
	case int:
		n.Number = float64(v)
	case float64:
		n.Number = v
	default:
		v2, err := strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
		if err != nil {
			r.complain(line, "type", "this is not a number")
		}
		n.Number = v2
	}
	if math.IsInf(n.Number, 0) || math.IsNaN(n.Number) {
		r.complain(line, "type", "this number is too large")
		n.Number = 0
	}
	return n
}

func (r *reader) mapping(pairs []*ast.MappingValueNode, line, depth int) *Node {
	n := &Node{Kind: MapNode, Line: line, size: 1}
	seen := make(map[string]bool, len(pairs))
	var merged []*Node
	for _, p := range pairs {
		keyLine := lineOf(p.Key)
		if _, ok := p.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, r.merge(p.Value, keyLine, depth)...)
			continue
		}
		key, ok := r.key(p.Key)
		value := r.value(p.Value, depth+1)
		if value.Line == 0 {
			value.Line = keyLine
		}
		switch {
		case !ok:
			r.complain(keyLine, "type", "a key is plain text")
		case seen[key]:
			r.complain(keyLine, "unique", "this key stands in the map already")
		default:
			seen[key] = true
			n.Pairs = append(n.Pairs, Pair{key, keyLine, value})
			n.size += value.size
		}
	}
	for _, from := range merged { // what the map says itself wins, then the first that is merged
		for _, p := range from.Pairs {
			if !seen[p.Key] {
				seen[p.Key] = true
				n.Pairs = append(n.Pairs, p)
				n.size += p.Value.size
			}
		}
	}
	if name, ok := variableOf(n); ok {
		return r.variable(name, line)
	}
	return n
}

// merge returns the maps that `<<:` names.
func (r *reader) merge(from ast.Node, line, depth int) []*Node {
	n := r.value(from, depth+1)
	list := []*Node{n}
	if n.Kind == ListNode {
		list = n.Items
	}
	for _, one := range list {
		if one.Kind != MapNode {
			r.complain(line, "type", "only maps can be merged")
		}
	}
	return list
}

func (r *reader) key(from ast.Node) (string, bool) {
	switch from := from.(type) {
	case *ast.MappingKeyNode:
		return r.key(from.Value)
	case *ast.StringNode:
		return from.Value, true
	case *ast.LiteralNode:
		return from.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return strings.TrimSpace(from.GetToken().Value), true
	}
	return "", false
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return lineOf(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
