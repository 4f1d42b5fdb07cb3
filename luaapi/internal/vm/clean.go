package vm

import (
	"strings"

	"moonwatch/luaapi/internal/luaval"
)

// The sizes of what is kept of a result, in characters.
const (
	MaxError   = 1000
	MaxMessage = 1000
	MaxRawData = 5000
	MaxTrace   = 8000
)

// Clean makes text fit to be kept and shown: opened secrets become stars,
// invalid UTF-8 becomes U+FFFD, and what is too long is cut, in that order, so
// that no half of a secret is left at the end. What it returns is a copy, which
// keeps nothing alive that the text was a part of.
func (c *Call) Clean(text string, limit int) string {
	return strings.Clone(luaval.CutRunes(c.Presentable(text), limit))
}

// CleanBytes is clean with the limit in bytes.
func (c *Call) CleanBytes(text string, limit int) string {
	return strings.Clone(luaval.CutBytes(c.Presentable(text), limit))
}

// Presentable is text without secrets and in valid UTF-8.
func (c *Call) Presentable(text string) string {
	return strings.ToValidUTF8(c.mask(text), "\uFFFD")
}

// CleanLine is clean for what is shown on one line: a line break becomes a space.
func (c *Call) CleanLine(text string, limit int) string {
	text = c.Clean(text, limit) // first: a secret may have several lines
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}
