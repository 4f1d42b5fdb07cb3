package luaapi

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/runner"
)

// A run leaves some kilobytes behind, however large the texts were of which they
// are a part.
func TestWhatIsKeptKeepsNothingElse(t *testing.T) {
	const runs, page = 3, 2 << 20
	for name, body := range map[string]string{
		"error":            `result.error = big`,
		"part in error":    `result.error = big:sub(5, 50)`,
		"message":          `result.message, result.succeeded = big, true`,
		"part in message":  `result.message, result.succeeded = big:sub(5, 50), true`,
		"raw_data":         `result.raw_data = big`,
		"part in raw_data": `result.raw_data = big:sub(5, 50)`,
		"log":              `for i = 1, 5 do log.info(big .. i) end`,
		"part in log":      `log.warn(big:sub(5, 50))`,
		"fields of log":    `log.info("m", { [big] = big, x = big:sub(5, 50) })`,
		"print":            `print(big) print(big:sub(5, 50))`,
		"metric":           `for i = 1, 5 do result:metric(i .. big, 1, big) end`,
		"part in metric":   `result:metric(big:sub(5, 50), 1, big:sub(5, 9)) result:metric("n", 2, { unit = big:sub(3, 6) })`,
		"raised":           `error(big)`,
		"part raised":      `error(big:sub(5, 50), 0)`,
		"object raised":    `error(setmetatable({}, { __tostring = function() return big:sub(5, 50) end }))`,
		"unknown field":    `return check[big]`,
		"bad argument":     `json.get({}, big)`,
		"bad answer":       `local t, problem = json.decode(big) result.error = problem`,
		"JSON":             `local t = json.decode('["short", "' .. big .. '"]') result.error = t[1]`,
		"XML":              `local t = xml.parse("<a><b>short</b><c>" .. big .. "</c></a>") result.error = t.children[1].text`,
		"match":            `local t = re.match("^(..)", big) result.error = t[1]`,
		"base64":           `result.error = base64.decode(base64.encode(big)):sub(1, 9)`,
		"timed out":        `result.error = big:sub(5, 50) if true then while true do end end`,
	} {
		source := checkSource("test", `local big = ("0123456789abcdef"):rep(`+itoa(page/16)+`) do `+body+" end return result")
		for _, module := range []string{"log", "json", "xml", "re", "base64"} {
			source = "local " + module + ` = require "` + module + `"` + "\n" + source
		}
		rt := newTestRuntime(t, map[string]string{"test.lua": source})
		var kept []engine.RunReport
		before := liveHeap()
		for range runs {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if name == "timed out" {
				cancel()
				ctx, cancel = context.WithTimeout(context.Background(), 60*time.Millisecond)
			}
			kept = append(kept, plugin(t, rt, "test").Run(ctx, checkRun("test", nil)))
			cancel()
		}
		if held := int64(liveHeap()) - int64(before); held > page/2 {
			t.Errorf("%s: %d results keep %d KB alive: %+.300v", name, runs, held>>10, short(kept[0]))
		}
		if kept[0].Limit || kept[0].Cause == engine.CauseConfig || kept[0].Skipped {
			t.Errorf("%s: %+v", name, short(kept[0]))
		}
		runtime.KeepAlive(kept)
	}
}

// A state that waits for its next run keeps nothing of the last one alive.
func TestAnIdleStateKeepsNothingOfItsRun(t *testing.T) {
	const page = 2 << 20
	for name, body := range map[string]string{
		"local":            `local p = big()`,
		"argument":         `local function f(a, b, c) return #a + #b + #c end f(1 .. "", "", big())`,
		"global":           `page = big()`,
		"library":          `string.page, table.page = big(), big()`,
		"upvalue":          `local p = big() local function f() return #p end f()`,
		"deep":             `local function f(n, p) if n > 0 then return 1 + f(n - 1, p) end return #p end f(60, big())`,
		"deep upvalue":     `local function f(n) local p = n == 0 and big() local function g() return p end if n > 0 then return 1 + f(n - 1) end return #g() end f(20)`,
		"pcall":            `pcall(function(p) local q = big() return #p + #q end, big())`,
		"pcall in pcall":   `pcall(pcall, function(p) local q = big() return #p + #q end, big())`,
		"caught":           `pcall(function() error(big()) end)`,
		"xpcall":           `xpcall(function() local p = big() error(p) end, function(p) return p .. "!" end)`,
		"iterator":         `for w in big():gmatch("ab") do break end`,
		"callback":         `big():gsub("0", function(c) local p = big() return nil end, 1)`,
		"comparator":       `local p = big() table.sort({ 1, 2, 3 }, function(a, b) return #(a .. p) < #(b .. p) end)`,
		"metatable":        `local t = setmetatable({}, { __index = function(t, k) local p = big() return #p end }) local n = t.x`,
		"many registers":   `local t = {} for i = 1, 700 do t[i] = i end local p = big() local n = select("#", p, unpack(t))`,
		"table":            `local t = {} for i = 1, 5 do t[i] = big():sub(i) end`,
		"result's method":  `result:metric("m", #big()) result.raw_data = big()`,
		"string's methods": `function string.page(s) return s end local p = big():page()`,
	} {
		source := checkSource("test", `local function big() return ("0123456789abcdef"):rep(`+itoa(page/16)+`) end do `+body+" end result.succeeded = true return result")
		rt := newTestRuntime(t, map[string]string{"test.lua": source})
		before := liveHeap()
		report := plugin(t, rt, "test").Run(t.Context(), checkRun("test", nil))
		if report.Error != "" || report.Limit {
			t.Errorf("%s: %+v", name, short(report))
		}
		held, idle := int64(liveHeap())-int64(before), len(plugin(t, rt, "test").(*runner.Version).Pool.Idle)
		if held > page/4 {
			t.Errorf("%s: the idle state keeps %d KB alive", name, held>>10)
		}
		if idle == 0 {
			t.Errorf("%s: there is no idle state", name)
		}
		runtime.KeepAlive(rt)
	}
}

// No half of a secret is left where a text is cut, whatever it passes through.
func TestNoPartOfASecretLeavesARun(t *testing.T) {
	const secret = `CANARY"SECRET\of&the monitor`
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"error":         `result.error = ("x"):rep(%d) .. s`,
		"message":       `result.message, result.succeeded = ("x"):rep(%d) .. s, true`,
		"raw_data":      `result.raw_data = ("x"):rep(%d) .. s`,
		"log":           `log.info(("x"):rep(%d) .. s)`,
		"field":         `log.info("m", { n = ("x"):rep(%d) .. s })`,
		"print":         `print(("x"):rep(%d) .. s)`,
		"metric":        `result:metric(("x"):rep(%d) .. s, 1)`,
		"unit":          `result:metric("m", 1, ("x"):rep(%d) .. s)`,
		"unit option":   `result:metric("m", 1, { unit = ("x"):rep(%d) .. s })`,
		"quoted":        `result.error = ("%%q"):format(("x"):rep(%d) .. s)`,
		"JSON":          `result.error = json.encode{ ("x"):rep(%d) .. s }`,
		"URL":           `result.error = url.escape(("x"):rep(%d) .. s)`,
		"query":         `result.error = url.query{ a = ("x"):rep(%d) .. s }`,
		"basic":         `result.error = base64.encode(("x"):rep(%d) .. ":" .. s)`,
		"HTML":          `result.error = html.escape(("x"):rep(%d) .. s)`,
		"XML":           `result.error = xml.escape(("x"):rep(%d) .. s)`,
		"XML name":      `result.error = select(2, xml.parse("<a>" .. ("<" .. s)))`,
		"XML end":       `result.error = select(2, xml.parse("<a></" .. s .. ">"))`,
		"XML attribute": `result.error = select(2, xml.parse("<a b='" .. ('x'):rep(%d) .. "' " .. s .. "='1'/>"))`,
		"XML value":     `result.error = select(2, xml.parse("<a b=" .. s .. "/>"))`,
		"XML quoted":    `result.error = select(2, xml.parse('<a b="' .. s .. '"/>'))`,
		"XML entity":    `result.error = select(2, xml.parse("<a>" .. ("x"):rep(%d) .. s .. ";</a>"))`,
		"XML ends with": `result.error = select(2, xml.parse("<a>&" .. s:sub(16) .. ";</a>"))`,
		"XML version":   `result.error = select(2, xml.parse("<?xml version='" .. s .. "'?><a/>"))`,
		"XML encoding":  `result.error = select(2, xml.parse("<?xml version='1.0' encoding='" .. s .. "'?><a/>"))`,
		"XML open":      `result.error = select(2, xml.parse("<" .. s:sub(1, 6) .. ">"))`,
		"XML closing":   `result.error = select(2, xml.parse("<a></" .. s:sub(8, 13) .. ">"))`,
		"XML space":     `result.error = select(2, xml.parse("<" .. s:sub(8, 13) .. ">" .. "</" .. s:sub(1, 6) .. " x>"))`,
		"raised":        `error(("x"):rep(%d) .. s)`,
		"field name":    `return check[("x"):rep(%d) .. s]`,
		"result name":   `result[("x"):rep(%d) .. s] = 1`,
		"bad path":      `json.get({}, "[" .. ("x"):rep(%d) .. s)`,
		"bad option":    `http.get("http://a/", { [("x"):rep(%d) .. s] = 1 })`,
		"bad URL":       `result.error = select(2, http.get("ht!tp://" .. ("x"):rep(%d) .. s .. "/path"))`,
		"no host":       `result.error = select(2, http.get("http://" .. ("x"):rep(%d) .. s))`,
		"bad host":      `result.error = select(2, tcp.connect(("x"):rep(%d) .. s, 80))`,
		"bad zone":      `result.error = select(2, time.format(0, "%%c", ("x"):rep(%d) .. s))`,
		"not a URL":     `result.error = select(2, url.parse("%%zz" .. ("x"):rep(%d) .. s))`,
	} {
		source := strings.ReplaceAll(checkSource("test", `local s = check.secret do `+strings.ReplaceAll(strings.ReplaceAll(body, "%%", "%"), "%d", "check.n")+" end return result"),
			`version = "1" }`, `version = "1", config_form = { forms.CharField{ "secret", widget = forms.PasswordInput }, forms.IntegerField{ "n" } } }`)
		for _, module := range []string{"log", "json", "xml", "re", "base64", "http", "tcp", "url", "html", "time"} {
			source = "local " + module + ` = require "` + module + `"` + "\n" + source
		}
		rt := newTestRuntime(t, map[string]string{"test.lua": source}, func(o *Options) { o.Host = network })
		for _, n := range []int{0, 7, 10, 14, 45, 50, 55, 68, 75, 80, 90, 93, 97, 190, 290, 990, 995, 1005, 1010, 1018, 4990, 4995} {
			report := runOnce(t, rt, "test", form.Values{"secret": sealed(t, "c1", "secret", secret), "n": float64(n)})
			if report.Cause == engine.CauseConfig || report.Limit {
				t.Fatalf("%s: %+v", name, short(report))
			}
			left := report.Error + report.Message + report.RawData + report.Traceback
			for _, line := range report.Log {
				left += "\n" + line.Message
			}
			for _, m := range report.Metrics {
				left += "\n" + m.Name + m.Unit
			}
			for i := 0; i+5 <= len(secret); i++ {
				if strings.Contains(left, secret[i:i+5]) {
					t.Errorf("%s after %d: %.1500q", name, n, left)
					break
				}
			}
		}
	}
}
