package runner

import (
	"context"
	"runtime"
	"strconv"
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

// heldHeap is how many bytes are alive.
func heldHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestApplyRule(t *testing.T) {
	rules := newTestRunner(t).Rules
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
		got, err := rules.Apply(context.Background(), tt.source, ruleChecks())
		if err != nil || got != tt.want {
			t.Errorf("%s\n got %q, %v, want %s", tt.source, got, err, tt.want)
		}
		if err := rules.Check(tt.source); err != nil {
			t.Errorf("%s\n is refused: %v", tt.source, err)
		}
	}
}

func TestRuleErrors(t *testing.T) {
	rules := newTestRunner(t).Rules
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
		_, err := rules.Apply(context.Background(), tt.source, ruleChecks())
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.source, err, tt.want)
		}
		if err := rules.Check(tt.source); (err != nil) != tt.known {
			t.Errorf("%s\n is told when it is saved: %v", tt.source, err)
		}
	}
}

// A rule that goes beyond its bounds is left alone for a while, so that it cannot
// hold up the judging of everything else.
func TestRuleBounds(t *testing.T) {
	rules := newTestRunner(t).Rules
	source := `return function(checks) while true do end end`
	start := time.Now()
	for range 1000 {
		if _, err := rules.Apply(context.Background(), source, nil); !beyond(err) {
			t.Fatalf("got %v", err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("a thousand runs of a rule without end took %v", took)
	}
}

// Rules run in the writer: whatever one of them does, it holds everybody's writes
// up for some milliseconds at most.
func TestHostileRulesHoldNobodyUp(t *testing.T) {
	most := 60 * time.Millisecond
	if raceEnabled {
		most *= 10
	}
	rules := newTestRunner(t).Rules
	for name, body := range map[string]string{
		"%q":             `local s = ('"'):rep(8e6) local q = s:format("%q", s) q = ("%q"):format(s)`,
		"short %q":       `local s = ('"'):rep(65000) while true do local q = ("%q"):format(s) end`,
		"rep":            `while true do local s = ("x"):rep(65536) end`,
		"concatenation":  `local s = ("x"):rep(30000) while true do local t = s .. s end`,
		"doubling":       `local s = "x" while true do s = s .. s end`,
		"concat":         `local s, t = ("x"):rep(60000), {} for i = 1, 5000 do t[i] = s end while true do pcall(table.concat, t) end`,
		"gsub":           `local s = ("a"):rep(60000) while true do s:gsub("a", "b") end`,
		"find":           `local s = ("a"):rep(60000) while true do s:find("a-a-a-a-b") end`,
		"plain find":     `local s = ("a"):rep(60000) while true do s:find(("a"):rep(30000) .. "b", 1, true) end`,
		"sort":           `local t = {} for i = 1, 9000 do t[i] = -i end while true do table.sort(t) end`,
		"comparator":     `table.sort({ 3, 2, 1 }, function() while true do end end)`,
		"insert":         `local t = {} while true do table.insert(t, 1, 1) end`,
		"unpack":         `local t = {} for i = 1, 8000 do t[i] = i end while true do pcall(unpack, t) end`,
		"byte":           `local s = ("x"):rep(8000) while true do pcall(string.byte, s, 1, 8000) end`,
		"pcall":          `while true do pcall(function() while true do end end) end`,
		"recursion":      `local function f(...) return f(1, 2, 3, ...) end f()`,
		"deep recursion": `local function f(...) return 1 + f(1, 2, 3, ...) end f()`,
		"tostring":       `local t = setmetatable({}, { __tostring = function() while true do end end }) tostring(t)`,
		"large index":    `local t = {} t[1048575] = 1`,
		"large indexes":  `for i = 1, 1000 do local t = {} t[1048000 - i] = nil end`,
		"larger indexes": `local t = {} for i = 1, 1e9 do t[i * 600] = i end`,
		"large entry":    `local t = { [1048575] = 1, 2, 3 }`,
		"insert far":     `local t = {} table.insert(t, 1048574, 1)`,
		"indirect index": `local t = setmetatable({}, { __newindex = setmetatable({}, { __newindex = {} }) }) t[1048575] = 1`,
		"date":           `os.date(("%c"):rep(30000))`,
	} {
		source := "return function(checks) " + body + ` return "PASSING" end`
		took := time.Hour
		var err error
		for range 3 { // the machine may be busy with something else
			began := time.Now()
			err = rules.Check(source)
			if err == nil {
				_, err = rules.Apply(context.Background(), source, ruleChecks())
			}
			took = min(took, time.Since(began))
			for _, one := range rules.compiled {
				one.failure = nil
			}
		}
		if took > most || err == nil {
			t.Errorf("%s: took %v and ended with %v", name, took, err)
		}
	}
}

// What a rule keeps is bounded by its size, not by how many there are.
func TestRulesAreBounded(t *testing.T) {
	rules := newTestRunner(t).Rules
	rules.compile("return 1")
	before := heldHeap()
	for i := range 400 {
		rules.compile(strings.Repeat("a=b ", 2400) + "--" + strconv.Itoa(i))
	}
	if held := int64(heldHeap()) - int64(before); held > 14<<20 {
		t.Errorf("400 rules hold %d MB", held>>20)
	}
}

// Compiling cannot be interrupted: a source as long as a rule may be is compiled
// in a moment, however it is made.
func TestCompilingARuleIsQuick(t *testing.T) {
	rules := newTestRunner(t).Rules
	for name, source := range map[string]string{
		"functions":    strings.Repeat("return function() ", 180) + strings.Repeat(" end", 180),
		"assignments":  strings.Repeat("a=b ", 2400),
		"constants":    "local t = {" + strings.Repeat("'%',", 2400) + "}",
		"powers":       "return " + strings.Repeat("a^", 199) + "a",
		"parentheses":  "return " + strings.Repeat("(", 190) + "a" + strings.Repeat(")", 190),
		"concatenated": strings.Repeat("x=a"+strings.Repeat("..a", 190)+" ", 16),
		"conditions":   "return " + strings.Repeat("a and b or ", 800) + "c",
		"ifs":          strings.Repeat("if a then ", 190) + strings.Repeat(" end", 190),
		"elseifs":      "if a then " + strings.Repeat("elseif a then b() ", 500) + " end",
		"indexes":      "return a" + strings.Repeat(".b", 4800),
		"calls":        "return a" + strings.Repeat("()", 4800),
		"strings":      "return a" + strings.Repeat(`""`, 4800),
		"gotos":        strings.Repeat("goto a ", 1300) + "::a::",
		"labels":       strings.Repeat("do ::a:: goto a end ", 480),
	} {
		took := time.Hour
		for i := range 3 {
			began := time.Now()
			rules.compile(source + "\n--" + strconv.Itoa(i))
			took = min(took, time.Since(began))
		}
		if most := 100 * time.Millisecond; took > most && !raceEnabled {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestRulesAtOnce(t *testing.T) {
	rules := newTestRunner(t).Rules
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			source := `return function(checks) return checks[1].severity end -- ` + strconv.Itoa(i%3)
			for range 50 {
				if got, err := rules.Apply(context.Background(), source, ruleChecks()); err == nil && got != engine.StatusCritical {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkRule(b *testing.B) {
	rules := newTestRunner(b).Rules
	for b.Loop() {
		if _, err := rules.Apply(context.Background(), `return function(checks)
			for _, check in ipairs(checks) do if check.status == "FAILING" then return "ERROR" end end
			return "PASSING"
		end`, ruleChecks()); err != nil {
			b.Fatal(err)
		}
	}
}
