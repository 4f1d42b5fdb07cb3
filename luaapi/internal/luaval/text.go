package luaval

import (
	"strings"
	"unicode/utf8"
)

// CutRunes cuts text after limit characters. What it cut is a copy: it keeps
// nothing alive of the rest.
func CutRunes(text string, limit int) string {
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

// CutBytes cuts text to limit bytes, between two characters. What it cut is a copy.
func CutBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return strings.Clone(text[:limit])
}

// Shorten cuts text after limit characters, and marks that it did, by which a
// secret that was cut within is known.
func Shorten(text string, limit int) string {
	if short := CutRunes(text, limit); len(short) < len(text) {
		return short + "…"
	}
	return text
}
