package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Special lengths of a capture, as in Lua's own source.
const (
	captureOpen     = -1 // "(" was met, ")" not yet
	capturePosition = -2 // "()"
	maxCaptures     = 32
	noMatch         = -1
	cachedSets      = 4 // a power of two
)

// matcher matches one pattern against one subject, after Lua 5.1's lstrlib.c.
// It lives on the stack of the library function; matching allocates nothing.
type matcher struct {
	pacer
	s        string // subject
	p        string // pattern
	depth    int
	level    int // captures met so far
	captures [maxCaptures]struct{ start, length int }
	// Sets as bits, found by the low bits of their place in the pattern. setAt
	// is that place + 1, 0 for none.
	setAt  [cachedSets]int
	setEnd [cachedSets]int // where in the pattern it ends
	sets   [cachedSets]charset
}

func (m *matcher) init(L *lua.LState, s, p string) {
	m.L, m.s, m.p = L, s, p
}

// match returns where the match of p[pi:] at s[si:] ends, or noMatch.
func (m *matcher) match(si, pi int) int {
	m.depth++
	if m.depth > MaxDepth {
		m.L.RaiseError("pattern too complex")
	}
	end := m.matchHere(si, pi)
	m.depth--
	return end
}

func (m *matcher) matchHere(si, pi int) int {
	for pi < len(m.p) {
		m.step(1)
		switch m.p[pi] {
		case '(':
			if pi+1 < len(m.p) && m.p[pi+1] == ')' {
				return m.startCapture(si, pi+2, capturePosition)
			}
			return m.startCapture(si, pi+1, captureOpen)
		case ')':
			return m.endCapture(si, pi+1)
		case '$':
			if pi+1 == len(m.p) {
				if si == len(m.s) {
					return si
				}
				return noMatch
			}
		case '%':
			if pi+1 < len(m.p) {
				switch c := m.p[pi+1]; {
				case c == 'b':
					if si = m.matchBalance(si, pi+2); si == noMatch {
						return noMatch
					}
					pi += 4
					continue
				case c == 'f':
					var ok bool
					if pi, ok = m.matchFrontier(si, pi+2); !ok {
						return noMatch
					}
					continue
				case isDigit(c):
					if si = m.matchBackReference(si, c); si == noMatch {
						return noMatch
					}
					pi += 2
					continue
				}
			}
		}
		end := m.classEnd(pi)
		if end < len(m.p) {
			switch m.p[end] {
			case '?':
				if si < len(m.s) && m.single(m.s[si], pi, end) {
					if e := m.match(si+1, end+1); e != noMatch {
						return e
					}
				}
				pi = end + 1
				continue
			case '*':
				return m.maxExpand(si, pi, end, 0)
			case '+':
				return m.maxExpand(si, pi, end, 1)
			case '-':
				return m.minExpand(si, pi, end)
			}
		}
		if si >= len(m.s) || !m.single(m.s[si], pi, end) {
			return noMatch
		}
		si++
		pi = end
	}
	return si
}

// classEnd returns where the single character class at p[pi] ends.
func (m *matcher) classEnd(pi int) int {
	c := m.p[pi]
	pi++
	switch c {
	case '%':
		if pi >= len(m.p) {
			m.L.RaiseError("%s", "malformed pattern (ends with '%')")
		}
		return pi + 1
	case '[':
		if slot := (pi - 1) & (cachedSets - 1); m.setAt[slot] == pi {
			return m.setEnd[slot]
		}
		return m.findSetEnd(pi)
	}
	return pi
}

// findSetEnd finds the end of the set whose first character is p[pi]; a "]" in
// first place stands for itself.
func (m *matcher) findSetEnd(pi int) int {
	if pi < len(m.p) && m.p[pi] == '^' {
		pi++
	}
	for first := true; ; first = false {
		if pi >= len(m.p) {
			m.L.RaiseError("malformed pattern (missing ']')")
		}
		c := m.p[pi]
		pi++
		switch {
		case c == '%' && pi < len(m.p):
			pi++ // skips what is escaped
		case c == ']' && !first:
			return pi
		}
	}
}

// single reports whether c matches the class p[pi:end].
func (m *matcher) single(c byte, pi, end int) bool {
	switch m.p[pi] {
	case '.':
		return true
	case '%':
		return inClass(c, m.p[pi+1])
	case '[':
		return m.set(pi, end).has(c)
	}
	return m.p[pi] == c
}

// set returns the set p[pi:end] as bits.
func (m *matcher) set(pi, end int) *charset {
	slot := pi & (cachedSets - 1)
	if m.setAt[slot] != pi+1 {
		m.sets[slot] = parseSet(m.p, pi, end)
		m.setAt[slot], m.setEnd[slot] = pi+1, end
	}
	return &m.sets[slot]
}

// span counts how many characters from s[si] on match the class p[pi:end].
func (m *matcher) span(si, pi, end int) int {
	rest := m.s[si:]
	i := 0
	switch c := m.p[pi]; c {
	case '.':
		i = len(rest)
	case '[':
		for set := m.set(pi, end); i < len(rest) && set.has(rest[i]); {
			i++
		}
	case '%':
		for class := m.p[pi+1]; i < len(rest) && inClass(rest[i], class); {
			i++
		}
	default:
		for i < len(rest) && rest[i] == c {
			i++
		}
	}
	m.step(i / 4)
	return i
}

func (m *matcher) maxExpand(si, pi, end, least int) int {
	n := m.span(si, pi, end)
	if end+1 == len(m.p) && n >= least {
		return si + n // nothing follows that could want less
	}
	next, known := m.literal(end + 1)
	for ; n >= least; n-- {
		if known && (si+n == len(m.s) || m.s[si+n] != next) {
			m.step(1)
			continue
		}
		if e := m.match(si+n, end+1); e != noMatch {
			return e
		}
	}
	return noMatch
}

func (m *matcher) minExpand(si, pi, end int) int {
	next, known := m.literal(end + 1)
	for {
		if !known || si < len(m.s) && m.s[si] == next {
			if e := m.match(si, end+1); e != noMatch {
				return e
			}
		} else {
			m.step(1)
		}
		if si >= len(m.s) || !m.single(m.s[si], pi, end) {
			return noMatch
		}
		si++
	}
}

// literal returns the byte that whatever matches p[pi:] must begin with, if the
// pattern is such that there is one.
func (m *matcher) literal(pi int) (c byte, known bool) {
	p := m.p
	if pi >= len(p) {
		return 0, false
	}
	c = p[pi]
	pi++
	if strings.IndexByte(specials+")", c) >= 0 {
		if c != '%' || pi == len(p) || charClasses[p[pi]&127]&(isAlpha|isNumeral) != 0 {
			return 0, false
		}
		c = p[pi]
		pi++
	}
	if pi < len(p) && (p[pi] == '*' || p[pi] == '?' || p[pi] == '-') {
		return 0, false
	}
	return c, true
}

// matchBalance matches %bxy, whose x and y are at p[pi].
func (m *matcher) matchBalance(si, pi int) int {
	if pi+1 >= len(m.p) {
		m.L.RaiseError("unbalanced pattern")
	}
	if si >= len(m.s) || m.s[si] != m.p[pi] {
		return noMatch
	}
	open, shut := m.p[pi], m.p[pi+1]
	depth := 1
	for i := si + 1; i < len(m.s); i++ {
		switch m.s[i] {
		case shut:
			if depth--; depth == 0 {
				m.step((i - si) / 4)
				return i + 1
			}
		case open:
			depth++
		}
	}
	m.step((len(m.s) - si) / 4)
	return noMatch
}

// matchFrontier matches %f[set], whose set is at p[pi], and returns what
// follows it in the pattern. Beyond both ends of the subject lies a NUL.
func (m *matcher) matchFrontier(si, pi int) (next int, ok bool) {
	if pi >= len(m.p) || m.p[pi] != '[' {
		m.L.RaiseError("%s", "missing '[' after '%f' in pattern")
	}
	end := m.classEnd(pi)
	var before, here byte
	if si > 0 {
		before = m.s[si-1]
	}
	if si < len(m.s) {
		here = m.s[si]
	}
	set := m.set(pi, end)
	return end, !set.has(before) && set.has(here)
}

func (m *matcher) startCapture(si, pi, what int) int {
	if m.level >= maxCaptures {
		m.L.RaiseError("too many captures")
	}
	c := &m.captures[m.level]
	c.start, c.length = si, what
	m.level++
	e := m.match(si, pi)
	if e == noMatch {
		m.level--
	}
	return e
}

func (m *matcher) endCapture(si, pi int) int {
	open := -1
	for i := m.level - 1; i >= 0; i-- {
		if m.captures[i].length == captureOpen {
			open = i
			break
		}
	}
	if open < 0 {
		m.L.RaiseError("invalid pattern capture")
	}
	m.captures[open].length = si - m.captures[open].start
	e := m.match(si, pi)
	if e == noMatch {
		m.captures[open].length = captureOpen
	}
	return e
}

func (m *matcher) matchBackReference(si int, digit byte) int {
	n := int(digit) - '1'
	if n < 0 || n >= m.level || m.captures[n].length == captureOpen {
		m.L.RaiseError("invalid capture index")
	}
	c := &m.captures[n]
	if c.length < 0 || !strings.HasPrefix(m.s[si:], m.s[c.start:c.start+c.length]) {
		return noMatch
	}
	m.step(c.length / 16)
	return si + c.length
}
