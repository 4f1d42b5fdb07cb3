package luaapi

import (
	"context"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// Limits of regular expressions. Go's run in time linear in the text, but also
// in the size of the pattern's program, and cannot be interrupted.
const (
	maxPattern     = 16 << 10      // bytes of a pattern
	maxPatternSize = 20_000        // instructions of its program, about
	maxMatchWork   = 1_000_000_000 // instructions times bytes of text
	asideMatchWork = 20_000_000    // above this a match runs beside the run, which can leave it
	maxMatches     = 100_000       // of one find_all or replace
	maxPatterns    = 256           // that are kept compiled
)

// patterns keeps compiled patterns for all runs. It is safe for concurrent use.
type patterns struct {
	mu       sync.Mutex
	compiled map[string]*pattern // guarded by mu
}

type pattern struct {
	*regexp.Regexp
	size int
}

func newPatterns() *patterns { return &patterns{compiled: make(map[string]*pattern)} }

// compile returns a compiled pattern. When the shelf is full it is emptied: what
// is in use comes back at once.
func (p *patterns) compile(text string) (*pattern, error) {
	p.mu.Lock()
	found := p.compiled[text]
	p.mu.Unlock()
	if found != nil {
		return found, nil
	}
	made, err := compilePattern(text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.compiled) >= maxPatterns {
		clear(p.compiled)
	}
	p.compiled[strings.Clone(text)] = made
	return made, nil
}

func compilePattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, invalid("the pattern is longer than %d bytes", maxPattern)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, invalid("not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	size := patternSize(tree)
	if size > maxPatternSize {
		return nil, invalid("the pattern is too large: its repetitions unfold to %d steps", size)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, invalid("not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return &pattern{re, size}, nil
}

// patternSize estimates the size of a pattern's program, in which counted
// repetitions are written out.
func patternSize(t *syntax.Regexp) int {
	size := 1
	if t.Op == syntax.OpLiteral {
		size = len(t.Rune)
	}
	for _, sub := range t.Sub {
		size += patternSize(sub)
	}
	if t.Op == syntax.OpRepeat {
		size *= max(t.Min, t.Max, 1)
	}
	return min(size, 1<<30)
}

// openRe returns the function that opens module re.
func openRe(p *patterns) func(*lua.LState) *lua.LTable {
	return func(*lua.LState) *lua.LTable {
		return moduleOf(map[string]lua.LGFunction{
			"match":    p.match,
			"find_all": p.findAll,
			"replace":  p.replace,
			"quote":    reQuote,
		})
	}
}

// arguments reads (pattern, text).
func (p *patterns) arguments(a args) (*pattern, string) {
	compiled, err := p.compile(a.text(1, "pattern"))
	if err != nil {
		a.fail(1, "%s", err.Error())
	}
	text := a.text(2, "text")
	if compiled.size*len(text) > maxMatchWork {
		a.fail(2, "text is too long for a pattern of this size")
	}
	return compiled, text
}

// find returns the places of up to n matches. A long search can be left at the
// run's deadline; it ends by itself later.
func (a args) find(p *pattern, text string, n int) [][]int {
	c := callOf(a.L)
	if c == nil || p.size*len(text) < asideMatchWork {
		return p.FindAllStringSubmatchIndex(text, n)
	}
	var found [][]int
	err := c.wait(maxSeconds*1e9, func(ctx context.Context) error {
		done := make(chan [][]int, 1)
		go func() { done <- p.FindAllStringSubmatchIndex(text, n) }()
		select {
		case found = <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		a.L.RaiseError("%s: the run ended before the search did", a.fn)
	}
	return found
}

func (p *patterns) match(L *lua.LState) int {
	a := args{L, "re.match"}
	re, text := p.arguments(a)
	found := a.find(re, text, 1)
	if len(found) == 0 {
		L.Push(lua.LNil)
	} else {
		L.Push(matchTable(re, text, found[0]))
	}
	return 1
}

func (p *patterns) findAll(L *lua.LState) int {
	a := args{L, "re.find_all"}
	re, text := p.arguments(a)
	found := a.find(re, text, maxMatches+1)
	if len(found) > maxMatches {
		a.fail(2, "text has more than %d matches", maxMatches)
	}
	list := newTable()
	for _, places := range found {
		list.Append(matchTable(re, text, places))
	}
	L.Push(list)
	return 1
}

// matchTable is one match: [0] the whole, [1] and on the groups, and those with
// names once more. A group that took no part is false.
func matchTable(re *pattern, text string, places []int) *lua.LTable {
	t := newRecord(4)
	names := re.SubexpNames()
	for i, name := range names {
		var v lua.LValue = lua.LFalse
		if places[2*i] >= 0 {
			v = lua.LString(text[places[2*i]:places[2*i+1]])
		}
		t.RawSetInt(i, v)
		if name != "" {
			t.RawSetString(name, v)
		}
	}
	return t
}

func (p *patterns) replace(L *lua.LState) int {
	a := args{L, "re.replace"}
	re, text := p.arguments(a)
	template := parseTemplate(re, a.text(3, "replacement"))
	found := a.find(re, text, maxMatches+1)
	if len(found) > maxMatches {
		a.fail(2, "text has more than %d matches", maxMatches)
	}
	var b strings.Builder
	end := 0
	for _, places := range found {
		b.WriteString(text[end:places[0]])
		for _, part := range template {
			if part.group < 0 {
				b.WriteString(part.text)
			} else if places[2*part.group] >= 0 {
				b.WriteString(text[places[2*part.group]:places[2*part.group+1]])
			}
		}
		end = places[1]
		if b.Len() > maxBuilt {
			a.fail(3, "the result would be longer than %d bytes", maxBuilt)
		}
	}
	b.WriteString(text[end:])
	L.Push(lua.LString(b.String()))
	return 1
}

// templatePart is text, or a group when group is not negative.
type templatePart struct {
	text  string
	group int
}

// parseTemplate reads $1, ${1}, $name, ${name} and $$. A group that does not exist is nothing.
func parseTemplate(re *pattern, text string) []templatePart {
	var parts []templatePart
	for {
		before, after, found := strings.Cut(text, "$")
		parts = append(parts, templatePart{before, -1})
		if !found {
			return parts
		}
		name, rest := templateName(after)
		switch {
		case strings.HasPrefix(after, "$"):
			parts = append(parts, templatePart{"$", -1})
			rest = after[1:]
		case name == "":
			parts = append(parts, templatePart{"$", -1})
			rest = after
		default:
			if group := groupNumber(re, name); group >= 0 {
				parts = append(parts, templatePart{"", group})
			}
		}
		text = rest
	}
}

// templateName parts the name of a group from what follows a $.
func templateName(text string) (name, rest string) {
	if strings.HasPrefix(text, "{") {
		if name, rest, ok := strings.Cut(text[1:], "}"); ok {
			return name, rest
		}
		return "", text
	}
	isNumber := text != "" && text[0] >= '0' && text[0] <= '9'
	end := 0
	for end < len(text) && isNameByte(text[end], isNumber) {
		end++
	}
	return text[:end], text[end:]
}

func isNameByte(c byte, digitsOnly bool) bool {
	if c >= '0' && c <= '9' {
		return true
	}
	return !digitsOnly && (c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z')
}

// groupNumber returns the number of a group by number or name, -1 when there is none.
func groupNumber(re *pattern, name string) int {
	n := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' || n > 10_000 {
			return re.SubexpIndex(name)
		}
		n = n*10 + int(c-'0')
	}
	if n > re.NumSubexp() {
		return -1
	}
	return n
}

func reQuote(L *lua.LState) int {
	L.Push(lua.LString(regexp.QuoteMeta(args{L, "re.quote"}.text(1, "text"))))
	return 1
}
