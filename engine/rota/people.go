package rota

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Person is a user as calendars may name them.
type Person struct {
	ID       string // what shifts call them
	Username string
	Emails   []string
	Names    []string // full names and others, such as "Ada Lovelace"
}

// People finds users by what calendars call them, in any case. A nil *People
// knows nobody.
type People struct {
	byKey  map[string]claim
	byWord map[string][]string // keys by their first word, the longest first
}

// claim says whose a key is. Usernames come before e-mail addresses, and these
// before names.
type claim struct {
	id     string
	rank   int
	shared bool // by several users: it names nobody
}

// NewPeople builds the index. The list is not kept.
func NewPeople(list []Person) *People {
	p := &People{byKey: map[string]claim{}, byWord: map[string][]string{}}
	for _, person := range list {
		p.claim(person.Username, person.ID, 0)
		for _, address := range person.Emails {
			p.claim(address, person.ID, 1)
		}
		for _, name := range person.Names {
			p.claim(name, person.ID, 2)
		}
	}
	for key := range p.byKey {
		word := firstWord(key)
		p.byWord[word] = append(p.byWord[word], key)
	}
	for _, keys := range p.byWord {
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	}
	return p
}

func (p *People) claim(key, id string, rank int) {
	if key = fold(key); firstWord(key) == "" {
		return
	}
	old, taken := p.byKey[key]
	switch {
	case !taken || rank < old.rank:
		p.byKey[key] = claim{id: id, rank: rank}
	case rank == old.rank && id != old.id:
		old.shared = true
		p.byKey[key] = old
	}
}

// find returns the user with exactly that username, address or name.
func (p *People) find(key string) (string, bool) {
	c, ok := p.byKey[fold(key)]
	return c.id, ok && !c.shared
}

// of returns the users whom an event puts on call: attendees who have not
// declined, else whom the title names. why is set when there is nobody.
func (p *People) of(e *Event) (users []string, why string) {
	if p == nil {
		p = &People{}
	}
	var declined []string
	for _, a := range e.attendees {
		id, ok := p.attendee(a)
		switch {
		case !ok:
		case a.declined:
			declined = append(declined, id)
		case !slices.Contains(users, id):
			users = append(users, id)
		}
	}
	if len(users) > 0 {
		return users, ""
	}
	users = slices.DeleteFunc(p.inTitle(e.Title), func(id string) bool { return slices.Contains(declined, id) })
	switch {
	case len(users) > 0:
		return users, ""
	case len(declined) > 0:
		return nil, "everybody it names has declined"
	}
	return nil, "no user is among its attendees or in its title"
}

func (p *People) attendee(a attendee) (string, bool) {
	for _, address := range a.addresses {
		if id, ok := p.find(address); ok {
			return id, true
		}
	}
	return p.find(a.name)
}

// inTitle returns the users of a title that is a list of them ("On call: Ada,
// Grace"), else the one whose name in it is the longest.
func (p *People) inTitle(title string) []string {
	title = fold(title)
	list := title
	for {
		if users := p.list(list); users != nil {
			return users
		}
		_, after, more := strings.Cut(list, ":")
		if !more {
			break
		}
		list = after
	}
	if id, ok := p.longest(title); ok {
		return []string{id}
	}
	return nil
}

// list reads a title that consists of names alone; nil if it has anything else.
func (p *People) list(title string) []string {
	var users []string
	for _, sign := range []string{" and ", " & ", " + ", ";", "/"} {
		title = strings.ReplaceAll(title, sign, ",")
	}
	for item := range strings.SplitSeq(title, ",") {
		id, ok := p.find(item)
		if !ok {
			return nil
		}
		if !slices.Contains(users, id) {
			users = append(users, id)
		}
	}
	return users
}

// longest finds the longest key in a folded text that stands there as whole
// words; of two as long, the first. A shared one names nobody.
func (p *People) longest(text string) (id string, ok bool) {
	best := 0
	for at, word := range words(text) {
		for _, key := range p.byWord[word] {
			if len(key) > best && strings.HasPrefix(text[at:], key) && standsAlone(text, at, at+len(key)) {
				c := p.byKey[key]
				best, id, ok = len(key), c.id, !c.shared
				break // the others are shorter
			}
		}
	}
	return id, ok
}

// words yields each run of letters and digits with its place.
func words(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		begin := -1
		for i, r := range text {
			switch inside := isWord(r); {
			case inside && begin < 0:
				begin = i
			case !inside && begin >= 0:
				if !yield(begin, text[begin:i]) {
					return
				}
				begin = -1
			}
		}
		if begin >= 0 {
			yield(begin, text[begin:])
		}
	}
}

// standsAlone reports whether text[from:to] is not part of a longer word, and
// not of a longer address or username ("ada" in ada@example.com, ada.l).
func standsAlone(text string, from, to int) bool {
	before, size := utf8.DecodeLastRuneInString(text[:from])
	if size > 0 {
		outer, _ := utf8.DecodeLastRuneInString(text[:from-size])
		if isWord(before) || joins(before) && isWord(outer) && from > size {
			return false
		}
	}
	after, size := utf8.DecodeRuneInString(text[to:])
	if size == 0 {
		return true
	}
	outer, outerSize := utf8.DecodeRuneInString(text[to+size:])
	return !isWord(after) && !(joins(after) && outerSize > 0 && isWord(outer))
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

func joins(r rune) bool { return r == '.' || r == '@' || r == '+' }

// fold makes keys comparable: lower case, single spaces.
func fold(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(text), " "))
}

// firstWord is the key's first run of letters and digits; "" unless it begins
// with one.
func firstWord(key string) string {
	for at, word := range words(key) {
		if at == 0 {
			return word
		}
		break
	}
	return ""
}
