package luaapi

import (
	"strings"
	"unicode/utf8"
)

// The sizes of what is kept of a result, in characters.
const (
	maxError   = 1000
	maxMessage = 1000
	maxRawData = 5000
	maxTrace   = 8000
)

// clean makes text fit to be kept and shown: invalid UTF-8 becomes U+FFFD,
// opened secrets become stars, and what is too long is cut, in that order, so
// that no half of a secret is left at the end.
func (c *call) clean(text string, limit int) string {
	if text == "" {
		return ""
	}
	if len(c.secrets) > 0 {
		text = c.mask(text)
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return cutRunes(text, limit)
}

// cleanLine is clean for what is shown on one line: a line break becomes a space.
func (c *call) cleanLine(text string, limit int) string {
	text = c.clean(text, limit) // first: a secret may have several lines
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}

// cutRunes cuts text after limit characters.
func cutRunes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n == limit {
			return text[:i]
		}
		n++
	}
	return text
}

// cutBytes cuts text to limit bytes, between two characters.
func cutBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
