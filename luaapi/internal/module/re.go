package module

import (
	"regexp"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/pattern"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// The most of what one find_all or replace gives.
const (
	maxMatches       = 100_000
	maxMatched       = 500_000 // groups of all matches of one find_all
	maxTemplateParts = 10_000
)

// patterns keeps compiled patterns for all runs. It is safe for concurrent use.
type patterns struct{ pattern.Shelf }

// openRe returns the function that opens module re.
func openRe(p *patterns) func(*lua.LState) *lua.LTable {
	return func(*lua.LState) *lua.LTable {
		return ModuleOf(map[string]lua.LGFunction{
			"match":    p.match,
			"find_all": p.findAll,
			"replace":  p.replace,
			"quote":    reQuote,
		})
	}
}

// arguments reads (pattern, text).
func (p *patterns) arguments(a vm.Args) (*pattern.Pattern, string) {
	re := PatternArgument(a, 1, p.Compile)
	text := a.Text(2, "text")
	if re.TooLong(len(text)) {
		a.Fail(2, "text is too long for a pattern of this size")
	}
	return re, text
}

// PatternArgument returns an argument that is a regular expression.
func PatternArgument(a vm.Args, n int, compile func(string) (*pattern.Pattern, error)) *pattern.Pattern {
	re, err := compile(a.Text(n, "pattern"))
	if err != nil {
		a.Fail(n, "%s", err.Error())
	}
	return re
}

// EndSearch raises when a search ended before it had looked at all of the text.
func EndSearch(a vm.Args, err error) {
	if err != nil {
		a.L.RaiseError("%s: the run ended before the search did", a.Fn)
	}
}

func (p *patterns) match(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "re.match"}
	re, text := p.arguments(a)
	places, err := re.Find(text, 0, vm.Looking(L))
	EndSearch(a, err)
	if places == nil {
		L.Push(lua.LNil)
	} else {
		L.Push(matchTable(re, text, places))
	}
	return 1
}

// all calls found for every match.
func eachMatch(a vm.Args, re *pattern.Pattern, text string, found func(places []int)) {
	matches := 0
	EndSearch(a, re.All(text, vm.Looking(a.L), func(places []int) bool {
		if matches++; matches > maxMatches {
			a.Fail(2, "text has more than %d matches", maxMatches)
		}
		found(places)
		return true
	}))
}

func (p *patterns) findAll(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "re.find_all"}
	re, text := p.arguments(a)
	list := luaval.NewTable()
	L.Push(list) // where a measurement finds it
	matched := 0
	eachMatch(a, re, text, func(places []int) {
		if matched += len(places) / 2; matched > maxMatched {
			a.Fail(2, "text has more than %d matches of groups", maxMatched)
		}
		list.Append(matchTable(re, text, places))
	})
	return 1
}

// matchTable is one match: [0] the whole, [1] and on the groups, and those with
// names once more. A group that took no part is false.
func matchTable(re *pattern.Pattern, text string, places []int) *lua.LTable {
	t := luaval.NewRecord(4)
	names := re.Names()
	for i, name := range names {
		var v lua.LValue = lua.LFalse
		if places[2*i] >= 0 {
			v = lua.LString(lualib.Part(text, text[places[2*i]:places[2*i+1]]))
		}
		t.RawSetInt(i, v)
		if name != "" {
			t.RawSetString(name, v)
		}
	}
	return t
}

func (p *patterns) replace(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "re.replace"}
	re, text := p.arguments(a)
	template := parseTemplate(re, a.Text(3, "replacement"))
	if len(template) > maxTemplateParts {
		a.Fail(3, "replacement has more than %d parts", maxTemplateParts)
	}
	var b strings.Builder
	end := 0
	write := func(part string) {
		if b.Len()+len(part) > vm.MaxBuilt {
			a.Fail(3, "the result would be longer than %d bytes", vm.MaxBuilt)
		}
		b.WriteString(part)
	}
	eachMatch(a, re, text, func(places []int) {
		write(text[end:places[0]])
		for _, part := range template {
			if part.group < 0 {
				write(part.text)
			} else if places[2*part.group] >= 0 {
				write(text[places[2*part.group]:places[2*part.group+1]])
			}
		}
		end = places[1]
	})
	write(text[end:])
	L.Push(lua.LString(b.String()))
	return 1
}

// templatePart is text, or a group when group is not negative.
type templatePart struct {
	text  string
	group int
}

// parseTemplate reads $1, ${1}, $name, ${name} and $$. A group that does not
// exist is nothing. It reads no more than a few parts beyond the most.
func parseTemplate(re *pattern.Pattern, text string) []templatePart {
	var parts []templatePart
	for {
		before, after, found := strings.Cut(text, "$")
		parts = append(parts, templatePart{before, -1})
		if !found || len(parts) > maxTemplateParts {
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
func groupNumber(re *pattern.Pattern, name string) int {
	n := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' || n > 10_000 {
			return re.Group(name)
		}
		n = n*10 + int(c-'0')
	}
	if n > re.Groups() {
		return -1
	}
	return n
}

func reQuote(L *lua.LState) int {
	L.Push(lua.LString(regexp.QuoteMeta(vm.Args{L: L, Fn: "re.quote"}.Text(1, "text"))))
	return 1
}
