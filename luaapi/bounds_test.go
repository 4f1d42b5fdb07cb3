package luaapi

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/vm"
)

// boundDeadline is the deadline of the runs that must hold to it, boundSlack how
// late they may end, and boundHeap what the process may hold beside them: they
// are allowed boundRun each, and what they leave behind is not collected at once.
const (
	boundDeadline = 60 * time.Millisecond
	boundRun      = 24 << 20
	boundHeap     = 5 * boundRun
)

func boundSlack() time.Duration {
	if raceEnabled {
		return 3 * time.Second
	}
	return 300 * time.Millisecond
}

// boundRuntime is a runtime that looks at what runs hold early.
func boundRuntime(t *testing.T, files map[string]string) *Runtime {
	old := debug.SetGCPercent(20)
	t.Cleanup(func() { debug.SetGCPercent(old) })
	return newTestRuntime(t, files, func(o *Options) { o.SoftHeap, o.RunHeap = 2*boundRun, boundRun })
}

// holdsBounds makes one run and fails when it outlasts its deadline, or when the
// heap grows beyond what a run may hold.
func holdsBounds(t *testing.T, what string, run func(ctx context.Context) engine.RunReport) engine.RunReport {
	t.Helper()
	var report engine.RunReport
	var took time.Duration
	var grown uint64
	for attempt := range 3 { // the machine may be busy with something else
		if attempt > 0 {
			runtime.GC()
		}
		before := heapNow()
		ctx, cancel := context.WithTimeout(context.Background(), boundDeadline)
		ended := make(chan struct{})
		most := make(chan uint64)
		go func() {
			peak := before
			for {
				select {
				case <-ended:
					most <- max(peak, heapNow())
					return
				case <-time.After(time.Millisecond):
					peak = max(peak, heapNow())
				}
			}
		}()
		runtime.LockOSThread()
		begun, spent := time.Now(), threadTime()
		report = run(ctx)
		took = time.Since(begun)
		if spent = threadTime() - spent; spent > 0 && took < 5*time.Second {
			took = min(took, spent) // of a busy machine, what the run itself took
		}
		runtime.UnlockOSThread()
		close(ended)
		grown = <-most - before
		cancel()
		if took <= boundDeadline+boundSlack() && grown <= boundHeap {
			return report
		}
	}
	t.Errorf("%s: took %v of %v, and the heap grew by %d MB", what, took.Round(time.Millisecond), boundDeadline, grown>>20)
	return report
}

func heapNow() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// patternEntries are the ways by which a plugin has a pattern p searched in a text s.
var patternEntries = map[string]string{
	"re.match":      `re.match(p, s)`,
	"re.find_all":   `re.find_all(p, s)`,
	"re.replace":    `re.replace(p, s, "$1$0")`,
	"string.find":   `s:find(p)`,
	"string.match":  `s:match(p)`,
	"string.gsub":   `s:gsub(p, "%0%0")`,
	"string.gmatch": `for a in s:gmatch(p) do end`,
}

// hostilePatterns are dear to compile or to search for, as RE2 or as Lua's own.
var hostilePatterns = map[string]string{
	"3000 groups":       `("(.?)"):rep(3000) .. "b"`,
	"50 groups":         `("(.?)"):rep(50) .. "b"`,
	"nested groups":     `("("):rep(50) .. "a?" .. (")*"):rep(50) .. "b"`,
	"repeats":           `"(?:a?){1000}(?:a?){1000}b$"`,
	"repeats of groups": `"(a?){1000}b$"`,
	"nested repeats":    `"(((a?){10}){10}){10}b"`,
	"classes":           `("\\pL?"):rep(5400) .. "1"`,
	"200 classes":       `("\\pL?"):rep(200) .. "1"`,
	"folded classes":    `"(?i)" .. ("[\\x{42}-\\x{1e942}]?"):rep(800) .. "1"`,
	"class of classes":  `"(?i)[^" .. ("\\pL"):rep(5000) .. "]"`,
	"alternatives":      `("(?:a|a?)"):rep(1500) .. "b"`,
	"quadratic":         `"a.*b|a"`,
	"quadratic empty":   `"(a*)*?b|()"`,
	"lua quadratic":     `"a-a-a-a-b"`,
	"lua exponential":   `("a*"):rep(20) .. "b"`,
	"lua captures":      `("(a-)"):rep(30) .. "b"`,
	"lua balance":       `"%bab"`,
	"lua back":          `"(.*)%1%1b"`,
}

// A pattern from outside costs no more than the run's time and memory, wherever
// it goes in and whatever it is.
func TestPatternsHoldTheBounds(t *testing.T) {
	files := map[string]string{}
	for name, call := range patternEntries {
		var patterns strings.Builder
		for pattern, expression := range hostilePatterns {
			patterns.WriteString("[" + quoteLua(pattern) + "] = function() return " + expression + " end,\n")
		}
		slug := strings.NewReplacer(".", "_").Replace(name)
		files[slug+".lua"] = `local forms, re = require "forms", require "re"
local patterns = { ` + patterns.String() + `}
local P = { name = "Test", slug = "` + slug + `", version = "1",
  config_form = { forms.CharField{ "pattern" }, forms.IntegerField{ "size" } } }
function P:run(check, result)
  local p, s = patterns[check.pattern](), ("a"):rep(check.size)
  ` + call + `
  result.succeeded = true
  return result
end
return P
`
	}
	rt := boundRuntime(t, files)
	for name := range patternEntries {
		slug := strings.NewReplacer(".", "_").Replace(name)
		for pattern := range hostilePatterns {
			for i, size := range []int{1500, 1 << 20} {
				if !inTurn(name+pattern, i, 3) {
					continue
				}
				report := holdsBounds(t, name+" of "+pattern+" in "+itoa(size)+" bytes", func(ctx context.Context) engine.RunReport {
					return plugin(t, rt, slug).Run(ctx, checkRun(slug, form.Values{"pattern": pattern, "size": float64(size)}))
				})
				if report.Error == vm.ErrInternal.Error() || report.Cause == engine.CauseConfig {
					t.Errorf("%s of %s: %s", name, pattern, report.Error)
				}
			}
		}
	}
}

func quoteLua(text string) string { return `"` + text + `"` }
