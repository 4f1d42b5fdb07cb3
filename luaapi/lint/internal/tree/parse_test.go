package tree

import (
	"os"
	"path/filepath"
	"testing"
)

// TestParseAll reads all Lua of the repository: the parser must know what the
// interpreter knows.
func TestParseAll(t *testing.T) {
	n := 0
	for _, pattern := range []string{"../../../../plugins/*.lua", "../../../../plugins/*/*.lua", "../../../../examples/*/*.lua", "../../../../examples/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parse(string(text)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			n++
		}
	}
	if n < 20 {
		t.Errorf("read %d files, want the plugins", n)
	}
}

func TestScanPositions(t *testing.T) {
	tokens, err := scan("local ä = 1")
	if err == nil {
		t.Errorf("a letter that Lua does not know: got %v, want an error", tokens)
	}
	tokens, err = scan("-- x\n--[[ a\nb ]] local t = [==[\nx]]\n]==] .. 'é\\n' .. a.b -- end")
	if err != nil {
		t.Fatal(err)
	}
	want := []token{
		{tokenKeyword, "local", Pos{3, 6}}, {tokenName, "t", Pos{3, 12}}, {tokenSymbol, "=", Pos{3, 14}}, {tokenString, "x]]\n", Pos{3, 16}},
		{tokenSymbol, "..", Pos{5, 6}}, {tokenString, "é\n", Pos{5, 9}}, {tokenSymbol, "..", Pos{5, 15}}, {tokenName, "a", Pos{5, 18}},
		{tokenSymbol, ".", Pos{5, 19}}, {tokenName, "b", Pos{5, 20}}, {tokenEnd, "", Pos{5, 28}},
	}
	if len(tokens) != len(want) {
		t.Fatalf("got %v, want %v", tokens, want)
	}
	for i := range want {
		if tokens[i] != want[i] {
			t.Errorf("token %d: got %v, want %v", i, tokens[i], want[i])
		}
	}
}
