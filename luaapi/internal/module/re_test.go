package module

import (
	"context"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestRe(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`re.match("b+", "abbc")[0]`:                         "bb",
		`re.match("x", "abc")`:                              "nil",
		`re.match("(a)(?P<mid>b)?(c)", "ac")[2]`:            "false",
		`re.match("(a)(?P<mid>b)?(c)", "ac").mid`:           "false",
		`re.match("(a)(?P<mid>b)?(c)", "abc").mid`:          "b",
		`re.match("(a)(?<mid>b)?(c)", "abc").mid`:           "b",
		`re.match("(a)(b)?(c)", "ac")[3]`:                   "c",
		`re.match("", "")[0]`:                               "",
		`re.match("1", 12)[0]`:                              "1",
		`re.match("(?i)STRASSE", "strasse")[0]`:             "strasse",
		`#re.find_all("a", "banana")`:                       "3",
		`#re.find_all("x", "banana")`:                       "0",
		`re.find_all("(.)n", "banana")[2][1]`:               "a",
		`#re.find_all("", "abc")`:                           "4",
		`re.replace("a(.)", "banana", "<$1>")`:              "b<n><n>a",
		`re.replace("a", "banana", "$0$0")`:                 "baanaanaa",
		`re.replace("(?P<v>a)", "ba", "${v}x$v")`:           "baxa",
		`re.replace("(a)", "ba", "$1x")`:                    "bax",
		`re.replace("(a)", "ba", "${1}1$$$2${")`:            "ba1$${",
		`re.replace("a", "ba", "$")`:                        "b$",
		`re.replace("x*", "abc", "-")`:                      "-a-b-c-",
		`re.quote("a.b*c")`:                                 `a\.b\*c`,
		`re.match("^" .. re.quote("[x]") .. "$", "[x]")[0]`: "[x]",
	} {
		b.gives("return ("+script+")", want)
	}
	for script, want := range map[string]string{
		`re.match("(", "x")`:                                 "bad argument #1 to re.match: not a regular expression: missing closing ): `(`",
		`re.match("(?=x)", "x")`:                             "not a regular expression",
		`re.match(nil, "x")`:                                 "pattern must be text, got nil",
		`re.match("x")`:                                      "bad argument #2 to re.match: text must be text, got nil",
		`re.match("x", {})`:                                  "text must be text, got a table",
		`re.replace("x", "x")`:                               "replacement must be text, got nil",
		`re.quote({})`:                                       "bad argument #1 to re.quote: text must be text, got a table",
		`re.match(("a"):rep(20000), "x")`:                    "the pattern is longer than 16384 bytes",
		`re.match("(((a{30}){30}){30}){30}", "x")`:           "not a regular expression",
		`re.match(("[ab]{1000}"):rep(30), "x")`:              "the pattern is too large",
		`re.match(("(.?)"):rep(3000) .. "b", "a")`:           "bad argument #1 to re.match: the pattern has 3000 groups; 50 are allowed",
		`re.replace("(a)", "a", ("$1"):rep(100000))`:         "replacement has more than 10000 parts",
		`re.find_all("", ("x"):rep(200000))`:                 "text has more than 100000 matches",
		`re.replace("a", ("a"):rep(90000), ("b"):rep(1000))`: "the result would be longer than 8388608 bytes",
	} {
		b.raises(script, want)
	}
}

// A search that would take seconds ends with the run, which is free at once.
func TestReEndsWithTheRun(t *testing.T) {
	b := newBench(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	b.call.Ctx = ctx
	b.global("text", lua.LString(strings.Repeat("a", 1<<20)))
	b.raises(`re.match(("(a?){1000}"):rep(3), text)`, "text is too long for a pattern of this size")
	started := time.Now()
	b.raises(`re.match("(a?){200}b$", text)`, "the run ended before the search did")
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
}
