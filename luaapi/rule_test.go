package luaapi

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
)

func ruleChecks() []engine.RuleCheck {
	return []engine.RuleCheck{
		{Name: "a", Status: engine.CheckFailing, Severity: engine.StatusCritical, Tags: []string{"web", "eu"}},
		{Name: "b", Status: engine.CheckPassing, Tags: []string{"web"}},
		{Name: "c", Status: engine.CheckUnknown},
	}
}

func TestApplyRule(t *testing.T) {
	rt := newTestRuntime(t, nil)
	for _, tt := range []struct {
		source string
		want   engine.Status
	}{
		{`return function(checks) return "PASSING" end`, engine.StatusPassing},
		{`return function(checks)
			local failing = 0
			for _, check in ipairs(checks) do if check.status == "FAILING" then failing = failing + 1 end end
			return failing * 2 > #checks and "CRITICAL" or failing > 0 and "WARNING" or "PASSING"
		end`, engine.StatusWarning},
		{`return function(checks) return checks[1].severity end`, engine.StatusCritical},
		{`return function(checks) return checks[2].severity == "" and "ERROR" or "PASSING" end`, engine.StatusError},
		{`return function(checks) return checks[1].tags[2] == "eu" and #checks[3].tags == 0 and "ERROR" or "PASSING" end`, engine.StatusError},
		{`local rank = { WARNING = 1 } return function(checks) return string.upper(("warning"):sub(1)) end`, engine.StatusWarning},
		{`return function(checks) local ok = pcall(error, "x") return ok and "PASSING" or "ERROR" end`, engine.StatusError},
		{`n = (n or 0) + 1 string.mark = n return function() return n == 1 and "PASSING" or "ERROR" end`, engine.StatusPassing},
		{`n = (n or 0) + 1 string.mark = n return function() return n == 1 and "PASSING" or "ERROR" end`, engine.StatusPassing}, // afresh
		{`return function() return ("").mark == nil and os == nil and io == nil and "PASSING" or "ERROR" end`, engine.StatusPassing},
	} {
		got, err := rt.ApplyRule(context.Background(), tt.source, ruleChecks())
		if err != nil || got != tt.want {
			t.Errorf("%s\n got %q, %v, want %s", tt.source, got, err, tt.want)
		}
		if err := rt.CheckRule(tt.source); err != nil {
			t.Errorf("%s\n is refused: %v", tt.source, err)
		}
	}
}

func TestRuleErrors(t *testing.T) {
	rt := newTestRuntime(t, nil)
	for _, tt := range []struct {
		source, want string
		known        bool // when it is saved
	}{
		{`return function(checks)`, "line 1: ", true},
		{"local x = 1\nreturn +", "line 2: ", true},
		{`local x = 1`, "the rule must return function(checks) … end, and returned nil", true},
		{`return "PASSING"`, "the rule must return function(checks) … end, and returned text", true},
		{`error("no")`, "status_rule:1: no", true},
		{`require "http"`, "status_rule:1: require cannot be called in a status rule", true},
		{`while true do end`, "stopped: ", true},
		{`return function(checks) return end`, `the rule returned nil: return "PASSING", "WARNING", "ERROR" or "CRITICAL"`, false},
		{`return function(checks) return "FAILING" end`, `the rule returned "FAILING": return "PASSING"`, false},
		{`return function(checks) return checks[1].stauts end`, "status_rule:1: check has no field 'stauts'; did you mean 'status'?", false},
		{`return function(checks) print("x") end`, "status_rule:1: print cannot be called in a status rule", false},
		{`return function(checks) return math.random() end`, "status_rule:1: math.random cannot be called in a status rule", false},
		{`return function(checks) pcall(function() while true do end end) return "PASSING" end`, "stopped: ", false},
		{`return function(checks) local function f() return 1 + f() end return f() end`, "stopped: ", false},
		{`return function(checks) local s = "x" while true do s = s .. s end end`, "stopped: ", false},
	} {
		_, err := rt.ApplyRule(context.Background(), tt.source, ruleChecks())
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.source, err, tt.want)
		}
		if err := rt.CheckRule(tt.source); (err != nil) != tt.known {
			t.Errorf("%s\n is told when it is saved: %v", tt.source, err)
		}
	}
}

// A rule that goes beyond its bounds is left alone for a while, so that it cannot
// hold up the judging of everything else.
func TestRuleBounds(t *testing.T) {
	rt := newTestRuntime(t, nil)
	source := `return function(checks) while true do end end`
	start := time.Now()
	for range 1000 {
		if _, err := rt.ApplyRule(context.Background(), source, nil); !beyond(err) {
			t.Fatalf("got %v", err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("a thousand runs of a rule without end took %v", took)
	}
}

func TestRulesAtOnce(t *testing.T) {
	rt := newTestRuntime(t, nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			source := `return function(checks) return checks[1].severity end -- ` + itoa(i%3)
			for range 50 {
				if got, err := rt.ApplyRule(context.Background(), source, ruleChecks()); err == nil && got != engine.StatusCritical {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkRule(b *testing.B) {
	rt := newTestRuntime(b, nil)
	for b.Loop() {
		if _, err := rt.ApplyRule(context.Background(), `return function(checks)
			for _, check in ipairs(checks) do if check.status == "FAILING" then return "ERROR" end end
			return "PASSING"
		end`, ruleChecks()); err != nil {
			b.Fatal(err)
		}
	}
}
