package plugintest

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// openTesting opens the module testing, which tests alone can require. Its
// functions find the test that they serve in the context of the run.
func openTesting(*lua.LState) *lua.LTable {
	return module.ModuleOf(map[string]lua.LGFunction{
		"equal": testEqual, "matches": testMatches, "is_true": testIsTrue, "is_nil": testIsNil, "raises": testRaises,

		"run": testRun, "ping": testPing, "description": testDescription, "clean": testClean,
		"send_alert":        func(L *lua.LState) int { return testAlert(L, "testing.send_alert", false) },
		"send_alert_update": func(L *lua.LState) int { return testAlert(L, "testing.send_alert_update", true) },
		"view":              testView, "monitor": testFeed, "acknowledgements": testAcknowledgements, "records": testRecords,
		"log": testLog, "marked_sent": testMarkedSent,

		"http": testHTTP, "http_requests": testHTTPRequests, "tcp": testTCP, "dns": testDNS, "icmp": testICMP, "exec": testExec,
		"smtp": testSMTP, "smtp_messages": testSMTPMessages, "certificate": testCertificate,

		"setenv": testSetenv, "settings": testSettings, "at": testAt,
	})
}

// testSetenv is setenv(name, value); nil removes the variable.
func testSetenv(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.setenv"}, harnessOf(L)
	name := a.Text(1, "name")
	if !a.Has(2) {
		delete(h.env, name)
		return 0
	}
	h.env[name] = a.Text(2, "value")
	return 0
}

// testSettings is settings(values [, slug]): the site-wide settings, cleaned as
// their form does; nil is a form that nobody saved.
func testSettings(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.settings"}, harnessOf(L)
	owners := map[string]bool{}
	v := h.choose(a, a.TextOr(2, "slug", ""), func(v *runner.Version) bool {
		if owners[settingsOwner(v)] || len(v.Manifest.Forms[engine.SettingsForm].Fields) == 0 {
			return false // its settings are another's, or it has none
		}
		owners[settingsOwner(v)] = a.TextOr(2, "slug", "") == ""
		return true
	}, "settings_form")
	if !a.Has(1) {
		delete(h.settings, settingsOwner(v))
		return 0
	}
	h.settings[settingsOwner(v)] = h.mustClean(a, v, engine.SettingsForm, settingsOwner(v), a.Table(1, "values"))
	return 0
}

// testAt is at(instant): it sets the clock, which then stands still but for time.sleep.
func testAt(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "testing.at"}
	seconds := a.Number(1, "instant")
	if math.Abs(seconds) > module.MaxInstant {
		a.Fail(1, "instant is out of range")
	}
	harnessOf(L).stub.Set(module.FromSeconds(seconds))
	return 0
}

// testLog is log(): what the plugin logged in its last call.
func testLog(L *lua.LState) int {
	L.Push(logTable(harnessOf(L).log))
	return 1
}

// testMarkedSent is marked_sent(): the usernames of those that the plugin marked
// as reached, in order.
func testMarkedSent(L *lua.LState) int {
	L.Push(module.TextTable(harnessOf(L).marked))
	return 1
}

// logTable is an array of { level, message }.
func logTable(lines []engine.LogLine) *lua.LTable {
	t := luaval.NewTable()
	for _, line := range lines {
		one := luaval.NewRecord(2)
		one.RawSetString("level", lua.LString(line.Level))
		one.RawSetString("message", lua.LString(line.Message))
		t.Append(one)
	}
	return t
}
