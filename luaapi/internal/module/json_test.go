package module

import (
	"context"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
)

func TestJSONEncode(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`nil`: `null`, `true`: `true`, `1`: `1`, `-0.5`: `-0.5`, `1700000000.25`: `1700000000.25`, `1e-9`: `1e-09`, `1e300`: `1e+300`, `123456789012345678`: `123456789012345680`,
		`9007199254740993`: `9007199254740992`, `""`: `""`, `"a\"\\\n\t\1/é"`: `"a\"\\\n\t\u0001/é"`, `"\255x"`: `"` + "\uFFFD" + `x"`,
		`{}`: `[]`, `{1,2}`: `[1,2]`, `{a=1,b={}}`: `{"a":1,"b":[]}`, `json.object{}`: `{}`, `json.object()`: `{}`, `json.null`: `null`,
		`{json.null,1}`: `[null,1]`, `json.object{"x"}`: `{"1":"x"}`, `{a=json.null}`: `{"a":null}`, `{[1.0]="x"}`: `["x"]`,
		`json.object(setmetatable({a=1},{}))`: `{"a":1}`, `{b=1,a=2,c=3}`: `{"a":2,"b":1,"c":3}`,
		`(function() local t = {1,2,3} t[3] = nil return t end)()`: `[1,2]`, `json.decode("{}")`: `{}`, `json.decode("[]")`: `[]`,
		`json.decode('{"a":null}')`: `{}`, `-0`: `0`,
	} {
		b.gives("return json.encode("+script+")", want)
	}
	for script, want := range map[string]string{
		`json.encode()`:                       "bad argument #1 to json.encode: value is missing",
		`json.encode(0/0)`:                    "NaN cannot be written as JSON",
		`json.encode(1/0)`:                    "infinity",
		`json.encode(print)`:                  "a function cannot be written as JSON",
		`json.encode{print}`:                  "a function cannot be written",
		`json.encode{1,a=2}`:                  "both numbered and named keys (1 and \"a\")",
		`json.encode{[1]=1,[3]=3}`:            "holes (2 of 3)",
		`json.encode{[1.5]=1}`:                "key 1.5 is no place in an array",
		`json.encode{[0]=1}`:                  "key 0",
		`json.encode{[true]=1}`:               "a key that is a boolean",
		`local t = {} t.t = t json.encode(t)`: "a table that holds itself",
		`local t = {} for i = 1, 200 do t = {t} end json.encode(t)`:     "nested deeper than 100",
		`local s = ("x"):rep(1000000) json.encode{s,s,s,s,s,s,s,s,s,s}`: "longer than 8388608 bytes",
		`json.object(1)`:  "bad argument #1 to json.object: table must be a table, got a number",
		`json.null.x = 1`: "json.null cannot be changed",
	} {
		b.raises(script, want)
	}
	b.gives(`return tostring(json.null), json.null == json.decode("null"), type(json.null)`, "null | true | userdata")
	b.gives(`local t = {} return json.encode{t, t}`, "[[],[]]")
}

func TestJSONDecode(t *testing.T) {
	b := newBench(t, nil)
	for text, want := range map[string]string{
		`[1, 2.5, -3e2, true, false, "x"]`: `[1,2.5,-300,true,false,"x"]`,
		` {"a" : {"b" : [ ] } } `:          `{"a":{"b":[]}}`,
		"\uFEFF1":                          `1`,
		`{"a":1,"a":2}`:                    `{"a":2}`,
		`"\u00e9\ud83d\ude00\ud800x\n\/"`:  `"é😀` + "\uFFFD" + `x\n/"`,
		`9007199254740992`:                 `9007199254740992`,
		`9007199254740993`:                 `"9007199254740993"`,
		`-9007199254740993`:                `"-9007199254740993"`,
		`123456789012345678901234567890`:   `"123456789012345678901234567890"`,
		`1e16`:                             `10000000000000000`,
		`[null,{"a":null}]`:                `[null,{}]`,
		`0`:                                `0`, `-0`: `0`, `""`: `""`,
	} {
		b.global("text", lua.LString(text))
		b.gives("return json.encode(json.decode(text))", want)
	}
	b.gives(`return json.decode('{"a":null}').a`, "nil")
	b.gives(`return json.decode('{"a":null}', {null="keep"}).a == json.null`, "true")
	b.gives(`return json.decode('[null]')[1] == json.null`, "true")
	for text, want := range map[string]string{
		``: "unexpected end at line 1, column 1", `{`: "expected a name in quotes", `[1,]`: "unexpected character", `[1 2]`: "expected , or ]",
		`{"a" 1}`: "expected :", `{"a":1,}`: "expected a name", `nul`: "unexpected word", `01`: "not a number", `-`: "not a number", `1.`: "not a number",
		`1e`: "not a number", `+1`: "unexpected character", `"abc`: "a string without its end", "\"a\nb\"": "control character", `"\x"`: "unknown escape",
		`"\u12"`: `bad \u escape`, `"\u12g4"`: `bad \u escape`, `1 2`: "unexpected text after the value", "\n\n  x": "line 3, column 3", `1e999`: "out of range",
		`'a'`: "unexpected character", `NaN`: "unexpected character", `"a\`: "unknown escape", `"\u`: `bad \u escape`, `[`: "unexpected end",
	} {
		b.global("text", lua.LString(text))
		got, err := b.do("return json.decode(text)")
		if err != nil || len(got) != 3 || got[0] != "nil" || !strings.Contains(got[1], want) || got[2] != "invalid" {
			t.Errorf("decode(%q) = %v, %v; want nil, %q, invalid", text, got, err, want)
		}
	}
	b.global("text", lua.LString(strings.Repeat("[", 1000)))
	b.gives("return json.decode(text)", "nil | not JSON: nested too deeply at line 1, column 102 | invalid")
	b.global("text", lua.LString("["+strings.Repeat("0,", maxJSONValues)+"0]"))
	b.gives("return select(2, json.decode(text))", "not JSON: too many values at line 1, column 1000000 | invalid")
	b.raises("json.decode(nil)", "bad argument #1 to json.decode: text must be text, got nil")
	b.raises("json.decode({})", "text must be text, got a table")
	b.raises(`json.decode("1", {nul="keep"})`, "unknown option 'nul'; did you mean 'null'?")
	b.raises(`json.decode("1", {null="drop"})`, `null must be "keep"`)
	b.raises(`json.decode("1", 7)`, "bad argument #2 to json.decode: options must be a table, got a number")
	b.raises(`json.decode(("x"):rep(9000000))`, "text is longer than 8388608 bytes")
}

func TestJSONGet(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`v = json.decode('{"data":{"items":[{"state":"up"},{"a.b":[1,[2]]}]},"":5}')`, "")
	for path, want := range map[string]string{
		`data.items[0].state`: "up", `data.items[1]["a.b"][1][0]`: "2", `$.data.items[0].state`: "up", `["data"].items[0]['state']`: "up",
		`data.items[2]`: "nil", `data.items.state`: "nil", `data.none.deeper[3]`: "nil", `data.items[0].state.x`: "nil",
	} {
		b.global("path", lua.LString(path))
		b.gives("return json.get(v, path)", want)
	}
	b.gives(`return json.get(nil, "a")`, "nil")
	b.gives(`return json.get(5, "")`, "5")
	b.gives(`return json.get({7}, "[0]"), json.get({7}, "$[0]")`, "7 | 7")
	for _, path := range []string{"a..b", "a.", "[", "[x]", "[1", `["a]`, "[-1]", ".", "a[0]b", `[""]`} {
		b.global("path", lua.LString(path))
		b.raises("json.get({}, path)", "bad argument #2 to json.get: not a path")
	}
	b.raises("json.get({})", "path must be text, got nil")
}

// A few tables can hold each other in so many ways that writing them takes seconds:
// it ends with the run.
func TestWritingJSONEndsWithTheRun(t *testing.T) {
	twice := luaval.NewTable()
	twice.Append(lua.LNumber(1))
	for range 40 {
		above := luaval.NewTable()
		above.Append(twice)
		above.Append(twice)
		twice = above
	}
	looks := 0
	_, err := EncodeJSON(twice, func(steps int) error {
		if looks += steps; looks < 100_000 {
			return nil
		}
		return context.DeadlineExceeded
	})
	if err == nil || err.Error() != "the run ended before all was written" || looks > 200_000 {
		t.Errorf("got %v after %d steps", err, looks)
	}
}

func FuzzJSONDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x\u00e9\ud83d\ude00",null,true]}`, `[[[[`, `"\u`, `1e`, "\uFEFF{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := DecodeJSON(text, true, nil)
		if err != nil {
			return
		}
		data, err := EncodeJSON(v, nil)
		if err != nil {
			t.Fatalf("decode(%q) gave what cannot be encoded: %v", text, err)
		}
		again, err := DecodeJSON(string(data), true, nil)
		if err != nil {
			t.Fatalf("encode(decode(%q)) = %s cannot be decoded: %v", text, data, err)
		}
		if twice, err := EncodeJSON(again, nil); err != nil || string(twice) != string(data) {
			t.Fatalf("%q: %s became %s, %v", text, data, twice, err)
		}
	})
}
