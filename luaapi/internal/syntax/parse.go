package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// Limits on a source. The compiler cannot be interrupted, and within them
// compiling takes no more than a moment.
const (
	MaxSource  = 128 << 10 // bytes
	MaxChain   = 200       // operands of one ".." or "^" chain
	MaxNesting = 200       // levels of blocks, functions, constructors and operators
	MaxEntries = 8192      // entries of one table constructor
	// MaxConstants is how many different names and values one function may have.
	MaxConstants = 9000
)

// SourceError is why a source is not taken. Line and Column count from 1; 0 is
// the source as a whole.
type SourceError struct {
	Name    string
	Line    int
	Column  int
	Message string
}

func (e *SourceError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Name, e.Message)
	}
	return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Message)
}

// Parse guards and parses a source; its error is a *SourceError. The chunk is
// the caller's to compile or change. A byte order mark and a first line that
// begins with "#" are passed over.
func Parse(name, source string) ([]ast.Stmt, error) {
	if err := guardText(name, source); err != nil {
		return nil, err
	}
	source = strings.TrimPrefix(source, "\ufeff")
	if strings.HasPrefix(source, "#") {
		source = "--" + source
	}
	chunk, err := parse.Parse(bytes.NewReader([]byte(source)), name)
	if err != nil {
		return nil, syntaxError(name, source, err)
	}
	if err := measure(name, chunk); err != nil {
		return nil, err
	}
	return chunk, nil
}

func guardText(name, source string) error {
	refuse := func(at int, message string) error {
		return &SourceError{Name: name, Line: 1 + strings.Count(source[:at], "\n"), Message: message}
	}
	if len(source) > MaxSource {
		return &SourceError{Name: name, Message: fmt.Sprintf("the file has %d bytes; %d are allowed", len(source), MaxSource)}
	}
	if strings.HasPrefix(source, "\x1bLua") {
		return &SourceError{Name: name, Message: "compiled Lua is not taken; give the source"}
	}
	if i := strings.IndexByte(source, 0); i >= 0 {
		return refuse(i, "the source holds a NUL byte")
	}
	if !utf8.ValidString(source) {
		i := 0
		for i < len(source) {
			r, n := utf8.DecodeRuneInString(source[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		return refuse(i, "the source is not valid UTF-8")
	}
	return nil
}

// syntaxError turns the parser's complaint into ours. At the end of the file
// the parser knows no line, so it is that of the last text.
func syntaxError(name, source string, err error) error {
	var e *parse.Error
	if !errors.As(err, &e) {
		return &SourceError{Name: name, Message: err.Error()}
	}
	message := strings.TrimSpace(e.Message)
	if e.Pos.Line == parse.EOF {
		text := strings.TrimRight(source, " \t\r\n")
		line := 1 + strings.Count(text, "\n")
		column := len(text) - strings.LastIndexByte(text, '\n')
		return &SourceError{Name: name, Line: line, Column: max(column, 1), Message: message + " at the end of the file"}
	}
	if message == "unterminated string" && e.Pos.Line > 1 {
		e.Pos.Line-- // the parser has gone past the end of the line
	}
	if e.Token != "" {
		message += " near '" + shorten(e.Token) + "'"
	}
	return &SourceError{Name: name, Line: e.Pos.Line, Column: max(e.Pos.Column, 1), Message: message}
}

// shorten keeps a token fit for a message.
func shorten(token string) string {
	if i := strings.IndexByte(token, '\n'); i >= 0 {
		token = token[:i]
	}
	if len(token) > 40 {
		token = strings.ToValidUTF8(token[:40], "") + "…"
	}
	return token
}
