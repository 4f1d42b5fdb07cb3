package syntax_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/ast"

	"moonwatch/luaapi/internal/syntax"
)

// everything holds each kind of statement and expression, with a number of its
// own in each place where an expression may stand.
const everything = `
a, t[1] = 2, 3
local b, c = 4, 5
f(6, t[7])
do b = 8 end
while b > 9 do b = 10 end
repeat b = 11 until b == 12
if 13 < b then b = 14 elseif b >= 15 then b = 16 else b = 17 end
for i = 18, 19, 20 do b = 21 end
for k, v in next, t, 22 do b = 23 end
function t.x.y(z, ...) return 24 + z, ... end
function t:m() return 25 end
local function g() return 26 end
b = { 27, [28] = 29, key = 30 }
b = not 31 and -t[32] or #t[33] .. 34 ^ 35
b = (function() return 36 end)()
b = t:m(37)
goto over
::over::
return nil, true, false, 38
`

type counter struct {
	entered, left int
	numbers       []string
}

func (c *counter) Enter(n syntax.Node) bool {
	c.entered++
	if number, ok := n.(*ast.NumberExpr); ok {
		c.numbers = append(c.numbers, number.Value)
	}
	return true
}

func (c *counter) Leave(syntax.Node) { c.left++ }

// TestWalk holds that no place of any node is passed over.
func TestWalk(t *testing.T) {
	chunk, err := syntax.Parse("p.lua", everything)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	syntax.WalkBlock(c, chunk)
	if c.entered != c.left {
		t.Errorf("entered %d nodes, left %d", c.entered, c.left)
	}
	seen := map[string]bool{}
	for _, n := range c.numbers {
		seen[n] = true
	}
	if len(c.numbers) != 38 || len(seen) != 38 {
		t.Errorf("saw %d numbers, %d of them different, want 38: %s", len(c.numbers), len(seen), strings.Join(c.numbers, " "))
	}
}

// TestRewrite holds that every statement is offered once, the inner ones first.
func TestRewrite(t *testing.T) {
	chunk, err := syntax.Parse("p.lua", everything)
	if err != nil {
		t.Fatal(err)
	}
	offered := map[ast.Stmt]int{}
	syntax.Rewrite(chunk, func(s ast.Stmt) ast.Stmt {
		offered[s]++
		if loop, ok := s.(*ast.WhileStmt); ok && offered[loop.Stmts[0]] != 1 {
			t.Error("a loop came before what it holds")
		}
		return s
	})
	twice := slices.Sorted(maps.Values(offered))
	if len(offered) != 32 || twice[len(twice)-1] != 1 {
		t.Errorf("%d statements were offered, want 32, each once: %v", len(offered), twice)
	}
}

func TestNames(t *testing.T) {
	chunk, err := syntax.Parse("p.lua", "return a.b[c], function(d) e = f end, { g = h }, i:j(k)")
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(syntax.Names(chunk[0].(*ast.ReturnStmt).Exprs...)))
	if want := "a c e f h i k"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
