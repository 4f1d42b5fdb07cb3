package pattern

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The work, as Work reckons it, of which a search does so much between two looks;
// both are a few milliseconds.
const (
	atOnce   = 500_000 // a search of no more looks not at all
	lookWork = 200_000
)

// Look is called again and again during a search with the bytes that were
// searched since the last call. Its error ends the search.
type Look func(bytes int) error

// Find returns the places of the first match in text from the byte from on, as
// regexp.Regexp.FindStringSubmatchIndex does, nil when there is none. It returns
// within milliseconds after look, which may be nil, has returned an error.
func (p *Pattern) Find(text string, from int, look Look) ([]int, error) {
	skipped := strings.Index(text[from:], p.prefix)
	if skipped < 0 {
		return nil, nil
	}
	if from += skipped; from == 0 {
		return p.search(p.re, text, look)
	}
	_, width := utf8.DecodeLastRuneInString(text[:from])
	before := from - width
	places, err := p.search(p.rest(), text[before:], look)
	return shifted(places, before), err
}

// search runs one of the pattern's two forms over a text.
func (p *Pattern) search(re *regexp.Regexp, text string, look Look) ([]int, error) {
	if look == nil || p.Work(len(text)) <= p.atOnce {
		return re.FindStringSubmatchIndex(text), nil
	}
	r := &reader{text: text, width: p.Work(1), due: lookWork, look: look}
	places := re.FindReaderSubmatchIndex(r)
	if r.err != nil {
		return nil, r.err
	}
	return places, nil
}

// shifted turns the places that rest found into those of the pattern.
func shifted(places []int, by int) []int {
	if places == nil {
		return nil
	}
	places = places[2:]
	for i := range places {
		if places[i] >= 0 {
			places[i] += by
		}
	}
	return places
}

// All calls found with the places of every match, as
// regexp.Regexp.FindAllStringSubmatchIndex gives them, until it returns false,
// and look between them.
func (p *Pattern) All(text string, look Look, found func(places []int) bool) error {
	for pos, previous := 0, -1; pos <= len(text); {
		places, err := p.Find(text, pos, look)
		if err != nil || places == nil {
			return err
		}
		start, end := places[0], places[1]
		if look != nil {
			if err := look(end - pos); err != nil {
				return err
			}
		}
		accept := true
		if end == pos { // an empty match where the search began
			accept = start != previous
			_, width := utf8.DecodeRuneInString(text[pos:])
			pos += max(width, 1)
		} else {
			pos = end
		}
		previous = end
		if accept && !found(places) {
			return nil
		}
	}
	return nil
}

// errTooLong is what Matches says of a text that it does not search.
var errTooLong = errors.New("the text is too long to be searched for this pattern")

// Matches reports whether there is a match in text. A search that cannot be
// sure to end within a fraction of a second is not begun; that is the error.
func (p *Pattern) Matches(text string) (bool, error) {
	const fraction = 20_000_000
	if p.size*len(text) > fraction {
		return false, errTooLong
	}
	return p.re.MatchString(text), nil
}

// reader hands out text rune by rune, and looks. When look returned an error the
// text is at its end, and so is the search.
type reader struct {
	text  string
	at    int
	width int // work for each rune
	due   int // work until the next look
	last  int // where it was at the last look
	look  Look
	err   error
}

func (r *reader) ReadRune() (rune, int, error) {
	if r.due -= r.width; r.due <= 0 {
		if r.err = r.look(r.at - r.last); r.err != nil {
			return 0, 0, io.EOF
		}
		r.due, r.last = lookWork, r.at
	}
	if r.at == len(r.text) {
		return 0, 0, io.EOF
	}
	if c := r.text[r.at]; c < utf8.RuneSelf {
		r.at++
		return rune(c), 1, nil
	}
	c, width := utf8.DecodeRuneInString(r.text[r.at:])
	r.at += width
	return c, width, nil
}
