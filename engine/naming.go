package engine

import (
	"strings"
	"unicode"
)

// name complains about a name that two people could not tell from another, or
// that could hide something in a line of text. One that is stored already, as
// old, stays good.
func (p *problems) name(location, value, old string) {
	if value != "" && value == old {
		return
	}
	before := len(p.list)
	if p.text(location, value, true, nameMost); len(p.list) == before {
		p.visible(location, value)
	}
}

// personal is name for a part of a person's name: they are told apart by the username.
func (p *problems) personal(location, value, old string) {
	if value == old {
		return
	}
	before := len(p.list)
	if p.text(location, value, false, nameMost); len(p.list) > before {
		return
	}
	if r, found := unseen(value); found {
		p.unseen(location, r)
	}
}

func (p *problems) unseen(location string, r rune) {
	p.add(location, "invalid", "it has a character that nobody can see: %U", r)
}

// nameOf is the name of what is stored, "" of nothing.
func nameOf[T any](old *T, name func(*T) string) string {
	if old == nil {
		return ""
	}
	return name(old)
}

// visible complains about blanks at the ends and characters that nobody sees.
func (p *problems) visible(location, value string) {
	if strings.TrimSpace(value) != value {
		p.add(location, "invalid", "there must be no blank before or after it")
		return
	}
	if r, found := unseen(value); found {
		p.unseen(location, r)
	}
}

// unseen returns the first character of text that is drawn as nothing or moves
// others: controls, separators of lines, those that change the direction of text,
// of no width, and blank letters. An emoji may have the mark that it is one.
func unseen(text string) (rune, bool) {
	var before rune
	for _, r := range text {
		switch {
		case r == '\uFE0F' && (unicode.IsSymbol(before) || before > unicode.MaxLatin1 && !unicode.IsLetter(before)):
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point),
			r == '\u2800': // a pattern of Braille without dots
			return r, true
		}
		before = r
	}
	return 0, false
}
