package luaapi

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/lint"
	"moonwatch/luaapi/plugintest"
)

// greeting is a plugin that speaks through a shipped module: its message is what
// the module makes of its field.
const greeting = `
local forms = require "forms"
local words = require "shipped.words"
return {
  name = "Greeting", slug = "greeting", version = "1",
  config_form = { forms.CharField{ "whom" } },
  run = function(self, check, result)
    result.message, result.succeeded = words.greet(check), true
    return result
  end,
}
`

// shippedWords are the modules that greeting needs. Only they speak of string.
func shippedWords(hello string) fstest.MapFS {
	return fstest.MapFS{
		"shipped/words.lua": {Data: []byte(`local loud = require "shipped.loud"
return { greet = function(check) return loud("` + hello + ` " .. check.whom) end }`)},
		"shipped/loud.lua":      {Data: []byte(`return function(text) return string.upper(text) end`)},
		"shipped/loud_test.lua": {Data: []byte(`no Lua`)},
	}
}

func withShipped(files fstest.MapFS) func(*Options) { return func(o *Options) { o.Shipped = files } }

func greet(t *testing.T, rt *Runtime) string {
	t.Helper()
	return runOnce(t, rt, "greeting", form.Values{"whom": "Ada"}).Message
}

// TestShippedModules requires modules of the binary from a file of the plugin
// folder, and from a folder that has its own of the same name.
func TestShippedModules(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a file", map[string]string{"greeting.lua": greeting}, "HELLO ADA"},
		{"a folder", map[string]string{"greeting/plugin.lua": greeting}, "HELLO ADA"},
		{"a folder's own", map[string]string{"greeting/plugin.lua": greeting, "greeting/shipped/words.lua": `return { greet = function(check) return "own" end }`}, "own"},
		{"a folder's own for a shipped one", map[string]string{"greeting/plugin.lua": greeting, "greeting/shipped/loud.lua": `return function(text) return text .. "!" end`}, "hello Ada!"},
		{"a file beside is nobody's", map[string]string{"greeting.lua": greeting, "shipped/words.lua": `error("read")`}, "HELLO ADA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := newTestRuntime(t, tt.files, withShipped(shippedWords("hello")))
			if got := describeAll(rt); len(got) != 1 {
				t.Fatalf("plugins %q", got)
			}
			if got := greet(t, rt); got != tt.want {
				t.Errorf("it says %q, want %q", got, tt.want)
			}
		})
	}
}

// TestShippedModulesOfANewRelease holds that what a plugin's modules do is part of
// its version, and that what it does not require is not.
func TestShippedModulesOfANewRelease(t *testing.T) {
	files := map[string]string{"greeting.lua": greeting, "plain.lua": checkSource("plain", "result.succeeded = true")}
	hash := func(shipped fstest.MapFS, slug string) string {
		return plugin(t, newTestRuntime(t, files, withShipped(shipped)), slug).Meta().Hash
	}
	before, after := shippedWords("hello"), shippedWords("hello")
	after["shipped/loud.lua"] = &fstest.MapFile{Data: []byte(`return function(text) return string.lower(text) end`)}
	if hash(before, "greeting") == hash(after, "greeting") {
		t.Error("the version is the same although a module has changed")
	}
	if hash(before, "plain") != hash(after, "plain") {
		t.Error("the version of a plugin without the module has changed")
	}
}

// TestShippedModulesMissing holds what is said of modules that there are not.
func TestShippedModulesMissing(t *testing.T) {
	for _, tt := range []struct{ name, module, want string }{
		{"near", "shipped.word", "there is no module shipped.word; did you mean shipped.words?"},
		{"far", "shipped.nothing", "there is no module shipped.nothing"},
	} {
		rt := newTestRuntime(t, nil, withShipped(shippedWords("hello")))
		text := strings.Replace(greeting, "shipped.words", tt.module, 1)
		found := rt.LintFS(t.Context(), fstest.MapFS{"greeting.lua": {Data: []byte(text)}}, "greeting.lua")
		if len(found) == 0 || found[0].Line != 3 || found[0].Code != lint.CodeModule || !strings.Contains(found[0].Message, tt.want) {
			t.Errorf("%s: findings %v", tt.name, found)
		}
	}
	rt := newTestRuntime(t, map[string]string{"greeting.lua": greeting})
	if e, _ := rt.Plugin("greeting"); e.Plugin != nil {
		t.Error("it loads without the modules")
	}
	broken := fstest.MapFS{"shipped/words.lua": {Data: []byte("return {")}}
	if _, err := New(Options{Shipped: broken}); err == nil || !strings.Contains(err.Error(), "shipped/words.lua") {
		t.Errorf("a broken module: %v", err)
	}
}

// TestShippedModulesElsewhere lints, tests, drafts and tries a plugin that requires
// them. Its field is read by a module alone, which is no finding.
func TestShippedModulesElsewhere(t *testing.T) {
	rt := newTestRuntime(t, nil, withShipped(shippedWords("hello")))
	ctx := context.Background()
	var fsys fs.FS = fstest.MapFS{"greeting.lua": {Data: []byte(greeting)}, "greeting_test.lua": {Data: []byte(`
local t, loud = require "testing", require "shipped.loud"
return { test_it = function() t.equal(t.run{ whom = "Ada" }.message, loud("Hello Ada")) end }`)}}
	for _, name := range []string{"greeting.lua", "greeting_test.lua"} {
		if found := rt.LintFS(ctx, fsys, name); len(found) > 0 {
			t.Errorf("findings %v", found)
		}
	}
	tester, err := plugintest.New(shippedWords("hello"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tester.Close)
	report := tester.TestFS(ctx, fsys, "greeting.lua")
	if len(report.Problems) > 0 || len(report.Tests) != 1 || report.Tests[0].Failure != nil {
		t.Errorf("tests %+v", report)
	}
	draft := engine.PluginSource{Path: "greeting.lua", Files: map[string]string{"": greeting}}
	if r := rt.Draft(ctx, draft); len(r.Problems)+len(r.Warnings) > 0 {
		t.Errorf("draft %+v", r)
	}
	try, err := rt.TryDraft(ctx, draft, "greeting", checkRun("greeting", form.Values{"whom": "Ada"}))
	if err != nil || try.Run.Message != "HELLO ADA" {
		t.Errorf("try %+v %v", try, err)
	}
}
