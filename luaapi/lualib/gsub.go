package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// replacement is what gsub puts in place of a match; one of text, table and
// function is used.
type replacement struct {
	kind     lua.LValueType
	text     string
	plain    bool // text without %
	table    *lua.LTable
	function lua.LValue
}

func checkReplacement(L *lua.LState) replacement {
	switch v := L.Get(3).(type) {
	case lua.LString, lua.LNumber:
		text := checkString(L, 3, "gsub")
		return replacement{kind: lua.LTString, text: text, plain: strings.IndexByte(text, '%') < 0}
	case *lua.LTable:
		return replacement{kind: lua.LTTable, table: v}
	case *lua.LFunction:
		return replacement{kind: lua.LTFunction, function: v}
	}
	typeError(L, 3, "gsub", "string/function/table")
	return replacement{}
}

// builder builds a result under the limits.
type builder struct {
	strings.Builder
	L        *lua.LState
	reported int
	run      *Run // told what the builder holds while the plugin is called; nil until then
	held     int
}

// hold counts what was built as held by the run: the plugin is about to be
// called. release, deferred, ends that.
func (b *builder) hold() {
	if b.Cap() < reportFrom {
		return
	}
	if b.run == nil {
		if b.run = runOf(b.L); b.run == nil {
			return
		}
	}
	b.run.building += b.Cap() - b.held
	b.held = b.Cap()
}

func (b *builder) release() {
	if b.run != nil {
		b.run.building -= b.held
	}
}

// writeString appends s, or raises when the result grows too large.
func (b *builder) writeString(s string) {
	if n := b.Len() + len(s); n-b.reported >= 64<<10 {
		b.report(n)
	}
	b.WriteString(s)
}

func (b *builder) report(n int) {
	if n > maxString(b.L) {
		b.L.RaiseError("%s", errTooLarge.Error())
	}
	claim(b.L, n-b.reported)
	b.reported = n
}

// finish returns what was built.
func (b *builder) finish() lua.LString {
	b.report(b.Len())
	return lua.LString(b.String())
}

func strGsub(L *lua.LState) int {
	s, p := checkString(L, 1, "gsub"), checkString(L, 2, "gsub")
	r := checkReplacement(L)
	most := optInt(L, 4, "gsub", len(s)+1)
	out := builder{L: L}
	defer out.release()
	var m matcher
	m.init(L, s, p)
	first, anchored := 0, strings.HasPrefix(p, "^")
	if anchored {
		first = 1
	}
	count, at, kept := 0, 0, 0 // s[kept:at] is still to be copied
	lead, known := m.literal(0)
	for count < most {
		if known && !anchored {
			skip := strings.IndexByte(s[at:], lead)
			if skip < 0 {
				break
			}
			m.step(skip / 64)
			at += skip
		}
		end := m.from(at, first)
		if end != noMatch {
			count++
			if count == 1 {
				out.Grow(len(s) + len(s)/8)
			}
			out.writeString(s[kept:at])
			m.replace(&out, &r, at, end)
			kept = end
		}
		switch {
		case end != noMatch && end > at:
			at = end
		case at < len(s):
			at++
		default:
			most = count // the end of the subject
		}
		if anchored {
			break
		}
	}
	if count == 0 {
		L.Push(lua.LString(s))
	} else {
		out.writeString(s[kept:])
		L.Push(out.finish())
	}
	L.Push(lua.LNumber(count))
	return 2
}

// replace writes what stands in place of s[start:end]; a table or function that
// gives nil or false leaves the match as it was.
func (m *matcher) replace(out *builder, r *replacement, start, end int) {
	var v lua.LValue
	switch r.kind {
	case lua.LTString:
		if r.plain {
			out.writeString(r.text)
		} else {
			m.expand(out, r.text, start, end)
		}
		return
	case lua.LTTable:
		out.hold() // it may have an __index
		v = m.L.GetTable(r.table, m.capture(0, start, end))
	default:
		out.hold()
		m.L.Push(r.function)
		n := m.pushCaptures(start, end)
		m.L.Call(n, 1)
		v = m.L.Get(-1)
		m.L.Pop(1)
	}
	switch v := v.(type) {
	case lua.LString:
		out.writeString(string(v))
	case lua.LNumber:
		out.writeString(numberString(v))
	default:
		if lua.LVAsBool(v) {
			m.L.RaiseError("invalid replacement value (a %s)", v.Type().String())
		}
		out.writeString(m.s[start:end])
	}
}

// expand writes a replacement text, in which %0 is the match, %1 to %9 are its
// captures, and % before any other character stands for that character.
func (m *matcher) expand(out *builder, text string, start, end int) {
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 == len(text) {
			break
		}
		out.writeString(text[:i])
		switch c := text[i+1]; {
		case c == '0':
			out.writeString(m.s[start:end])
		case isDigit(c):
			switch v := m.capture(int(c)-'1', start, end).(type) {
			case lua.LString:
				out.writeString(string(v))
			case lua.LNumber:
				out.writeString(numberString(v))
			}
		default:
			out.writeString(text[i+1 : i+2])
		}
		text = text[i+2:]
	}
	out.writeString(text)
}
