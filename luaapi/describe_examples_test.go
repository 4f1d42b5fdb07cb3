package luaapi

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"moonwatch/luaapi/plugintest"
)

// TestReferenceExamples runs each block of Lua of the reference as a test of a
// plugin: "A --> B" says that A gives B.
func TestReferenceExamples(t *testing.T) {
	text, err := os.ReadFile("../plugins/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	// What the examples ask for, in place of the network.
	const stubs = `
local t = require "testing"
t.http("GET", "https://example.org/status?page=2", { json = { state = "ok" }, headers = { ["Content-Type"] = "application/json" } })
t.http("POST", "https://example.org/gone", nil, "connection refused", "refused")
t.tcp("mail.example", 25, { { reply = "220 mail.example ready\r\n" }, { expect = "QUIT\r\n", reply = "221 bye\r\n" } })
t.certificate("shop.example", 443, { not_after = require "time".now() - 60, verify_error = "certificate has expired" })
t.dns("shop.example", "MX", { { value = "mail.shop.example", preference = 10 } })
t.icmp("router.example", { sent = 4, received = 3 })
t.exec({ "/usr/bin/uptime", "-p" }, { code = 0, stdout = "up 3 days\n" })
t.smtp()
t.http("GET", "https://example.org/", { body = "x" })
`
	const plugin = `return { name = "P", slug = "p", version = "1", run = function(self, check, result) example() return result end }`
	result := regexp.MustCompile(`(?m)^(.*?) --> (.*)$`)
	blocks := regexp.MustCompile("(?s)```lua\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 15 {
		t.Errorf("got %d examples, want one for each module", len(blocks))
	}
	tester, err := plugintest.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tester.Close)
	for _, block := range blocks {
		example := result.ReplaceAllString(block[1], "t.equal($1, $2)")
		if strings.Count(block[1], "-->") != strings.Count(example, "t.equal(") {
			t.Errorf("a result that is not looked at:\n%s", block[1])
		}
		source := "return { test_example = function()" + stubs + example + "\nend }"
		report := tester.TestFS(t.Context(), fstest.MapFS{"p.lua": {Data: []byte(plugin)}, "p_test.lua": {Data: []byte(source)}}, "p.lua")
		for _, p := range report.Problems {
			t.Errorf("%s\n%s", p.Message, block[1])
		}
		for _, one := range report.Tests {
			if one.Failure != nil {
				t.Errorf("line %d: %s\n%s", one.Failure.Line-strings.Count(stubs, "\n"), one.Failure.Message, block[1])
			}
		}
		for _, f := range lintText(t, "p_test.lua", "return { test_example = function()\n"+strings.ReplaceAll(example, "t.equal(", "print(")+"\nend }") {
			t.Errorf("the linter finds %s in\n%s", f, block[1])
		}
	}
}
