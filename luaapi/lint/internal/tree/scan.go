package tree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a source. Both count from 1; a column is a character.
type Pos struct{ Line, Column int }

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenKeyword
	tokenString
	tokenNumber
	tokenSymbol
)

type token struct {
	kind tokenKind
	text string // of a string: its value
	pos  Pos
}

// scanner parts a source into tokens.
type scanner struct {
	text    string
	at      int
	line    int
	counted int // where column was counted up to
	column  int // of counted
}

func keyword(word string) bool {
	switch word {
	case "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not", "or",
		"repeat", "return", "then", "true", "until", "while":
		return true
	}
	return false
}

// scan returns all tokens of a source, the last being the end.
func scan(text string) ([]token, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.HasPrefix(text, "#") {
		text = "--" + text
	}
	s := &scanner{text: text, line: 1, column: 1}
	var list []token
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		if t.kind == tokenEnd {
			return list, nil
		}
	}
}

func (s *scanner) pos() Pos {
	s.column += utf8.RuneCountInString(s.text[s.counted:s.at])
	s.counted = s.at
	return Pos{s.line, s.column}
}

func (s *scanner) newline(at int) { s.line, s.counted, s.column = s.line+1, at+1, 1 }

// skip passes over n bytes, counting lines.
func (s *scanner) skip(n int) {
	for end := s.at + n; s.at < end; s.at++ {
		if s.text[s.at] == '\n' {
			s.newline(s.at)
		}
	}
}

func (s *scanner) blanks() {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f':
			s.skip(1)
		case strings.HasPrefix(s.text[s.at:], "--"):
			s.comment()
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	s.at += 2
	if n, ok := s.longOpening(); ok {
		s.long(n)
		return
	}
	if end := strings.IndexByte(s.text[s.at:], '\n'); end >= 0 {
		s.at += end
	} else {
		s.at = len(s.text)
	}
}

// longOpening reports the length of [[ or [=[ at this place.
func (s *scanner) longOpening() (n int, ok bool) {
	rest := s.text[s.at:]
	if !strings.HasPrefix(rest, "[") {
		return 0, false
	}
	n = 1
	for n < len(rest) && rest[n] == '=' {
		n++
	}
	return n + 1, n < len(rest) && rest[n] == '['
}

// long reads a long bracket whose opening has n bytes, and returns what is in it.
func (s *scanner) long(n int) string {
	closing := "]" + strings.Repeat("=", n-2) + "]"
	rest := s.text[s.at+n:]
	end := strings.Index(rest, closing)
	if end < 0 {
		end = len(rest)
	}
	value := rest[:end]
	s.skip(min(n+end+len(closing), len(s.text)-s.at))
	return strings.TrimPrefix(strings.TrimPrefix(value, "\r"), "\n")
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func (s *scanner) next() (token, error) {
	s.blanks()
	t := token{pos: s.pos()}
	if s.at >= len(s.text) {
		return t, nil
	}
	start, c := s.at, s.text[s.at]
	switch {
	case letter(c):
		for s.at < len(s.text) && (letter(s.text[s.at]) || digit(s.text[s.at])) {
			s.at++
		}
		t.kind, t.text = tokenName, s.text[start:s.at]
		if keyword(t.text) {
			t.kind = tokenKeyword
		}
	case digit(c) || c == '.' && s.at+1 < len(s.text) && digit(s.text[s.at+1]):
		s.number()
		t.kind, t.text = tokenNumber, s.text[start:s.at]
	case c == '"' || c == '\'':
		t.kind = tokenString
		t.text = s.quoted(c)
	default:
		if n, ok := s.longOpening(); ok {
			t.kind, t.text = tokenString, s.long(n)
			break
		}
		return s.symbol(t)
	}
	return t, nil
}

func (s *scanner) number() {
	for s.at < len(s.text) {
		c := s.text[s.at]
		exponent := (c == '+' || c == '-') && s.text[s.at-1]|0x20 == 'e'
		if !letter(c) && !digit(c) && c != '.' && !exponent || c == '.' && strings.HasPrefix(s.text[s.at:], "..") {
			return
		}
		s.at++
	}
}

// quoted reads a string in quotes. Escapes are kept short: the linter needs the
// text of names and patterns alone.
func (s *scanner) quoted(quote byte) string {
	var b strings.Builder
	s.at++
	for s.at < len(s.text) && s.text[s.at] != quote {
		if s.text[s.at] != '\\' || s.at+1 >= len(s.text) {
			b.WriteByte(s.text[s.at])
			s.skip(1)
			continue
		}
		s.at++
		switch c := s.text[s.at]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		default:
			b.WriteByte(c)
		}
		s.skip(1)
	}
	s.at = min(s.at+1, len(s.text))
	return b.String()
}

func (s *scanner) symbol(t token) (token, error) {
	for _, symbol := range []string{"...", "..", "==", "~=", "<=", ">=", "::"} {
		if strings.HasPrefix(s.text[s.at:], symbol) {
			t.kind, t.text = tokenSymbol, symbol
			s.at += len(symbol)
			return t, nil
		}
	}
	if !strings.ContainsRune("+-*/%^#<>=(){}[];:,.", rune(s.text[s.at])) {
		return t, fmt.Errorf("%d:%d: unexpected %q", t.pos.Line, t.pos.Column, s.text[s.at])
	}
	t.kind, t.text = tokenSymbol, s.text[s.at:s.at+1]
	s.at++
	return t, nil
}
