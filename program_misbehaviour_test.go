package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badRuns are the bodies of check plugins that misbehave, and what the error of
// their results says. HANG and its like are addresses of hostile targets.
var badRuns = []struct{ name, body, want string }{
	{"loop", `while true do end`, timesOut},
	{"repeat", `repeat until false`, timesOut},
	{"goto", `::a:: goto a`, timesOut},
	{"tail calls", `local function f() return f() end return f()`, timesOut},
	{"loop in pcall", `pcall(function() while true do end end) return result`, timesOut},
	{"pcall as the last call", `local function f() while true do end end return pcall(f)`, timesOut},
	{"pcalls nested", `local function f(n) if n == 0 then while true do end end pcall(f, n - 1) end f(20) return result`, timesOut},
	{"pcall for ever", `while true do pcall(function() while true do end end) end`, timesOut},
	{"pcall of errors for ever", `while true do pcall(error, "x") end`, timesOut},
	{"xpcall whose handler loops", `xpcall(function() error("x") end, function() while true do end end) return result`, timesOut},
	{"__tostring of an error loops", `error(setmetatable({}, { __tostring = function() while true do end end }))`, timesOut},
	{"__index loops", `return setmetatable({}, { __index = function() while true do end end }).x`, timesOut},
	{"__eq loops", `local m = { __eq = function() while true do end end } return setmetatable({}, m) == setmetatable({}, m)`, timesOut},
	{"__concat loops", `return setmetatable({}, { __concat = function() while true do end end }) .. "x"`, timesOut},
	{"__lt in sort loops", `local m = { __lt = function() while true do end end } local t = {} for i = 1, 10 do t[i] = setmetatable({}, m) end table.sort(t)`, timesOut},
	{"comparator loops", `table.sort({ 3, 2, 1 }, function() while true do end end)`, timesOut},
	{"comparator lies", `local t = {} for i = 1, 2000 do t[i] = i end table.sort(t, function() return true end) while true do end`, `.`},
	{"gsub's callback loops", `("x"):rep(10):gsub(".", function() while true do end end)`, timesOut},
	{"gmatch for ever", `while true do for _ in ("a"):gmatch(".") do end end`, timesOut},
	{"find backtracks", `("a"):rep(3000):find("a-a-a-a-b") while true do end`, timesOut},
	{"match backtracks", `("a"):rep(3000):match(("a*"):rep(20) .. "b") while true do end`, timesOut},
	{"find of x.-x.-y", `("x"):rep(20000):find("x.-x.-y") while true do end`, timesOut},
	{"gsub copies", `local s = ("a b "):rep(100000) while true do s:gsub("%w", "x") end`, timesOut + `|memory`},
	{"sleeps", `require("time").sleep(3600)`, `.`},
	{"sleeps for ever", `while true do pcall(require("time").sleep, 1) end`, timesOut},
	{"recursion", `local function f() return 1 + f() end f()`, `overflow|depth|deep`},
	{"recursion in two", `local f, g function f() return 1 + g() end function g() return 1 + f() end f()`, `overflow|depth|deep`},
	{"recursion through pcall", `local function f() pcall(f) f() end f() return result`, `.`},
	{"recursion of __index", `local t = {} setmetatable(t, { __index = function(t, k) return t[k .. "x"] end }) return t.x`, `.`},
	{"recursion of __tostring", `local t = {} setmetatable(t, { __tostring = function() return tostring(t) end }) return tostring(t)`, `.`},
	{"recursion of __call", `local t = {} setmetatable(t, { __call = function(self) return 1 + self() end }) t()`, `.`},
	{"text doubles", `local s = "x" while true do s = s .. s end`, `memory|` + timesOut},
	{"text doubles in pcall", `while true do pcall(function() local s = "x" while true do s = s .. s end end) end`, `memory|` + timesOut},
	{"result doubles", `local s = "0123456789" while true do result.raw_data = result.raw_data .. s s = s .. s end`, `memory|` + timesOut},
	{"table grows", `local t = {} local i = 0 while true do i = i + 1 t[i] = { i } end`, `memory|` + timesOut},
	{"map grows", `local t = {} local i = 0 while true do i = i + 1 t["k" .. i] = "v" .. i end`, `memory|` + timesOut},
	{"closures grow", `local t = {} local i = 0 while true do i = i + 1 t[i] = function() return i, t end end`, `memory|` + timesOut},
	{"indexes are large", `local t = {} for i = 1, 1000 do t[i] = {} t[i][1048000] = 1 end`, `memory|` + timesOut},
	{"texts gather", `local t = {} for i = 1, 1e6 do t[i] = ("x"):rep(1e6) .. i end`, `memory|` + timesOut},
	{"rep of a gigabyte", `("x"):rep(1e9)`, `.`},
	{"rep of rep", `local s = ("x"):rep(1e7) local t = {} for i = 1, 1e6 do t[i] = s:rep(1) .. i end`, `memory|` + timesOut},
	{"concat of much", `local t = {} for i = 1, 30000 do t[i] = ("x"):rep(1000) end for i = 1, 1e6 do t[-i] = table.concat(t) end`, `.`},
	{"format's width", `string.format("%999999999d", 1)`, `.`},
	{"unpack of many", `local t = {} for i = 1, 100000 do t[i] = i end unpack(t)`, `.`},
	{"logs for ever", `while true do print(("x"):rep(5000)) end`, timesOut + `|memory`},
	{"metrics for ever", `local i = 0 while true do i = i + 1 result:metric("m" .. i, i) end`, timesOut + `|memory`},
	{"error object", `error({ code = 1 })`, `table`},
	{"string is poisoned", `string.format = nil string.rep = error error(("x"):rep(3))`, `.`},
	{"globals are poisoned", `pairs, tostring, error, pcall, require = nil setmetatable("", { __index = {} })`, `.`},
	{"json nests", `require("json").decode(("["):rep(1e6))`, `.`},
	{"regular expression", `require("re").match("(a*)*b", ("a"):rep(1e6)) while true do end`, timesOut},
	{"pbkdf2 of many rounds", `require("crypto").pbkdf2("sha512", "a", "b", 1e9, 64) while true do end`, `.`},
	{"store is filled", `for i = 1, 1e6 do assert(require("store").set("k" .. i, ("x"):rep(1000))) end`, `.`},
	{"requires what is not there", `require "os.execute"`, `os.execute`},
	{"bytecode", `loadstring("return 1")()`, `call a non-function`},
	{"nothing returned", `return`, `return`},
	{"target hangs", `local r, e = require("http").get("HANG") result.error = e return result`, `time`},
	{"target trickles", `local r, e = require("http").get("TRICKLE", { max_body = 8e6 }) result.error = e return result`, `time`},
	{"target sends gigabytes", `local r, e = require("http").get("GIGABYTES", { max_body = 8e6 }) result.error = e or "got " .. #r.body .. tostring(r.truncated) return result`, `.`},
	{"target redirects for ever", `local r, e = require("http").get("REDIRECT") result.error = e return result`, `redirect|time`},
	{"target with bad TLS", `local r, e = require("http").get("BADTLS") result.error = e return result`, `certificate`},
	{"target refuses", `local r, e = require("http").get("REFUSED") result.error = e return result`, `refused`},
	{"target hangs in pcall", `while true do pcall(require("http").get, "HANG") end`, timesOut},
	{"target says nothing", `local c = require("tcp").connect("SILENTHOST", SILENTPORT) local text, e = c:receive("*l") result.error = e return result`, `time`},
	{"all targets hang", `local all = {} for i = 1, 64 do all[i] = { url = "HANG" } end require("http").all(all) while true do end`, timesOut},
}

// timesOut is how a run's error begins that was ended at its deadline.
const timesOut = `^timed out after 2s`

// goodRun is a check plugin as it should be: a little work, a little I/O.
const goodRun = `local forms, http = require "forms", require "http"
local P = { name = "Good", slug = "good", version = "1", config_form = { forms.URLField{ "address", required = false } } }
function P:run(check, result)
  local words = {}
  for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = word:upper() end
  table.sort(words)
  result.succeeded = table.concat(words, " ") == "BROWN DOG FOX JUMPS LAZY OVER QUICK THE THE" and ("x"):rep(3) == "xxx"
  if check.address ~= "" then
    local response, problem = http.get(check.address)
    result.succeeded, result.error = response ~= nil and response.status == 200, problem or ""
  end
  return result
end
return P
`

// TestMisbehaviour runs more than sixty bad plugins at once beside fifty good
// checks: for 10 s, or for 30 s when MOONWATCH_LONG_TESTS is set. Under the race
// detector, which multiplies times and memory, it holds only how runs end.
func TestMisbehaviour(t *testing.T) {
	duration := 10 * time.Second
	if os.Getenv("MOONWATCH_LONG_TESTS") != "" {
		duration = 30 * time.Second
	}
	targets := hostileTargets(t)
	m := newMonitor(t)
	m.save("good.lua", goodRun)
	m.saveAll("1", func(string) string { return "result.succeeded = true return result" })
	m.admin()
	m.start()
	fine := newReceiver(t)
	var good, bad []string
	for i := range 50 {
		config := object{}
		if i%2 == 0 {
			config["address"] = fine.URL
		}
		good = append(good, m.check(fmt.Sprint("good ", i), "good", config, nil))
	}
	for i := range badRuns {
		bad = append(bad, m.check(fmt.Sprint("bad ", i), fmt.Sprint("bad", i), object{}, object{"timeout": "2s"}))
	}
	m.saveAll("2", targets.Replace) // they turn bad all at once
	begin := time.Now()
	most, stall := int64(0), time.Duration(0)
	for time.Since(begin) < duration {
		most = max(most, m.memory("VmRSS"))
		asleep := time.Now()
		time.Sleep(20 * time.Millisecond)
		stall = max(stall, time.Since(asleep)-20*time.Millisecond)
	}
	end := time.Now()
	slots := map[string]time.Time{}
	for _, id := range good {
		slots[id] = m.nextRun(id)
	}
	most = max(most, m.memory("VmHWM"))
	// What they left is read from a monitor that is at rest.
	if code := m.end(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d beside bad plugins", code)
	}
	for i := range badRuns {
		os.Remove(filepath.Join(m.plugins, fmt.Sprintf("bad%d.lua", i)))
	}
	m.start()
	if most > 1<<30 && !raceEnabled {
		t.Errorf("it held %d MB, want less than 1 GB", most>>20)
	}
	lost, late := goodSlots(t, m, slots, begin, end)
	// On a machine so busy with other things that it holds up even this test, which
	// only sleeps, for half of an interval, a run may begin when its slot is over.
	spared := 0
	if stall > 500*time.Millisecond {
		spared = len(good) / 2
	}
	if lost > spared && !raceEnabled {
		t.Errorf("%d slots of good checks were lost, want %d at most", lost, spared)
	}
	spare := time.Second + 2*stall
	if raceEnabled {
		spare = time.Minute
	}
	runs, overdue := badEnds(t, m, bad, end, spare)
	t.Logf("%d runs of %d bad checks, at most %v overdue; good ones at most %v late; %d MB at most; the machine held this test up by %v",
		runs, len(bad), overdue.Round(time.Millisecond), late.Round(time.Millisecond), most>>20, stall.Round(time.Millisecond))
}

// saveAll writes all bad plugins in a version, with the bodies changed by change.
func (m *monitor) saveAll(version string, change func(string) string) {
	for i, bad := range badRuns {
		m.save(fmt.Sprintf("bad%d.lua", i), fmt.Sprintf("local P = { name = %q, slug = \"bad%d\", version = %q }\nfunction P:run(check, result)\n%s\nend\nreturn P\n",
			bad.name, i, version, change(bad.body)))
	}
}

// goodSlots counts the slots that good checks lost, and how late one was at
// most. Of each check it is told one slot.
func goodSlots(t *testing.T, m *monitor, good map[string]time.Time, begin, end time.Time) (lost int, late time.Duration) {
	for id, slot := range good {
		results := m.results(id, begin)
		slices.SortFunc(results, func(a, b resultView) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
		results = slices.DeleteFunc(results, func(r resultView) bool { return r.Started.After(end) })
		lost += len(lostSlots(slot, results, begin, end, time.Second))
		for i, r := range results {
			if !r.Succeeded {
				t.Errorf("a good check beside bad ones: %+v", r)
			}
			if i > 0 {
				late = max(late, r.Started.Sub(results[i-1].Started)-time.Second)
			}
		}
	}
	return lost, late
}

// badEnds holds that each run of a bad check ended in time and with its reason.
func badEnds(t *testing.T, m *monitor, bad []string, end time.Time, spare time.Duration) (runs int, overdue time.Duration) {
	for i, id := range bad {
		how, ended := badRuns[i], 0
		for _, r := range m.results(id, time.Time{}) {
			if r.Version != "2" || r.Started.After(end) { // suspended ones have no version
				continue
			}
			ended++
			if r.Succeeded || !regexp.MustCompile(how.want).MatchString(r.Error) {
				t.Errorf("%s: ended with %q after %.2f s, want %q", how.name, r.Error, r.Took, how.want)
				break
			}
			over := time.Duration((r.Took - 2) * float64(time.Second))
			if overdue = max(overdue, over); over > spare {
				t.Errorf("%s: took %.2f s of 2", how.name, r.Took)
			}
			if timed := strings.HasPrefix(r.Error, "timed out"); timed && r.Unknown {
				t.Errorf("%s: a run ended at its deadline is unknown: %q", how.name, r.Error)
			}
		}
		if ended == 0 {
			t.Errorf("%s: no run of it ended", how.name)
		}
		runs += ended
	}
	return runs, overdue
}

// hostileTargets replaces HANG and its like by addresses that behave so.
func hostileTargets(t testing.TB) *strings.Replacer {
	mux := http.NewServeMux()
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	mux.HandleFunc("/gigabytes", func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for range 16 << 10 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/redirect", http.StatusFound) })
	plain := httptest.NewServer(mux)
	secure := httptest.NewUnstartedServer(mux)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it is meant to fail
	secure.StartTLS()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var held []net.Conn
		for {
			c, err := silent.Accept()
			if err != nil {
				break
			}
			held = append(held, c)
		}
		for _, c := range held {
			c.Close()
		}
	}()
	t.Cleanup(func() {
		silent.Close()
		plain.CloseClientConnections()
		plain.Close()
		secure.Close()
	})
	host, port, _ := net.SplitHostPort(silent.Addr().String())
	return strings.NewReplacer("HANG", plain.URL+"/hang", "TRICKLE", plain.URL+"/trickle", "GIGABYTES", plain.URL+"/gigabytes",
		"REDIRECT", plain.URL+"/redirect", "BADTLS", secure.URL, "REFUSED", "http://"+freeAddress(t), "SILENTHOST", host, "SILENTPORT", port)
}
