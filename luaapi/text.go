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

// clean makes text fit to be kept and shown: opened secrets become stars,
// invalid UTF-8 becomes U+FFFD, and what is too long is cut, in that order, so
// that no half of a secret is left at the end. What it returns is a copy, which
// keeps nothing alive that the text was a part of.
func (c *call) clean(text string, limit int) string {
	return strings.Clone(cutRunes(c.presentable(text), limit))
}

// cleanBytes is clean with the limit in bytes.
func (c *call) cleanBytes(text string, limit int) string {
	return strings.Clone(cutBytes(c.presentable(text), limit))
}

// presentable is text without secrets and in valid UTF-8.
func (c *call) presentable(text string) string {
	return strings.ToValidUTF8(c.mask(text), "\uFFFD")
}

// cleanLine is clean for what is shown on one line: a line break becomes a space.
func (c *call) cleanLine(text string, limit int) string {
	text = c.clean(text, limit) // first: a secret may have several lines
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}

// cutRunes cuts text after limit characters. What it cut is a copy: it keeps
// nothing alive of the rest.
func cutRunes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n == limit {
			return strings.Clone(text[:i])
		}
		n++
	}
	return text
}

// cutBytes cuts text to limit bytes, between two characters. What it cut is a copy.
func cutBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return strings.Clone(text[:limit])
}

// shorten cuts text after limit characters, and marks that it did, by which a
// secret that was cut within is known.
func shorten(text string, limit int) string {
	if short := cutRunes(text, limit); len(short) < len(text) {
		return short + "…"
	}
	return text
}
