package lualib_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/lualib"
)

// withRun is a context that carries r.
func withRun(r *lualib.Run) context.Context {
	return context.WithValue(context.Background(), lualib.RunKey(), r)
}

// TestInterrupted runs calls that would take minutes under a short deadline.
func TestInterrupted(t *testing.T) {
	for name, code := range map[string]string{
		"find":            `return ("x"):rep(20000):find("x.-x.-x.-y")`,
		"match":           `return ("a"):rep(20000):match("a*a*a*a*a*b")`,
		"gmatch":          `for x in ("x"):rep(20000):gmatch("x.-x.-y") do end`,
		"gsub":            `return ("x"):rep(20000):gsub("x.-x.-y", "")`,
		"frontier":        `return ("ab"):rep(20000):find("%f[b].-%f[a].-x")`,
		"set":             `return ("a"):rep(30000):find("[^b]*[^c]*[^d]*e")`,
		"balance":         `return ("("):rep(200000):find("%b()")`,
		"back reference":  `return ("a"):rep(20000):find("(a*)(.-)%1%1b")`,
		"sort comparator": `local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() while true do end end)`,
		"sort texts":      `local t, s = {}, ("a"):rep(200000) for i = 1, 10000 do t[i] = s .. i % 7 end table.sort(t)`,
		"pcall":           `while true do pcall(string.find, ("x"):rep(20000), "x.-x.-x.-y") end`,
		"tostring":        `return tostring(setmetatable({}, {__tostring = function() while true do end end}))`,
		"gsub function":   `return ("x"):rep(10):gsub("x", function() while true do end end)`,
	} {
		t.Run(name, func(t *testing.T) {
			L := newState(t)
			ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Millisecond, errors.New("the deadline has passed"))
			defer cancel()
			L.SetContext(ctx)
			start := time.Now()
			_, err := eval(t, L, code)
			if err == nil || !strings.Contains(err.Error(), "deadline") {
				t.Errorf("got error %v, want the deadline", err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestBounded runs calls that would build too much; each must be refused at
// once and without building it.
func TestBounded(t *testing.T) {
	for code, want := range map[string]string{
		`return ("x"):rep(1e9)`:                                                                 "too large",
		`return ("x"):rep(1e300)`:                                                               "too large",
		`return ("x"):rep(1e6):gsub("x", ("y"):rep(1000))`:                                      "too large",
		`return ("x"):rep(1e6):gsub("x", function() return ("y"):rep(1000) end)`:                "too large",
		`local t, s = {}, ("x"):rep(1e6) for i = 1, 100 do t[i] = s end return table.concat(t)`: "too large",
		`local f = ("%s"):rep(100) local s = ("x"):rep(1e6) return f:format(unpack((function() local t = {} for i = 1, 100 do t[i] = s end return t end)()))`: "too large",
		`return unpack({}, 1, 1e8)`:                                     "too many results",
		`return unpack({}, -1e15, 1e15)`:                                "too many results",
		`return ("x"):rep(1e5):byte(1, -1)`:                             "too long",
		`table.insert({}, 1e9, 1)`:                                      "too large",
		`table.insert({}, -1e9, 1)`:                                     "out of bounds",
		`return table.concat({}, "x", 1, 1e9)`:                          "index 1 ",
		`return ("a"):rep(300):find(("a?"):rep(300))`:                   "too complex",
		`return ("x"):find(("("):rep(1e5))`:                             "too many captures",
		`return ("x"):rep(1e5):find(("x-"):rep(1e5))`:                   "too complex",
		`local function f() return (("x"):gsub("x", f)) end return f()`: "stack overflow",
		`return setmetatable(1, {})`:                                    "table expected",
		`return setmetatable("", {})`:                                   "table expected",
		`return setmetatable(print, {})`:                                "table expected",
	} {
		L := newState(t)
		L.SetContext(context.Background())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := eval(t, L, code)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", code, err, want)
		}
		if took > slowness*time.Second {
			t.Errorf("%s: took %v", code, took)
		}
		if built := after.TotalAlloc - before.TotalAlloc; built > 160<<20 {
			t.Errorf("%s: built %d MiB", code, built>>20)
		}
	}
}

func TestLargeTables(t *testing.T) {
	L := newState(t)
	L.SetContext(context.Background())
	for code, want := range map[string]string{
		`local t = {} for i = 1, 100000 do t[i] = i end return #table.concat(t, ",")`:                                               "588894",
		`local t = {} for i = 1, 8000 do t[i] = i end return (select("#", unpack(t)))`:                                              "8000",
		`local t = {} for i = 1, 100000 do t[i] = (i * 7919) % 100003 end table.sort(t) return t[1] .. " " .. t[100000]`:            "1 100002",
		`local t = {} for i = 1, 20000 do t[i] = i % 10 end table.sort(t, function(a, b) return a > b end) return t[1] .. t[20000]`: "90",
	} {
		if got, err := eval(t, L, code); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
}

func TestSortOrder(t *testing.T) {
	L := newState(t)
	const fill = `local t = {} for i = 1, 50 do t[i] = (i * 37) % 50 end `
	for code, want := range map[string]string{
		// a comparator that answers anything at all never sees a foreign value
		fill + `table.sort(t, function(a, b) assert(a and b) return false end) return #t`:               "50",
		fill + `table.sort(t, function(a, b) return a <= b end) return t[1] .. t[50]`:                   "049",
		`local t = {3, 3, 3, 3, 1} table.sort(t, function(a, b) return a <= b end) return t[1] .. t[5]`: "13",
		// stable
		`local t = {} for i = 1, 40 do t[i] = {k = i % 3, i = i} end
		 table.sort(t, function(a, b) return a.k < b.k end)
		 for i = 2, 40 do assert(t[i-1].k < t[i].k or t[i-1].i < t[i].i) end return "stable"`: "stable",
		// no order at all
		`local t = {} for i = 1, 30 do t[i] = i end
		 local ok, e = pcall(table.sort, t, function(a, b) return true end) return tostring(ok) .. e:match(": (.*)")`: "falseinvalid order function for sorting",
		// whatever the comparator raises passes through, and the table stays
		`local t, e = {3, 2, 1}, {} local ok, got = pcall(table.sort, t, function() error(e) end) return tostring(got == e) .. t[1]`: "true3",
	} {
		got, err := eval(t, L, code)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
}

func TestErrorPositions(t *testing.T) {
	L := newState(t)
	for code, want := range map[string]string{
		"error('x')":   "<string>:1: x",
		"\nerror('x')": "<string>:2: x",
		"local function f()\n error('x', 2)\nend\nf()": "<string>:4: x",
		"local function f()\n error('x', 1)\nend\nf()": "<string>:2: x",
		"error('x', 1000)":                   "x",
		"local s = 'a'\nlocal n = s:rep({})": "<string>:2: bad argument #2 to 'rep' (number expected, got table)",
		"\nassert(false, 'no')":              "no", // as in Lua 5.1; a run adds where it was
		"\n\nstring.find('a', '[')":          "<string>:3: malformed pattern (missing ']')",
	} {
		_, err := eval(t, L, code)
		if err == nil || !strings.HasPrefix(err.Error(), want+"\n") {
			t.Errorf("%q: got %v, want %s", code, err, want)
		}
	}
}

// meter is a budget that counts and refuses beyond its limits.
type meter struct{ steps, bytes, maxSteps, maxBytes int }

func (m *meter) Steps(n int) error {
	if m.steps += n; m.maxSteps > 0 && m.steps > m.maxSteps {
		return fmt.Errorf("out of steps")
	}
	return nil
}

func (m *meter) Bytes(n int) error {
	if m.bytes += n; m.maxBytes > 0 && m.bytes > m.maxBytes {
		return fmt.Errorf("out of bytes")
	}
	return nil
}

func TestBudget(t *testing.T) {
	L := newState(t)
	for _, c := range []struct{ code, want string }{
		{`return ("x"):rep(20000):find("x.-x.-x.-y")`, "out of steps"},
		{`local s = "" for i = 1, 1000 do s = ("x"):rep(10000) end`, "out of bytes"},
		{`for i = 1, 1000 do string.format("%s", ("x"):rep(1000)) end`, "out of bytes"},
		{`for i = 1, 100 do ("abc"):rep(1000):upper() end`, "out of bytes"},
	} {
		m := &meter{maxSteps: 1 << 20, maxBytes: 200 << 10}
		L.SetContext(withRun(&lualib.Run{Budget: m}))
		_, err := eval(t, L, c.code)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v after %d steps and %d bytes, want %s", c.code, err, m.steps, m.bytes, c.want)
		}
	}
}

func TestRandomSource(t *testing.T) {
	const draw = `local s = "" for i = 1, 20 do s = s .. math.random(100) .. " " end return s`
	numbers := func(code string) string {
		L := newState(t)
		L.SetContext(withRun(&lualib.Run{}))
		got, err := eval(t, L, code)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if a, b := numbers("math.randomseed(7) "+draw), numbers("math.randomseed(7) "+draw); a != b {
		t.Errorf("one seed gave %s and %s", a, b)
	}
	if a, b := numbers(draw), numbers(draw); a == b {
		t.Errorf("two runs without a seed both gave %s", a)
	}
	if got := numbers(`for i = 1, 1000 do local r, n = math.random(), math.random(3, 5) assert(r >= 0 and r < 1 and n >= 3 and n <= 5) end return "ok"`); got != "ok" {
		t.Errorf("got %s", got)
	}
}

func TestClock(t *testing.T) {
	L := newState(t)
	at := time.Date(2024, 2, 29, 13, 5, 9, 5e8, time.FixedZone("x", 3600))
	L.SetContext(withRun(&lualib.Run{
		Now: func() time.Time { return at }, Started: at.Add(-1500 * time.Millisecond)}))
	for code, want := range map[string]string{
		`return os.time()`:                    fmt.Sprint(at.Unix()),
		`return os.clock()`:                   "1.5",
		`return os.date("%Y-%m-%d %H:%M:%S")`: "2024-02-29 12:05:09",
		`return os.date()`:                    "Thu Feb 29 12:05:09 2024",
		`return os.date("*t").hour`:           "12",
		`return os.time(os.date("*t"))`:       fmt.Sprint(at.Unix()),
		`return os.date("%F", 1e300)`:         "36812-02-20",
	} {
		if got, err := eval(t, L, code); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", code, got, err, want)
		}
	}
}

// FuzzPattern holds that no pattern and subject panic, and that a match ends
// in time and lies within the subject.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"", "a", "^a*$", "[%w_]-x", "%b()", "%f[%a]", "(()a)%1", "[^]", "[]]", "%", "[a-", "(.-)%1+$", "[%a-z%]]"} {
		f.Add(p, "aab(x(y)z) foo_bar")
	}
	f.Fuzz(func(t *testing.T, pattern, subject string) {
		if len(pattern) > 200 || len(subject) > 200 {
			return
		}
		L := newState(t)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		L.SetContext(ctx)
		L.SetGlobal("p", lua.LString(pattern))
		L.SetGlobal("s", lua.LString(subject))
		for _, code := range []string{
			`local a, b = s:find(p) assert(not a or a >= 1 and b >= a - 1 and b <= #s) return a`,
			`return s:match(p)`,
			`return (s:gsub(p, "%0"))`,
			`local n = 0 for _ in s:gmatch(p) do n = n + 1 end assert(n <= #s + 1) return n`,
		} {
			if got, err := eval(t, L, code); err != nil {
				if strings.Contains(err.Error(), "runtime error") || strings.Contains(err.Error(), "assertion") {
					t.Fatalf("%s with %q on %q: %v", code, pattern, subject, err)
				}
			} else if strings.Contains(code, "%0") && got != subject {
				t.Fatalf("gsub with %q changed %q to %q", pattern, subject, got)
			}
		}
	})
}
