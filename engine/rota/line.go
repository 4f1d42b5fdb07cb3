package rota

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// property is one content line: NAME;PARAM=value:VALUE. Names are upper case.
type property struct {
	name   string
	params []param
	value  string // as written, but for transfer encodings
	line   int    // of its beginning, from 1
}

type param struct{ name, value string }

// param returns the first value of a parameter, "" when it is absent.
func (p property) param(name string) string {
	for _, q := range p.params {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

// text returns the value with iCalendar's escapes undone. It is a copy: a line may
// be megabytes, of which a title is the least.
func (p property) text() string {
	if !strings.Contains(p.value, `\`) {
		return strings.Clone(strings.TrimSpace(p.value))
	}
	var b strings.Builder
	for i := 0; i < len(p.value); i++ {
		c := p.value[i]
		if c == '\\' && i+1 < len(p.value) {
			i++
			switch c = p.value[i]; c {
			case 'n', 'N':
				c = '\n'
			}
		}
		b.WriteByte(c)
	}
	return strings.Clone(strings.TrimSpace(b.String()))
}

// address returns the e-mail address of an ATTENDEE's value.
func (p property) address() string {
	value := strings.TrimSpace(p.value)
	const scheme = "mailto:"
	// The last one: a parameter that should be quoted may hold another.
	for i := len(value) - len(scheme); i >= 0; i-- {
		if strings.EqualFold(value[i:i+len(scheme)], scheme) {
			value, _, _ = strings.Cut(value[i+len(scheme):], "?")
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			break
		}
	}
	return strings.Clone(strings.Trim(value, " <>"))
}

// decode returns a feed as UTF-8 text without a byte order mark.
func decode(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decodeUTF16(data[2:], 0)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data[2:], 1)
	}
	return data
}

func decodeUTF16(data []byte, low int) []byte {
	units := make([]uint16, 0, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i+low])|uint16(data[i+1-low])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

// lines yields the unfolded lines of a feed with the number of their first.
// Ends of lines may be CRLF, LF or CR.
type lines struct {
	rest []byte
	next int // number of the next physical line
}

func (l *lines) physical() []byte {
	i := bytes.IndexAny(l.rest, "\r\n")
	l.next++
	if i < 0 {
		line := l.rest
		l.rest = nil
		return line
	}
	line, after := l.rest[:i], i+1
	if l.rest[i] == '\r' && after < len(l.rest) && l.rest[after] == '\n' {
		after++
	}
	l.rest = l.rest[after:]
	return line
}

// read returns the next line, and false at the end. Folds are undone before
// the text is decoded: a fold may stand inside a character.
func (l *lines) read() (text string, number int, ok bool) {
	for len(l.rest) > 0 {
		number = l.next
		line := l.physical()
		whole := line
		folded := false
		for len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t') {
			if !folded {
				whole, folded = bytes.Clone(line), true
			}
			whole = append(whole, l.physical()[1:]...)
		}
		if text = utf8Text(whole); strings.TrimSpace(text) != "" {
			return text, number, true
		}
	}
	return "", 0, false
}

// utf8Text takes bytes that are not UTF-8 as Latin-1.
func utf8Text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// property returns the next property, and whether the line was one.
func (l *lines) property() (p property, valid, ok bool) {
	text, number, ok := l.read()
	if !ok {
		return property{}, false, false
	}
	p, valid = parseProperty(text)
	p.line = number
	switch strings.ToUpper(p.param("ENCODING")) {
	case "QUOTED-PRINTABLE":
		for strings.HasSuffix(p.value, "=") && len(l.rest) > 0 { // a soft break
			p.value = strings.TrimSuffix(p.value, "=") + utf8Text(l.physical())
		}
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.value))); err == nil {
			p.value = utf8Text(plain)
		}
	case "BASE64", "B":
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(p.value)); err == nil {
			p.value = utf8Text(plain)
		}
	}
	return p, valid, true
}

// parseProperty splits a line. A quote that is never closed is an ordinary
// character.
func parseProperty(text string) (property, bool) {
	end := strings.IndexAny(text, ";:")
	if end < 0 {
		return property{}, false
	}
	p := property{name: strings.ToUpper(strings.TrimSpace(text[:end]))}
	if !isName(p.name) {
		return property{}, false
	}
	if dot := strings.LastIndexByte(p.name, '.'); dot >= 0 {
		p.name = p.name[dot+1:] // a group, as vCard and some vCalendar writers have
	}
	rest := text[end:]
	for strings.HasPrefix(rest, ";") {
		stop := paramEnd(rest[1:])
		if stop < 0 {
			return property{}, false
		}
		name, value, valued := strings.Cut(rest[1:1+stop], "=")
		q := param{strings.ToUpper(strings.TrimSpace(name)), unquote(value)}
		if !valued && q.name != "" { // vCalendar 1.0 writes ;QUOTED-PRINTABLE:
			q = param{"ENCODING", q.name}
		}
		p.params = append(p.params, q)
		rest = rest[1+stop:]
	}
	p.value = rest[1:]
	return p, true
}

// paramEnd finds the ; or : after a parameter, past quoted text.
func paramEnd(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ';', ':':
			return i
		case '"':
			if end := strings.IndexByte(text[i+1:], '"'); end >= 0 {
				i += end + 1
			}
		}
	}
	return -1
}

// unquote takes off the quotes and undoes the escapes of RFC 6868.
func unquote(value string) string {
	value = strings.TrimSpace(value)
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	if strings.Contains(value, "^") {
		value = strings.NewReplacer("^^", "^", "^n", "\n", "^N", "\n", "^'", `"`).Replace(value)
	}
	return value
}

func isName(name string) bool {
	if name == "" || len(name) > 100 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
