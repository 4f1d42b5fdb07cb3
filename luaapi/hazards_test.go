package luaapi

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// The rows of known hazards that no other test holds. Each body sets succeeded
// when all is well.
func TestHazards(t *testing.T) {
	for name, body := range map[string]string{
		"concat of many":     `local t = {} for i = 1, 20000 do t[i] = "x" end result.succeeded = #table.concat(t) == 20000 return result`,
		"tonumber":           `result.succeeded = tonumber("1e3") == 1000 and tonumber("0x10") == 16 and tonumber("z", 36) == 35 and tonumber("1,5") == nil return result`,
		"os.time is UTC":     `result.succeeded = os.time{ year = 1970, month = 1, day = 2, hour = 0 } == 86400 and os.date("%H", 0) == "00" return result`,
		"random":             `local a, b = math.random(), math.random() result.succeeded = a ~= b and a < 1 and math.random(5) <= 5 return result`,
		"goto":               `local n = 0 ::again:: n = n + 1 if n < 3 then goto again end result.succeeded = n == 3 return result`,
		"own metatables":     `local t = setmetatable({}, { __index = function(t, k) return k .. "!" end }) result.succeeded = t.x == "x!" return result`,
		"length of an array": `local t = {} t[1] = 1 t[2] = 2 t[3] = nil result.succeeded = #t == 2 return result`,
		"varargs":            `local function f(...) return select("#", ...), ... end local n, a = f(1, nil, 3) result.succeeded = n == 3 and a == 1 return result`,
		"deep but bounded":   `local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end result.succeeded = f(150) == 150 return result`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := runBody(t, body); !got.Succeeded {
				t.Errorf("got %+v", short(got))
			}
		})
	}
}

func TestRandomDiffersBetweenRuns(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `result.message = tostring(math.random(1e9)) return result`)})
	if a, b := runOnce(t, rt, "test", nil), runOnce(t, rt, "test", nil); a.Message == b.Message {
		t.Errorf("two runs drew %s", a.Message)
	}
}

// A generic for takes its three values from any list of expressions.
func TestGenericFor(t *testing.T) {
	for _, body := range []string{
		`local s = "" for k, v in next, { "a", "b" } do s = s .. k .. v end assert(s == "1a2b", s)`,
		`local s = "" for k in next, { "a", "b" } do s = s .. k end assert(s == "12", s)`,
		`local t, s = { x = { "a" } }, "" for k, v in next, t.x do s = s .. k .. v end assert(s == "1a", s)`,
		`local s = "" for k, v in next, { "a", "b" }, 1 do s = s .. k .. v end assert(s == "2b", s)`,
		`local function list() return { "a" }, nil end local s = "" for k in next, list() do s = s .. k end assert(s == "1", s)`,
		`local function three() return next, { "a" }, nil end local s = "" for k in three() do s = s .. k end assert(s == "1", s)`,
		`local n = 0 local function it(a, b) assert(a == nil and (b == nil or b == n)) n = n + 1 if n < 3 then return n end end
		 for x in it do end n = 0 for x, y in (it) do end assert(n == 3, n)`,
		`local s = "" for w in ("a b"):gmatch("%a") do s = s .. w end for k, v in pairs{ 5 } do s = s .. k .. v end assert(s == "ab15", s)`,
		`local function f(...) local s = "" for k, v in ... do s = s .. k .. v end return s end assert(f(next, { "a" }) == "1a")`,
	} {
		if got := runBody(t, body+" result.succeeded = true return result"); !got.Succeeded {
			t.Errorf("%s: got %+v", body, short(got))
		}
	}
}

// An assignment to several places reads everything before it writes anything.
func TestMultipleAssignment(t *testing.T) {
	for _, body := range []string{
		`local a, b, c, d, e = 1, 2, 3, 4, 5 a, b, c, d, e = e, d, c, b, a assert(a == 5 and b == 4 and c == 3 and d == 2 and e == 1)`,
		`local a, b = 1, 2 a, b = b, a assert(a == 2 and b == 1)`,
		`local a, b, c = 1, 2, 3 a, b, c = c, a, b assert(a == 3 and b == 1 and c == 2)`,
		`local a, b = 5, 6 a, b = 1, a assert(a == 1 and b == 5)`,
		`local a, b = 0, 1 for i = 1, 10 do a, b = b, a + b end assert(a == 55 and b == 89)`,
		`local t, a = { 1, 2, 3 }, 9 t[1], t[2], a = 5, a, t[3] assert(t[1] == 5 and t[2] == 9 and a == 3)`,
		`local i, t = 3, {} i, t[i] = i + 1, 20 assert(i == 4 and t[3] == 20 and t[4] == nil)`,
		`local node, prev = { n = { n = { n = nil } } }, nil local first = node
		 while node do node.n, prev, node = prev, node, node.n end
		 assert(prev.n.n == first and first.n == nil)`,
		`local t = {} local old = t t, t.x = {}, 1 assert(old.x == 1 and t ~= old and t.x == nil)`,
		`local a, b local function two() return 7, 8 end a, b, c = b, two() assert(a == nil and b == 7 and c == 8)`,
		`local a, b = 1 a, b = b assert(a == nil and b == nil)`,
		`local a, b, n = 1, 2, 0 local function count() n = n + 1 return n end a, b = b, a, count() assert(a == 2 and b == 1 and n == 1)`,
		`local T, a, b, c, p = { 1, 2 }, 1, 2, 3, 4 p, T[a], T[b] = tostring(9), a, c and b or a assert(p == "9" and T[1] == 1 and T[2] == 2)`,
		`local T, a, b, c = { 1, 2 }, 1, 2, 3 a, T[b], c = tonumber(b), tonumber(c) + 1, tonumber(a) assert(a == 2 and T[2] == 4 and c == 1)`,
		`g, h = 1, 2 g, h = h, g assert(g == 2 and h == 1)`,
		`local a, b = 1, 2 local function swap() a, b = b, a end swap() assert(a == 2 and b == 1)`,
		`local a, b, c = 1, 2 a, b, c = b or c, a and 4, not a assert(a == 2 and b == 4 and c == false)`,
		`local a, b = 1, 2 a, b = function() return b end, { a, a = a } assert(a() == b and b[1] == 1 and b.a == 1)`,
		`local a, a2 a, a = 1, 2 assert(a == 1)`,
		`local function f(...) local a, b, c = 1, 2, 3 a, b, c = c, ... return a, b, c end local a, b, c = f(8, 9) assert(a == 3 and b == 8 and c == 9)`,
		`local a, b = 1, 2 do goto over end ::over:: a, b = b, a if a == 2 then goto done end error("no") ::done:: assert(b == 1)`,
		`local function deep() local a, b = 1, 2 local f = function() local a, b = 3, 4 a, b = b, a return a, b end a, b = b, f() return a, b end local a, b = deep() assert(a == 2 and b == 4)`,
	} {
		if got := runBody(t, body+" result.succeeded = true return result"); !got.Succeeded {
			t.Errorf("%s: got %+v", body, short(got))
		}
	}
	got := runBody(t, `local a, b = 1, nil
  a, b.x = b, a
  return result`)
	if got.Error != "test.lua:5: attempt to index local 'b' (a nil value)" {
		t.Errorf("the line of an error: %+v", short(got))
	}
}

// What gopher-luar offers by itself is not there: overwriting by ^, calls, lengths.
func TestBoundObjectsHaveNoOperators(t *testing.T) {
	for _, expression := range []string{`users[1] ^ { ID = "x" }`, `-users[1]`, `#users[1]`, `users[1]()`, `users[1] + 1`, `pairs(users[1])`, `service ^ {}`,
		`service.instances[1] ^ {}`, `users[1].Settings`, `service.Settings`, `getmetatable(users[1])`, `setmetatable(users[1], {})`} {
		got := runAlert(t, "  local x = "+expression+" return true", alertCall())
		// A length is 0 for want of anything better; everything else raises.
		if got.Outcome == engine.OutcomeSent && expression != "#users[1]" {
			t.Errorf("%s is possible", expression)
		}
	}
}

// Lists are fresh tables: what a plugin does to them reaches nobody.
func TestListsAreCopies(t *testing.T) {
	in := alertCall()
	got := runAlert(t, `
  users[1] = nil
  service.instances[1] = nil
  service:all_failing_checks()[1] = nil
  return service:all_failing_checks()[1].name == "left leg" or false, "changed"`, in)
	if got.Outcome != engine.OutcomeSent || in.Users[0].Username != "ada" || len(in.Service.Instances) != 1 || in.Service.Failing[0].Name != "left leg" {
		t.Errorf("got %+v", got)
	}
}

// panicking gives a runtime whose module probe panics, with a plugin that calls it.
func panicking(t *testing.T, body string) (*Runtime, *runner.Version) {
	rt := newTestRuntime(t, nil)
	rt.runner.Machine.Builtin["probe"] = func(*lua.LState) *lua.LTable {
		table := luaval.NewRecord(1)
		table.RawSetString("panic", luaval.GoFunction(func(*lua.LState) int {
			var m map[string]int
			//lint:ignore SA5000 it is to panic
			m["x"] = 1
			return 0
		}))
		return table
	}
	out := rt.runner.Load(context.Background(), &loader.Source{Path: "p.lua", Files: map[string]string{"": `local probe = require "probe"
local P = { name = "P", slug = "p", version = "1" }
function P:run(check, result) ` + body + ` return result end
return P`}}, "p.lua")
	if len(out.Problems) > 0 {
		t.Fatal(out.Problems)
	}
	return rt, out.Plugins[0]
}

func TestPanicEndsTheRunAlone(t *testing.T) {
	for _, body := range []string{`probe.panic()`, `pcall(probe.panic) result.succeeded = true`, `xpcall(probe.panic, function() end) while true do pcall(probe.panic) end`} {
		rt, v := panicking(t, body)
		got := v.Run(context.Background(), checkRun("p", nil))
		if got.Succeeded || !got.Unknown || got.Cause != engine.CauseError || !strings.HasPrefix(got.Error, string(vm.ErrInternal)) || got.Limit {
			t.Errorf("%s: %+v", body, short(got))
		}
		if rt.Stats().Executing != 0 {
			t.Errorf("%s: a permit was lost", body)
		}
	}
}

// One compiled plugin in many states at once; the race detector looks on.
func TestConcurrentRuns(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"objects.lua": objectsPlugin(`
  local n = 0
  for k, v in pairs(check.headers) do n = n + #v end
  for i, row in ipairs(check.rows) do n = n + row.p end
  for i, one in ipairs(check.instance_set) do n = n + #one.name end
  pcall(function() n = n + #check.host error("x") end)
  result.message = self.settings.greeting .. n
  result:metric("n", n)
  result.succeeded = true`)})
	p := plugin(t, rt, "objects")
	in := objectsRun()
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 40 {
				if got := p.Run(context.Background(), in); !got.Succeeded || got.Message != "hello98" {
					t.Errorf("got %+v", short(got))
					return
				}
			}
		}()
	}
	all.Wait()
	if s := rt.Stats().Plugins["objects"]; s.Runs != 320 || s.Took <= 0 {
		t.Errorf("stats %+v", s)
	}
}

// The memory of a run that waits inside a pcall is seen too.
func TestMeasuringSeesProtectedCalls(t *testing.T) {
	rt := limitRuntime(t, map[string]string{"test.lua": checkSource("test", `
  pcall(function() local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(200) .. i end end)
  return result`)})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got := plugin(t, rt, "test").Run(ctx, checkRun("test", nil))
	if !got.Limit || got.Error != string(vm.ErrMemory) {
		t.Errorf("got %+v", short(got))
	}
}

func TestTailCallsLeaveAShortTraceback(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  local function f(n) if n == 0 then error("end") end return f(n - 1) end
  f(1000000)
  return result`)})
	got := runOnce(t, rt, "test", nil)
	if len(got.Traceback) > 1000 || !strings.Contains(got.Traceback, "(tail calls)") {
		t.Errorf("a traceback of %d bytes: %.300s", len(got.Traceback), got.Traceback)
	}
}

// Many plugins take little memory while nobody runs them.
func TestIdlePluginsAreSmall(t *testing.T) {
	files := map[string]string{}
	for i := range 100 {
		files["p"+itoa(i)+".lua"] = strings.ReplaceAll(benchPlugin, `slug = "http"`, `slug = "p`+itoa(i)+`"`)
	}
	before := liveHeap()
	rt := newTestRuntime(t, files)
	for i := range 100 {
		if got := runOnce(t, rt, "p"+itoa(i), form.Values{"endpoint": "https://example.org/"}); !got.Succeeded {
			t.Fatalf("%+v", short(got))
		}
	}
	each := (int64(liveHeap()) - int64(before)) / 100
	t.Logf("%d bytes a plugin", each)
	if each > 150_000 {
		t.Errorf("an idle plugin takes %d bytes", each)
	}
	runtime.KeepAlive(rt)
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
