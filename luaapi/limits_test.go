package luaapi

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// badBodies are ways in which a plugin misbehaves. None of them may hold
// anything up, and each ends as it says: "timeout", "limit", "error" or "ok".
var badBodies = []struct{ name, body, want string }{
	{"loop", `while true do end`, "timeout"},
	{"repeat", `repeat until false`, "timeout"},
	{"goto", `::a:: goto a`, "timeout"},
	{"loop in pcall", `pcall(function() while true do end end) return result`, "timeout"},
	{"pcall as the last call", `local function f() while true do end end return pcall(f)`, "timeout"},
	{"nested pcall", `local function f(n) if n == 0 then while true do end end pcall(f, n - 1) end f(20) return result`, "timeout"},
	{"pcall in a loop", `while true do pcall(function() while true do end end) end`, "timeout"},
	{"xpcall whose handler loops", `xpcall(function() error("x") end, function() while true do end end) return result`, "timeout"},
	{"xpcall around a loop", `xpcall(function() while true do end end, function(e) while true do end end) return result`, "timeout"},
	{"error whose __tostring loops", `error(setmetatable({}, { __tostring = function() while true do end end }))`, "timeout"},
	{"__index loops", `local t = setmetatable({}, { __index = function() while true do end end }) return t.x`, "timeout"},
	{"__eq loops", `local m = { __eq = function() while true do end end } return setmetatable({}, m) == setmetatable({}, m)`, "timeout"},
	{"__lt in sort", `local m = { __lt = function() while true do end end } local t = {} for i = 1, 10 do t[i] = setmetatable({}, m) end table.sort(t)`, "timeout"},
	{"comparator that loops", `table.sort({3, 2, 1}, function() while true do end end)`, "timeout"},
	{"comparator that lies", `local t = {} for i = 1, 5000 do t[i] = i end table.sort(t, function() return true end) result.succeeded = true return result`, "any"},
	{"gsub callback loops", `("x"):rep(10):gsub(".", function() while true do end end)`, "timeout"},
	{"gmatch for ever", `while true do for _ in ("a"):gmatch(".") do end end`, "timeout"},
	{"backtracking find", `("a"):rep(3000):find("a-a-a-a-b") return result`, "timeout"},
	{"backtracking match", `("a"):rep(3000):match(("a*"):rep(20) .. "b") return result`, "timeout"},
	{"gsub over much text", `local s = ("a b "):rep(100000) for i = 1, 1e9 do s:gsub("%w", "x") end`, "timeout"},
	{"recursion", `local function f() return 1 + f() end f()`, "limit"},
	{"mutual recursion", `local f, g function f() return 1 + g() end function g() return 1 + f() end f()`, "limit"},
	{"recursion in pcall", `local function f() return 1 + f() end pcall(f) return result`, "limit"},
	{"recursion through pcall", `local function f() pcall(f) f() end f() return result`, "any"},
	{"recursion with more and more arguments", `local function f(...) return 1 + f(1, 2, 3, ...) end f()`, "limit"},
	{"tail calls with more and more arguments", `local function f(...) return f(1, 2, 3, ...) end f()`, "limit"},
	{"such a recursion in pcall", `local function f(...) return f(1, 2, 3, ...) end pcall(f) return result`, "limit"},
	{"results that pile up", `local function f(n) if n == 0 then return end return 1, 2, 3, f(n - 1) end return select("#", f(1e9))`, "limit"},
	{"tail calls for ever", `local function f() return f() end return f()`, "timeout"},
	{"__index recursion", `local t = setmetatable({}, {}) local m = { __index = function(t, k) return t[k .. "x"] end } setmetatable(t, m) return t.x`, "limit"},
	{"__tostring recursion", `local t = {} setmetatable(t, { __tostring = function() return tostring(t) end }) return tostring(t)`, "limit"},
	{"__call recursion", `local t = {} setmetatable(t, { __call = function(self) return 1 + self() end }) t()`, "limit"},
	{"unpack of a million", `local t = {} for i = 1, 100000 do t[i] = i end unpack(t)`, "error"},
	{"select of many", `local t = {} for i = 1, 7000 do t[i] = i end result.succeeded = select("#", unpack(t)) == 7000 return result`, "any"},
	{"rep to a gigabyte", `("x"):rep(1e9)`, "error"},
	{"rep of rep", `local s = ("x"):rep(1e7) local t = {} for i = 1, 1e6 do t[i] = s:rep(1) .. i end`, "limit"},
	{"doubling", `local s = "x" while true do s = s .. s end`, "limit"},
	{"table that grows", `local t = {} local i = 0 while true do i = i + 1 t[i] = { i } end`, "limit"},
	{"map that grows", `local t = {} local i = 0 while true do i = i + 1 t["k" .. i] = "v" .. i end`, "limit"},
	{"global that grows", `store_of_mine = {} local i = 0 while true do i = i + 1 store_of_mine[i] = ("x"):rep(1000) .. i end`, "limit"},
	{"upvalue that grows", `local t = {} local function f(i) t[i] = ("y"):rep(500) .. i end local i = 0 while true do i = i + 1 f(i) end`, "limit"},
	{"result that grows", `local s = "0123456789" while true do result.raw_data = result.raw_data .. s s = s .. s end`, "limit"},
	{"closures that grow", `local t = {} local i = 0 while true do i = i + 1 t[i] = function() return i, t end end`, "limit"},
	{"large index", `local t = {} t[67108862] = 1 result.succeeded = true return result`, "ok"},
	{"large indexes", `local t = {} for i = 1, 1000 do t[i] = {} t[i][1048000] = 1 end`, "limit"},
	{"concat of much", `local t = {} for i = 1, 30000 do t[i] = ("x"):rep(1000) end table.concat(t)`, "any"},
	{"format width", `string.format("%999999999d", 1)`, "error"},
	{"log flood", `for i = 1, 100000 do print(("x"):rep(5000)) end result.succeeded = true return result`, "ok"},
	{"metric flood", `for i = 1, 100000 do result:metric("m" .. i, i) end result.succeeded = true return result`, "ok"},
	{"error flood", `result.error = ("é"):rep(1000000) return result`, "ok"},
	{"error in run", `error("broken")`, "error"},
	{"error with a table", `error({ code = 1 })`, "error"},
	{"error with nil", `error()`, "error"},
	{"error from __tostring", `error(setmetatable({}, { __tostring = function() error("again") end }))`, "error"},
	{"nil call", `local f f()`, "error"},
	{"nil index", `local t return t.x`, "error"},
	{"arithmetic on text", `return "a" + 1`, "error"},
	{"returns nothing", `return`, "error"},
	{"returns a table", `return {}`, "error"},
	{"returns a second result", `return check`, "error"},
	{"writes the check", `check.name = "mine"`, "error"},
	{"writes an unknown key", `result.succeded = true return result`, "error"},
	{"writes a wrong type", `result.succeeded = "yes" return result`, "error"},
	{"overwrites string", `string.format = nil string.rep = error result.succeeded = true return result`, "ok"},
	{"overwrites globals", `pairs, tostring, error, pcall, require = nil result.succeeded = true return result`, "ok"},
	{"string metatable", `result.succeeded = ("").__index == nil and getmetatable == nil return result`, "ok"},
	{"setmetatable on a string", `setmetatable("", { __index = {} })`, "error"},
	{"requires what is not there", `require "os.execute"`, "error"},
	{"reads io", `io.open("/etc/passwd")`, "error"},
	{"loads code", `loadstring("return 1")()`, "error"},
	{"keys of NaN", `local t = {} t[0/0] = 1`, "error"},
}

// limitRuntime is a runtime in which limits come quickly.
func limitRuntime(t *testing.T, files map[string]string) *Runtime {
	return newTestRuntime(t, files, func(o *Options) {
		o.SoftHeap, o.RunHeap = 32<<20, 8<<20
		o.Instructions = 1 << 40
	})
}

func TestBadPlugins(t *testing.T) {
	if testing.Short() {
		t.Skip("spins")
	}
	files := map[string]string{"good.lua": checkSource("good", `result.succeeded = true return result`)}
	for i, bad := range badBodies {
		files["bad"+itoa(i)+".lua"] = checkSource("bad"+itoa(i), bad.body)
	}
	rt := limitRuntime(t, files)
	good := plugin(t, rt, "good")
	stop := make(chan struct{})
	var background sync.WaitGroup
	goodRuns, slowest := 0, time.Duration(0)
	background.Add(1)
	go func() {
		defer background.Done()
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			begun := time.Now()
			report := good.Run(ctx, checkRun("good", nil))
			slowest = max(slowest, time.Since(begun))
			cancel()
			goodRuns++
			if !report.Succeeded {
				t.Errorf("a good plugin beside bad ones: %+v", report)
				return
			}
		}
	}()
	var together sync.WaitGroup
	seats := make(chan struct{}, 8)
	for i, bad := range badBodies {
		together.Add(1)
		seats <- struct{}{}
		go func() {
			defer together.Done()
			defer func() { <-seats }()
			tryBad(t, rt, "bad"+itoa(i), bad.name, bad.want)
		}()
	}
	together.Wait()
	close(stop)
	background.Wait()
	t.Logf("%d good runs beside them, the slowest took %v", goodRuns, slowest)
	if goodRuns < 20 {
		t.Errorf("only %d good runs beside the bad ones", goodRuns)
	}
}

func tryBad(t *testing.T, rt *Runtime, slug, name, want string) {
	const timeout = 60 * time.Millisecond
	limit := timeout
	if want != "timeout" {
		limit = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	begun := time.Now()
	got := plugin(t, rt, slug).Run(ctx, checkRun(slug, nil))
	took := time.Since(begun)
	if kind := outcome(got); want != "any" && kind != want {
		t.Errorf("%s: ended as %s after %v, want %s: %+v", name, kind, took, want, short(got))
	}
	if took > limit+time.Second {
		t.Errorf("%s: took %v of %v", name, took, limit)
	}
	if len(got.Log) > vm.MaxLogLines || len(got.Metrics) > binding.MaxMetrics || len([]rune(got.Error)) > vm.MaxError {
		t.Errorf("%s: left too much behind", name)
	}
}

func short(r engine.RunReport) engine.RunReport {
	r.Log, r.Metrics, r.RawData, r.Error = nil, nil, "", luaval.CutRunes(r.Error, 200)
	return r
}

// outcome names how a run ended.
func outcome(r engine.RunReport) string {
	switch {
	case r.TimedOut:
		return "timeout"
	case r.Limit:
		return "limit"
	case r.Cause == engine.CauseError:
		return "error"
	case r.Skipped:
		return "skipped"
	}
	return "ok"
}

func TestEndedRunKeepsWhatItSaid(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  result.succeeded = true
  result.error = "step 3 hangs"
  result.message = "two steps done"
  result:metric("steps", 2)
  print("waiting")
  while true do end`)})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	in := checkRun("test", nil)
	in.Check.Timeout = engine.Duration(100 * time.Millisecond)
	got := plugin(t, rt, "test").Run(ctx, in)
	if !got.TimedOut || got.Succeeded || got.Unknown || got.Limit {
		t.Errorf("got %+v, want a failure by timeout", got)
	}
	if got.Error != "timed out after 100ms (step 3 hangs)" || got.Message != "two steps done" {
		t.Errorf("error %q, message %q", got.Error, got.Message)
	}
	if len(got.Metrics) != 1 || len(got.Log) != 1 || !strings.Contains(got.Traceback, "test.lua:") {
		t.Errorf("metrics %v, log %v, traceback %q", got.Metrics, got.Log, got.Traceback)
	}
}

func TestInstructionBudget(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `pcall(function() while true do end end) return result`)},
		func(o *Options) { o.Instructions = 100_000 })
	got := runOnce(t, rt, "test", nil)
	if !got.Limit || !got.Unknown || got.Cause != engine.CauseError || got.Error != string(vm.ErrInstructions) {
		t.Errorf("got %+v", short(got))
	}
	if got.Instructions < 100_000 || got.Instructions > 110_000 {
		t.Errorf("counted %d instructions", got.Instructions)
	}
}

// A run that holds little is not ended for what the rest of the process holds.
func TestInnocentRunSurvivesALargeHeap(t *testing.T) {
	ballast := make([]byte, 64<<20)
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  local t = {}
  for i = 1, 300000 do t[i % 100 + 1] = { i } end
  result.succeeded = true
  return result`)}, func(o *Options) { o.SoftHeap, o.RunHeap = 1<<20, 1<<20 })
	got := runOnce(t, rt, "test", nil)
	if !got.Succeeded {
		t.Errorf("got %+v", short(got))
	}
	ballast[0] = 1
}

// Measuring a run that somebody looks at does not hide the time that it took.
func TestAMeasuredRunTellsItsTime(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `local t = {} for i = 1, 20000 do t[i] = { i } end while true do end`)},
		func(o *Options) { o.Measure = true })
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	got := plugin(t, rt, "test").Run(ctx, checkRun("test", nil))
	if !got.TimedOut || got.Took < 280*time.Millisecond {
		t.Errorf("ended after %v: %+v", got.Took, short(got))
	}
}
