package config

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/goccy/go-yaml/token"
)

// The library's parser takes a time that grows with the square of the keys of one
// map, and of the documents in a file. What would take long is refused before it
// parses; all else takes some seconds for the largest document.
const (
	maxDocuments = 10     // empty ones included
	maxAnchors   = 10_000 // anchors and aliases
	maxKeySteps  = 50_000_000
)

// unmarked is UTF-8 text without the byte order mark that editors and shells of
// Windows put before it, in UTF-8 or UTF-16.
func unmarked(data []byte) []byte {
	if text, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		return text
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for at := 2; at+1 < len(data); at += 2 {
		units = append(units, order.Uint16(data[at:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// tooMany looks for more than the parser can take in a short time. It returns the
// line, or 0, and what there is too much of.
func tooMany(tokens token.Tokens) (line int, what string) {
	type openMap struct{ column, keys int }
	var open []openMap // block maps, each right of the one before
	flow, documents, anchors, steps := 0, 0, 0, 0
	leave := func(column int) { // ends maps that begin right of column
		for len(open) > 0 && open[len(open)-1].column > column {
			open = open[:len(open)-1]
		}
	}
	var before *token.Token
	for _, t := range tokens {
		if t.Type == token.CommentType || t.Position == nil {
			continue
		}
		switch t.Type {
		case token.DocumentHeaderType:
			open, flow = nil, 0
			if documents++; documents > maxDocuments {
				return t.Position.Line, "one document is expected, not several"
			}
		case token.AnchorType, token.AliasType:
			if anchors++; anchors > maxAnchors {
				return t.Position.Line, fmt.Sprintf("the document has more than %d anchors and aliases", maxAnchors)
			}
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType:
			if flow == 0 {
				leave(t.Position.Column)
			}
		case token.MappingValueType:
			if flow > 0 || before == nil {
				break
			}
			column := before.Position.Column
			leave(column)
			if len(open) == 0 || open[len(open)-1].column < column {
				open = append(open, openMap{column: column})
			}
			in := &open[len(open)-1]
			in.keys++
			if steps += in.keys; steps > maxKeySteps {
				return t.Position.Line, "the document's maps have too many keys"
			}
		}
		before = t
	}
	return 0, ""
}

// tooDeep looks for nesting that would take the parser's stack, before it
// parses: it returns the line, or 0. Values nest by brackets, by indicators one
// after the other on a line ("- - -"), or by indentation.
func tooDeep(tokens token.Tokens) int {
	flow, run, line := 0, 0, 0
	for _, t := range tokens {
		if t.Type == token.CommentType || t.Position == nil {
			continue
		}
		first := t.Position.Line != line
		if first {
			line, run = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
			run++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType, token.MappingValueType:
			run++
		default:
			run = 0
		}
		if flow > MaxDepth || run > 4*MaxDepth || first && flow == 0 && t.Position.Column > 20*MaxDepth {
			return line
		}
	}
	return 0
}
