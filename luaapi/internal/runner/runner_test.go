package runner

import (
	"fmt"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

func newTestRunner(t testing.TB) *Runner {
	t.Helper()
	r, err := New(Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// loadTest loads a source with one plugin.
func loadTest(t testing.TB, r *Runner, source string) *Version {
	t.Helper()
	out := r.Load(t.Context(), &loader.Source{Path: "p.lua", Files: map[string]string{"": source}}, "p.lua")
	if len(out.Problems) > 0 {
		t.Fatal(out.Problems)
	}
	return out.Plugins[0]
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{MaxExecuting: -1}, {Instructions: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestPastRunsDecideTheRank(t *testing.T) {
	t.Parallel()
	var w pastRuns
	for _, tt := range []struct {
		what string
		held uint64
		busy bool
		want permit.Rank
	}{
		{"little", plainRun, false, permit.Light},
		{"much work", plainRun, true, permit.Sliced},
		{"much memory", 1 << 20, false, permit.Fresh},
		{"nobody looked: as heavy as before", 0, false, permit.Fresh},
		{"little again", lightRun, false, permit.Light},
	} {
		if tt.what == "little" && w.rank("a") != permit.Fresh {
			t.Error("a check that never ran is known")
		}
		w.note("a", tt.held, tt.busy)
		if got := w.rank("a"); got != tt.want {
			t.Errorf("after a run that took %s: rank %d, want %d", tt.what, got, tt.want)
		}
	}
}

func TestHeavyChecksAreForgottenBeyondABound(t *testing.T) {
	t.Parallel()
	var w pastRuns
	for i := range maxHeavy + 10 {
		w.note(fmt.Sprint(i), 1<<20, true)
	}
	if n := max(len(w.heavy), len(w.busy)); n > maxHeavy {
		t.Errorf("%d checks are remembered, want %d at most", n, maxHeavy)
	}
}

// BenchmarkMeasuring is one measurement of a run that has ended.
func BenchmarkMeasuring(b *testing.B) {
	p := loadTest(b, newTestRunner(b), `local forms = require "forms"
local P = { name = "P", slug = "p", version = "1", config_form = { forms.URLField{ "endpoint" } } }
local function words() local list = {} for i = 1, 50 do list[i] = "word" .. i end return list end
function P:run(check, result) result.message = table.concat(words(), " ") .. check.endpoint result.succeeded = true return result end
return P`)
	in := &engine.CheckRun{Check: &engine.Check{Meta: engine.Meta{ID: "c1"}, Plugin: "p", Config: form.Values{"endpoint": "https://example.org/"}}}
	r, cancel, err := p.start(b.Context(), vm.RunKind{Rank: permit.Fresh}, p.boundSettings(nil))
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	r.BindCheck(in, p.BoundConfig(in.Check))
	r.Then = callCheck
	if err := r.Execute(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.MeasureAll(1 << 30)
	}
}
