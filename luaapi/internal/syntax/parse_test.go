package syntax_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/syntax"
)

func TestParse(t *testing.T) {
	rep := strings.Repeat
	for name, c := range map[string]struct {
		source string
		line   int
		want   string // "" is taken
	}{
		"empty":             {"", 0, ""},
		"plain":             {"local x = 1\nreturn x", 0, ""},
		"goto":              {"for i = 1, 3 do goto next ::next:: end", 0, ""},
		"byte order mark":   {"\ufeffreturn 1", 0, ""},
		"first line":        {"#!/usr/bin/lua\nreturn 1", 0, ""},
		"umlauts":           {"return 'äöü'", 0, ""},
		"long":              {rep("x = 1\n", 22000), 0, "bytes; 131072 are allowed"},
		"NUL":               {"x = 1\ny = '\x00'", 2, "NUL"},
		"bytecode":          {"\x1bLuaQ\x00", 0, "compiled"},
		"Latin 1":           {"x = 1\n\ny = '\xe4'", 3, "UTF-8"},
		"chain fits":        {"return 1" + rep(" .. 1", 199), 0, ""},
		"chain":             {"x = 1\nreturn 1" + rep(" .. 1", 200), 2, "more than 200 operands"},
		"power":             {"return a" + rep("^a", 60000), 1, "more than 200 operands"},
		"power and concat":  {"return a" + rep("^a..a", 20000), 1, "more than 200"},
		"parentheses":       {"return " + rep("(", 60000) + "1" + rep(")", 60000), 0, ""},
		"tables":            {"return " + rep("{", 60000) + rep("}", 60000), 1, "nested more than 200"},
		"unary":             {"return " + rep("not ", 30000) + "1", 1, "nested more than 200"},
		"minus":             {"return " + rep("- ", 60000) + "1", 1, "nested more than 200"},
		"sum":               {"return 1" + rep("+1", 60000), 1, "nested more than 200"},
		"or":                {"return a" + rep(" or a", 20000), 1, "nested more than 200"},
		"index":             {"return a" + rep(".a", 60000), 1, "nested more than 200"},
		"calls":             {"a" + rep("()", 60000), 1, "nested more than 200"},
		"methods":           {"a" + rep(":a()", 30000), 1, "nested more than 200"},
		"functions":         {rep("function f() ", 6000) + rep("end ", 6000), 1, "nested more than 200"},
		"blocks":            {rep("do ", 18000) + rep("end ", 18000), 1, "nested more than 200"},
		"elseif":            {"if a then" + rep(" elseif a then", 8000) + " end", 1, "nested more than 200"},
		"entries fit":       {"return {" + rep("1,", 8192) + "}", 0, ""},
		"entries":           {"return {" + rep("1,", 8193) + "}", 1, "more than 8192 entries"},
		"syntax":            {"local x = 1\nlocal = 2\n", 2, "near '='"},
		"unfinished":        {"function f()\n  return 1\n\n", 2, "at the end of the file"},
		"unfinished string": {"x = 'abc\ny = 1", 1, "unterminated string"},
		"constants": {func() string {
			var b strings.Builder
			for i := range 9500 {
				fmt.Fprintf(&b, "g%d=1 ", i)
			}
			return b.String()
		}(), 1, "more than 9000 constants"},
		"unknown character": {"x = 1\ny = @", 2, "near '@'"},
		"call alone":        {"x", 1, "parse error"},
	} {
		start := time.Now()
		_, err := syntax.Parse("p.lua", c.source)
		if took := time.Since(start); took > slowness*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		var e *syntax.SourceError
		switch {
		case c.want == "" && c.line == 0 && err != nil:
			t.Errorf("%s: got %v, want none", name, err)
		case c.want != "" && (!errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.Line != c.line || e.Name != "p.lua"):
			t.Errorf("%s: got %v, want %q at line %d", name, err, c.want, c.line)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	for source, want := range map[string]string{
		"local x = 1\n  local = 2": "p.lua:2: syntax error near '='",
		"return (":                 "p.lua:1: syntax error at the end of the file",
	} {
		_, err := syntax.Parse("p.lua", source)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", source, err, want)
		}
		var e *syntax.SourceError
		if errors.As(err, &e); e == nil || e.Column < 1 {
			t.Errorf("%q: got %+v, want a column", source, e)
		}
	}
}

// TestCompileTime compiles the worst sources that the guard lets through.
func TestCompileTime(t *testing.T) {
	upTo := func(most int, format string) string {
		var b strings.Builder
		for i := range most {
			line := fmt.Sprintf(format, i)
			if b.Len()+len(line) > syntax.MaxSource-100 {
				break
			}
			b.WriteString(line)
		}
		return b.String()
	}
	many := func(format string) string { return upTo(1<<30, format) }
	rep := strings.Repeat
	for name, source := range map[string]string{
		"concat chains":     rep("x = a"+rep("..a", 199)+"\n", 216),
		"power chains":      rep("x = a"+rep("^a", 199)+"\n", 300),
		"nested sums":       rep("x = "+rep("(a+", 150)+"a"+rep(")", 150)+"\n", 200),
		"numbers":           upTo(8900, "x = %d\n"),
		"strings":           upTo(8900, "x = 's%d'\n"),
		"globals":           upTo(8900, "g%d = 1\n"),
		"many constructors": upTo(8900, "x = {%d}\n"),
		"long constructors": rep("x = {"+rep("1,", 8000)+"}\n", 8),
		"functions":         upTo(5400, "function f%d() end\n"),
		"locals in blocks":  many("do local v%d end\n"),
		"labels":            many("::l%d::\n"),
		"gotos":             many("goto l%d ::l%[1]d::\n"),
		"ifs":               many("if a then b() end --%d\n"),
		"ors":               rep("x = a"+rep(" or a", 150)+"\n", 170),
		"ands in ifs":       rep("if a"+rep(" and a", 150)+" then end\n", 130),
		"returns":           upTo(7500, "do return %d end\n"),
		"upvalues":          "local " + "a\n" + many("function f() a = %d end\n"),
		"arguments":         "f(" + strings.TrimSuffix(upTo(8900, "%d,"), ",") + ")",
		"assignments":       "a" + rep(",a", 20000) + " = 1" + rep(",1", 20000),
		"local names":       "local a" + rep(",a", 40000),
		"string":            "x = '" + rep("\\n", 60000) + "'",
		"comments":          rep("--[[ ]]", 18000),
		"long comment":      "--[[" + rep("]=", 60000) + "]]",
	} {
		start := time.Now()
		chunk, err := syntax.Parse("p.lua", source)
		parsed := time.Since(start)
		if err == nil {
			_, err = lua.Compile(chunk, "p.lua")
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v, of which parsing %v (%v)", name, took, parsed, err)
		} else {
			t.Logf("%s: %v (%v)", name, took, err)
		}
	}
}
