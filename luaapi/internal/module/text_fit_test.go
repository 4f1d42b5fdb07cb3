package module

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
)

func TestUTF8Line(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`utf8.len("aé😀", "bytes")`: "7", `utf8.len("aé😀", "utf16")`: "4", `utf8.len("aé😀", "characters")`: "3",
		`utf8.line("  a\r\n\tb\0c  ")`:             "a b c",
		`utf8.line("a\255b")`:                      "a\uFFFDb",
		`utf8.line("x\226\128\174y\226\129\167z")`: "xyz", // overrides of direction
		`utf8.line("\226\128\168a\226\128\169b")`:  "a b",
		`utf8.line("abcdef", 6)`:                   "abcdef", `utf8.line("abcdefg", 6)`: "abcde…", `utf8.line("ab cdefg", 4)`: "ab…",
		`utf8.line("日本語日本語", 9, "bytes")`: "日本…", `utf8.line("日本語", 9, "bytes")`: "日本語", `utf8.line("abc", 2, "bytes")`: "", `utf8.line("abc", 0)`: "",
		`utf8.line("a😀😀", 4, "utf16")`: "a😀…", `utf8.line("a😀😀", 3, "utf16")`: "a…", `utf8.line("a😀😀", 5, "utf16")`: "a😀😀",
		// An emoji with its modifiers and what is joined to it, an accent, a flag.
		`utf8.line("ab👩\226\128\141👩\226\128\141👧xyz", 5)`: "ab…", `utf8.line("ab👍🏽xyz", 4)`: "ab…", `utf8.line("abe\204\129xyz", 4)`: "ab…", `utf8.line("🇩🇪🇫🇷🇯🇵", 4)`: "🇩🇪…",
	} {
		b.gives("return ("+script+")", want)
	}
	b.gives(`local function escape(text) return (text:gsub("[<&]", { ["<"] = "&lt;", ["&"] = "&amp;" })) end
		return utf8.line("a<b<c", 99, "bytes", escape), utf8.line("a<b<cd", 11, "characters", escape), utf8.line("a<b<c", 6, nil, escape), utf8.line("<<<", 3, nil, escape), utf8.line("<\n<", nil, nil, escape)`,
		"a&lt;b&lt;c | a&lt;b&lt;… | a&lt;… | … | &lt; &lt;")
	for script, want := range map[string]string{
		`utf8.line("x", 1, nil, "f")`: "escape must be a function, got text", `utf8.line("x", 1, nil, function() end)`: "escape must return text, got nil", `utf8.line("x", 1, nil, function() error("own") end)`: "own",
		`utf8.line()`: "text must be text, got nil", `utf8.line("x", -1)`: "most must be from 0", `utf8.line("x", 1, "words")`: "bad argument #3 to utf8.line: unit must be characters, bytes or utf16, got words",
		`utf8.len("x", "byte")`: "unit must be characters, bytes or utf16",
	} {
		b.raises(script, want)
	}
}

func TestUTF8Fit(t *testing.T) {
	b := newBench(t, nil)
	b.global("lines", strings3())
	for script, want := range map[string]string{
		`utf8.fit(lines, 13)`: "one\ntwo\nthree | 3", `utf8.fit(lines, 12)`: "… and 3 more | 0", `utf8.fit(lines, 16)`: "one\ntwo\nthree | 3",
		`utf8.fit(lines, 11)`: " | 0", `utf8.fit(lines, -5)`: " | 0", `utf8.fit({}, 0)`: " | 0",
		`utf8.fit({ "one", "two", "three", "four" }, 16)`:                              "one\n… and 3 more | 1",
		`utf8.fit({ "日本", "日本", "日本日本日本" }, 21, { unit = "bytes" })`:                   "日本\n… and 2 more | 1",
		`utf8.fit({ "😀", "😀", "😀😀😀😀😀😀😀" }, 17, { unit = "utf16" })`:                    "😀\n… and 2 more | 1",
		`utf8.fit({ "one", "two", "three", "four" }, 17, { separator = ", " })`:        "one, … and 3 more | 1",
		`utf8.fit({ "one", "two" }, 8, { separator = ", " })`:                          "one, two | 2",
		`utf8.fit({ "x", "a line that is far too long to fit", "y" }, 20)`:             "x\n… and 2 more | 1",
		`utf8.fit({ "one", "two", "a line that is far too long to fit", "four" }, 20)`: "one\ntwo\n… and 2 more | 2",
	} {
		b.gives("return "+script, want)
	}
	for script, want := range map[string]string{
		`utf8.fit("x", 3)`: "lines must be a table, got text", `utf8.fit({ {} }, 3)`: "lines", `utf8.fit({}, "x")`: "most must be a number", `utf8.fit({}, 3, { unit = "byte" })`: "unit must be characters, bytes or utf16",
		`utf8.fit({}, 3, { seperator = "x" })`: "did you mean 'separator'?",
	} {
		b.raises(script, want)
	}
}

// TestFitLinesAlways holds for lines of any text and every unit: what is returned
// is within the limit, is whole lines, says how many are left out, and shows as many
// lines as there is room for.
func TestFitLinesAlways(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	letters := []string{"a", "é", "日", "😀", "👩‍👧", "e\u0301", "🇩🇪", " "}
	for range 3000 {
		lines := make([]string, random.IntN(40))
		for i := range lines {
			for range random.IntN(30) {
				lines[i] += letters[random.IntN(len(letters))]
			}
		}
		most, name := random.IntN(900), UnitNames[random.IntN(3)]
		count := MeasureNamed(name)
		text, shown := FitLines(lines, most, count, "\n")
		if count(text) > most || !utf8.ValidString(text) {
			t.Fatalf("%d %s of %d: %q", count(text), name, most, text)
		}
		want := strings.Join(lines[:shown], "\n")
		if shown < len(lines) && (shown > 0 || text != "") {
			if shown > 0 {
				want += "\n"
			}
			want += AndMore(len(lines) - shown)
		}
		if text != want {
			t.Fatalf("got %q, want %q", text, want)
		}
		for better := shown + 1; better <= len(lines); better++ {
			longer := strings.Join(lines[:better], "\n")
			if better < len(lines) {
				longer += "\n" + AndMore(len(lines)-better)
			}
			if count(longer) <= most {
				t.Fatalf("%d lines are shown in %d %s, and %d have room", shown, most, name, better)
			}
		}
		line := CutLine(OneLine(strings.Join(lines, "\n")), most, count, func(s string) string { return s })
		if count(line) > most || !utf8.ValidString(line) {
			t.Fatalf("%d %s of %d: %q", count(line), name, most, line)
		}
	}
}

func TestURLLink(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`url.link("https://h.test/a_b~c?x=1&y=[2]#f")`: "https://h.test/a_b~c?x=1&y=[2]#f", `url.link("HTTP://[::1]:8080/%20")`: "HTTP://[::1]:8080/%20",
		`url.link("https://h.test/a|b>c<d)e(f g\"h'i")`: "https://h.test/a%7Cb%3Ec%3Cd%29e%28f%20g%22h%27i",
		`url.link("https://h.test/\\^{}*\n\0")`:         "https://h.test/%5C%5E%7B%7D%2A%0A%00",
		"url.link(\"https://h.test/`x`\")":              "https://h.test/%60x%60",
		`url.link("https://h.test/日本")`:                 "https://h.test/日本",
		`url.link("https://h.test/\226\128\174x")`:      "https://h.test/%E2%80%AEx",
		`url.link("javascript:alert(1)")`:               "", `url.link("")`: "", `url.link("https:/x")`: "", `url.link("httpss://x")`: "", `url.link("tel:1")`: "",
		`#url.link("https://h.test/" .. ("a"):rep(1985))`: "2000", `#url.link("https://h.test/" .. ("a"):rep(1986))`: "0", `#url.link("https://h.test/" .. ("|"):rep(100), 300)`: "0",
	} {
		b.gives("return ("+script+")", want)
	}
	b.raises(`url.link()`, "url must be text, got nil")
}

// strings3 is { "one", "two", "three" } in Lua.
func strings3() *lua.LTable {
	t := luaval.NewTable()
	for _, s := range []string{"one", "two", "three"} {
		t.Append(lua.LString(s))
	}
	return t
}
