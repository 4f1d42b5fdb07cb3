package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const specials = "^$*+?.([%-"

// from readies the matcher for another match and tries it at s[si].
func (m *matcher) from(si, pi int) int {
	m.level, m.depth = 0, 0
	return m.match(si, pi)
}

// search tries the pattern at s[si] and, unless it is anchored, at every later
// place.
func (m *matcher) search(si int) (start, end int) {
	if strings.HasPrefix(m.p, "^") {
		return si, m.from(si, 1)
	}
	first, known := m.literal(0)
	for ; si <= len(m.s); si++ {
		if known {
			skip := strings.IndexByte(m.s[si:], first)
			if skip < 0 {
				break
			}
			m.step(skip / 64)
			si += skip
		}
		if end = m.from(si, 0); end != noMatch {
			return si, end
		}
	}
	return 0, noMatch
}

// pushCapture pushes capture i; capture 0 of a pattern without any is the whole match.
func (m *matcher) pushCapture(i, start, end int) {
	m.L.Push(m.capture(i, start, end))
}

func (m *matcher) capture(i, start, end int) lua.LValue {
	if i >= m.level {
		if i != 0 {
			m.L.RaiseError("invalid capture index")
		}
		return lua.LString(Part(m.s, m.s[start:end]))
	}
	c := &m.captures[i]
	switch c.length {
	case captureOpen:
		m.L.RaiseError("unfinished capture")
	case capturePosition:
		return lua.LNumber(c.start + 1)
	}
	return lua.LString(Part(m.s, m.s[c.start:c.start+c.length]))
}

// pushCaptures pushes all captures, or the whole match when there are none.
func (m *matcher) pushCaptures(start, end int) int {
	n := max(m.level, 1)
	for i := range n {
		m.pushCapture(i, start, end)
	}
	return n
}

func strFind(L *lua.LState) int { return find(L, "find", true) }

func strMatch(L *lua.LState) int { return find(L, "match", false) }

func find(L *lua.LState, name string, positions bool) int {
	s, p := checkString(L, 1, name), checkString(L, 2, name)
	init := min(max(position(optInt(L, 3, name, 1), len(s))-1, 0), len(s))
	if positions && (lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(p, specials)) {
		return findPlain(L, s, p, init)
	}
	var m matcher
	m.init(L, s, p)
	start, end := m.search(init)
	if end == noMatch {
		L.Push(lua.LNil)
		return 1
	}
	if !positions {
		return m.pushCaptures(start, end)
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	if m.level == 0 {
		return 2
	}
	return 2 + m.pushCaptures(start, end)
}

func findPlain(L *lua.LState, s, p string, init int) int {
	scanned(L, len(s)-init)
	at := strings.Index(s[init:], p)
	if at < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(init + at + 1))
	L.Push(lua.LNumber(init + at + len(p)))
	return 2
}

// strGmatch returns an iterator. As in Lua 5.1, "^" is no anchor here.
func strGmatch(L *lua.LState) int {
	s, p := checkString(L, 1, "gmatch"), checkString(L, 2, "gmatch")
	m := &matcher{s: s, p: p}
	at := 0
	// The subject is an upvalue as well, so that who measures the run finds it.
	L.Push(L.NewClosure(func(L *lua.LState) int {
		m.L = L
		for ; at <= len(m.s); at++ {
			end := m.from(at, 0)
			if end == noMatch {
				continue
			}
			start := at
			at = end
			if end == start {
				at++ // an empty match: go on all the same
			}
			return m.pushCaptures(start, end)
		}
		L.Push(lua.LNil)
		return 1
	}, L.Get(1), L.Get(2)))
	return 1
}
