package engine

import (
	"strings"
	"unicode"
)

// Name complains about a name that two people could not tell from another, or
// that could hide something in a line of text. One that is stored already, as
// old, stays good.
func (p *Problems) Name(location, value, old string) {
	if value != "" && value == old {
		return
	}
	before := len(p.List)
	if p.Text(location, value, true, maxName); len(p.List) == before {
		p.visible(location, value)
	}
}

// Personal is name for a part of a person's name: they are told apart by the username.
func (p *Problems) Personal(location, value, old string) {
	if value == old {
		return
	}
	before := len(p.List)
	if p.Text(location, value, false, maxName); len(p.List) > before {
		return
	}
	if r, found := unseen(value); found {
		p.unseen(location, r)
	}
}

func (p *Problems) unseen(location string, r rune) {
	p.Add(location, "invalid", "it has a character that nobody can see: %U", r)
}

// NameOf is the name of what is stored, "" of nothing.
func NameOf[T any](old *T, name func(*T) string) string {
	if old == nil {
		return ""
	}
	return name(old)
}

// visible complains about blanks at the ends and characters that nobody sees.
func (p *Problems) visible(location, value string) {
	if strings.TrimSpace(value) != value {
		p.Add(location, "invalid", "there must be no blank before or after it")
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
