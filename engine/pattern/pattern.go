// Package pattern holds regular expressions (RE2) that somebody else wrote, and
// bounds what they can cost: Go's own run in time linear in the text, but also in
// the size of the program and in the groups that every thread of it copies at
// every byte, they cannot be interrupted, and compiling has steps of its own that
// are dear. Everything that takes a pattern from a plugin or a person takes it here.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// The bounds of a pattern. A pattern beyond one of them does not compile.
const (
	MaxLength = 16 << 10 // bytes
	MaxSize   = 20_000   // instructions of its program, about
	MaxGroups = 50
	// maxWidth bounds what each thread of a match costs: instructions times groups.
	// A match holds about 32 times as many bytes.
	maxWidth = 200_000
	// maxTables and maxFolds bound what compiling costs: classes such as \pL, and
	// ranges beyond ASCII in a pattern that ignores case.
	maxTables = 200
	maxFolds  = 8
)

// The most that one search may be reckoned at: instructions times bytes, and Work.
const (
	maxSteps = 1_000_000_000
	maxWork  = 4_000_000_000
)

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	re     *regexp.Regexp
	size   int
	weight int
	prefix string // that every match begins with
	atOnce int    // of Work; a search of no more does not look
	// rest finds matches behind the first character of a text, which it needs for
	// \b and (?m)^; made at first use.
	rest func() *regexp.Regexp
}

// Compile returns the pattern of a text. Its error is fit to be shown.
func Compile(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", MaxLength)
	}
	if n := strings.Count(text, `\p`) + strings.Count(text, `\P`); n > maxTables {
		return nil, fmt.Errorf(`the pattern is too large: it has %d classes such as \pL; %d are allowed`, n, maxTables)
	}
	if n := wideRanges(text); n > maxFolds && ignoresCase(text) {
		return nil, fmt.Errorf("the pattern is too large: it ignores case in %d ranges beyond ASCII; %d are allowed", n, maxFolds)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, explained(err)
	}
	c := measure(tree)
	groups := tree.MaxCap()
	if groups > MaxGroups {
		return nil, fmt.Errorf("the pattern has %d groups; %d are allowed: write (?:…) for those that are not read", groups, MaxGroups)
	}
	if c.size > MaxSize {
		return nil, fmt.Errorf("the pattern is too large: its repetitions unfold to %d steps", c.size)
	}
	if c.size*(1+groups) > maxWidth {
		return nil, fmt.Errorf("the pattern is too large for its %d groups: write (?:…) for those that are not read", groups)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, explained(err)
	}
	p := &Pattern{re: re, size: c.size, weight: c.weight(text), atOnce: atOnce}
	p.prefix, _ = re.LiteralPrefix()
	p.rest = sync.OnceValue(func() *regexp.Regexp { return compileRest(text) })
	return p, nil
}

// syntaxError is a *syntax.Error in our words. It quotes the pattern.
type syntaxError struct{ is *syntax.Error }

func (e syntaxError) Error() string {
	return "not a regular expression: " + strings.TrimPrefix(e.is.Error(), "error parsing regexp: ")
}

func (e syntaxError) Unwrap() error { return e.is }

func explained(err error) error {
	var is *syntax.Error
	if errors.As(err, &is) {
		return syntaxError{is}
	}
	return err
}

// Problem says of an error of Compile what is wrong, and quotes nothing.
func Problem(err error) string {
	var is *syntax.Error
	if errors.As(err, &is) {
		return is.Code.String()
	}
	return err.Error()
}

// compileRest compiles a pattern that is known to be one behind one character
// and as few others as possible; its first group is the match.
func compileRest(text string) *regexp.Regexp {
	const before = `\A(?s:.)(?s:.*?)(`
	if re, err := regexp.Compile(before + text + ")"); err == nil {
		return re
	}
	return regexp.MustCompile(before + text + `\E)`) // its last \Q was open
}

// ignoresCase reports whether a pattern may set the flag i.
func ignoresCase(text string) bool {
	for _, group := range strings.Split(text, "(?")[1:] {
		if flags, _, _ := strings.Cut(group, "i"); strings.Trim(flags, "imsU") == "" && len(flags) < len(group) {
			return true
		}
	}
	return false
}

// wideRanges counts what may be ranges of a class that end beyond ASCII.
func wideRanges(text string) int {
	n := 0
	for _, after := range strings.Split(text, "-")[1:] {
		if after != "" && (after[0] >= utf8.RuneSelf || strings.HasPrefix(after, `\x{`)) {
			n++
		}
	}
	return n
}

// counts is what a pattern is made of.
type counts struct {
	size       int // instructions of its program, in which counted repetitions are written out
	runes      int // in its classes
	alternates int
}

func measure(t *syntax.Regexp) counts {
	c := counts{size: 1}
	switch t.Op {
	case syntax.OpLiteral:
		c.size = len(t.Rune)
	case syntax.OpCharClass:
		c.runes = len(t.Rune)
	case syntax.OpAlternate:
		c.alternates = len(t.Sub)
	}
	for _, sub := range t.Sub {
		inner := measure(sub)
		c.size += inner.size
		c.runes += inner.runes
		c.alternates += inner.alternates
	}
	if t.Op == syntax.OpRepeat {
		c.size *= max(t.Min, t.Max, 1)
	}
	c.size = min(c.size, 1<<30)
	return c
}

// weight estimates the bytes that a compiled pattern takes, its second form
// included. The library keeps merged classes for the alternatives of patterns
// that it can run in one pass, which are at most 1,000 instructions long.
func (c counts) weight(text string) int {
	merged := 0
	if c.size < 1000 {
		merged = 12 * c.alternates * (c.runes + c.size)
	}
	return 1024 + 2*len(text) + 160*c.size + 8*c.runes + merged
}

// Weight returns about how many bytes the pattern takes while it is kept.
func (p *Pattern) Weight() int { return p.weight }

// Work reckons what a search in n bytes costs at most: instructions, times
// groups that are copied, times bytes.
func (p *Pattern) Work(n int) int { return p.size * (1 + p.re.NumSubexp()) * n }

// TooLong reports whether a text of n bytes is too long to be searched at all.
func (p *Pattern) TooLong(n int) bool { return p.size*n > maxSteps || p.Work(n) > maxWork }

// String returns the text of the pattern.
func (p *Pattern) String() string { return p.re.String() }

// Names returns the names of the groups: that of the whole match, which is "",
// first. The caller must not change it.
func (p *Pattern) Names() []string { return p.re.SubexpNames() }

// Group returns the number of the group with a name, -1 if there is none.
func (p *Pattern) Group(name string) int { return p.re.SubexpIndex(name) }

// Groups returns how many groups there are beside the whole match.
func (p *Pattern) Groups() int { return p.re.NumSubexp() }
