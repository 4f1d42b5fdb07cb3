package luaapi

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
)

func TestDraftIsLinted(t *testing.T) {
	rt := newTestRuntime(t, nil)
	head := "local P = { name = \"P\", slug = \"p\", version = \"1\" }\nfunction P:run(check, result)\n"
	for _, tt := range []struct {
		name, text         string
		problems, warnings []engine.PluginProblem
	}{
		{"good", head + "return result end\nreturn P\n", nil, nil},
		{"undefined", head + "  print(responze)\n  return result end\nreturn P\n", nil,
			[]engine.PluginProblem{{File: "p.lua", Line: 3, Column: 9, Message: "responze is not defined"}}},
		{"a key that is none", strings.Replace(head, "version", "verson = 1, version", 1) + "return result end\nreturn P\n", nil,
			[]engine.PluginProblem{{File: "p.lua", Line: 1, Column: 37, Message: "the contract knows no key verson; did you mean version?"}}},
		{"half typed", head + "  if check.name =\n  return result end\nreturn P\n", []engine.PluginProblem{{File: "p.lua", Line: 3, Column: 17}}, nil},
		{"loading and linter agree", "local x = require \"nix\"\n" + head + "return result end\nreturn P\n", []engine.PluginProblem{{File: "p.lua", Line: 1, Column: 20}}, nil},
		{"does not load and has more", "x = 1\n" + strings.Replace(head, `slug = "p"`, `slug = "P P"`, 1) + "return result end\nreturn P\n",
			[]engine.PluginProblem{{File: "p.lua", Line: 2}}, []engine.PluginProblem{{File: "p.lua", Line: 1, Column: 1, Message: "x is written as a global: write local x"}}},
	} {
		got := rt.Draft(t.Context(), engine.PluginSource{Path: "p.lua", Files: map[string]string{"": tt.text}})
		same(t, tt.name+" problems", got.Problems, tt.problems)
		same(t, tt.name+" warnings", got.Warnings, tt.warnings)
		if (len(got.Plugins) == 0) != (len(tt.problems) > 0) {
			t.Errorf("%s: %d plugins", tt.name, len(got.Plugins))
		}
	}
}

// same compares what is given of each problem.
func same(t *testing.T, name string, got, want []engine.PluginProblem) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
		return
	}
	for i, w := range want {
		g := got[i]
		if g.File != w.File || g.Line != w.Line || w.Column > 0 && g.Column != w.Column || !strings.HasPrefix(g.Message, w.Message) {
			t.Errorf("%s: got %+v, want %+v", name, g, w)
		}
	}
}

// TestDraftsAreLintedInTime lints the largest sources that there are, made to
// give the linter work: in each of them a name leads to names, or mistakes stand
// side by side.
func TestDraftsAreLintedInTime(t *testing.T) {
	const head, tail = "local P = { name = \"P\", slug = \"p\", version = \"1\" }\nfunction P:run(check, result)\n", "\nreturn result end\nreturn P\n"
	fill := func(s string) string { return strings.Repeat(s, (128<<10-len(head)-len(tail)-100)/len(s)) }
	chain := func(first, next string) string {
		var b strings.Builder
		b.WriteString(first)
		for i := 1; i < 190; i++ {
			b.WriteString(strings.NewReplacer("%", itoa(i), "#", itoa(i-1)).Replace(next))
		}
		return b.String()
	}
	most := 3 * time.Second // alone it is under half a second
	if raceEnabled {
		most *= 20
	}
	rt := newTestRuntime(t, nil)
	for name, body := range map[string]string{
		"globals in one line":    fill("x=1 "),
		"undefined names":        fill("x()\n"),
		"undefined in one line":  fill("foo() "),
		"unknown fields":         fill("print(check.abc) "),
		"wrong arguments":        fill("result:metric()\n"),
		"loops in one line":      fill(strings.Repeat("while true do ", 100) + strings.Repeat("end ", 100)),
		"functions in functions": fill(strings.Repeat("local function f(a) ", 60) + strings.Repeat("end ", 60)),
		"values of two":          chain("local a0 = check\n", "local a% = a#\na% = a#\n") + "print(a189.name)",
		"two returns":            chain("local function h0() return check end\n", "local function h%() if check then return h#() end return h#() end\n") + "print(h189().name)",
		"loops that call": "local function f() " + strings.Repeat("print(check.name)\n", 2000) + " end\n" +
			strings.Repeat("while true do f() end\n", 3000),
	} {
		begun := time.Now()
		got := rt.Draft(t.Context(), engine.PluginSource{Path: "p.lua", Files: map[string]string{"": head + body + tail}})
		took := time.Since(begun)
		if len(got.Problems) > 0 {
			t.Errorf("%s: %v", name, got.Problems)
		}
		if len(got.Warnings) > maxDraftWarnings+1 {
			t.Errorf("%s: %d warnings", name, len(got.Warnings))
		}
		if took > most {
			t.Errorf("%s: took %v", name, took)
		}
		t.Logf("%s: %v, %d warnings", name, took, len(got.Warnings))
	}
}

// TestHalfTypedDrafts cuts a plugin at many places, as somebody who types does.
func TestHalfTypedDrafts(t *testing.T) {
	rt := newTestRuntime(t, nil)
	for n := 0; n < len(benchPlugin); n += 17 {
		for _, text := range []string{benchPlugin[:n], benchPlugin[:n] + "\nend\nreturn Http\n", benchPlugin[:n] + benchPlugin[min(n+5, len(benchPlugin)):]} {
			s := &loader.Source{Path: "p.lua", Files: map[string]string{"": text}}
			out := rt.runner.Load(t.Context(), s, "p.lua")
			rt.lintLoaded(s, out) // a panic is the failure
			got := rt.Draft(t.Context(), engine.PluginSource{Path: "p.lua", Files: map[string]string{"": text}})
			if len(got.Problems) != len(out.Problems) {
				t.Fatalf("cut at %d: %d problems, loading found %d", n, len(got.Problems), len(out.Problems))
			}
			for _, p := range append(got.Problems, got.Warnings...) {
				if p.Line < 1 || p.Column < 1 || p.File != "p.lua" {
					t.Fatalf("cut at %d: %+v", n, p)
				}
			}
		}
	}
}
