package luaapi

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// loadText loads one file and gives its problems, or with warnings set those,
// as "line: message".
func loadText(t *testing.T, text string, warnings bool) []string {
	t.Helper()
	rt := newTestRuntime(t, nil)
	out := rt.runner.Load(context.Background(), &loader.Source{Path: "x.lua", Files: map[string]string{"": text}, Hash: "h"}, "x.lua")
	list := out.Problems
	if warnings {
		list = out.Warnings
	}
	var lines []string
	for _, p := range list {
		if p.File != "x.lua" {
			t.Errorf("problem in file %q", p.File)
		}
		lines = append(lines, strconv.Itoa(p.Line)+": "+p.Message)
	}
	return lines
}

func TestLoadProblems(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"good", skeletonCheck, nil},
		{"good alert", skeletonAlert, nil},
		{"empty", ``, []string{"1: the file must return a plugin table, but returns nothing"}},
		{"returns a number", "\nreturn 5", []string{"2: the file must return a plugin table, but returns a number"}},
		{"all missing", "local P = {}\nreturn P", []string{
			"1: the key name is missing", "1: the key slug is missing", "1: the key version is missing",
			"1: the plugin defines neither run nor send_alert; it must define exactly one"}},
		{"wrong types", `local P = {
  name = 1,
  slug = "ok",
  version = 2,
  plugin_variables = "X",
}
P.summary = {}
P.run = 5
function P:description() end
return P`, []string{"2: name must be a string, got number", "4: version must be a string, got number",
			"5: plugin_variables must be a table, got string", "7: summary must be a string, got table", "8: run must be a function, got number"}},
		{"bad slug", "return { name = \"x\",\n slug = \"Bad-Slug\", version = \"1\", run = function() end }",
			[]string{"2: slug must be a small letter followed by up to 63 small letters, digits and _"}},
		{"texts that no page can show", "return { name = (\"x\"):rep(1e6),\n slug = \"x\", version = \"1\\n2\",\n author = \"a\\226\\128\\174b\", summary = \"\\255\", run = function() end }",
			[]string{"1: name has more than 100 characters", "2: version must be one line of printable characters", "3: author must be one line of printable characters", "3: summary must be one line of printable characters"}},
		{"both", "local P = { name = \"x\", slug = \"x\", version = \"1\" }\nfunction P:run() end\nfunction P:send_alert() end\nreturn P",
			[]string{"3: the plugin defines both run and send_alert; it must define exactly one"}},
		{"forms of the wrong kind", `local forms = require "forms"
local P = { name = "x", slug = "x", version = "1",
  user_config_form = {},
  channel = "chat",
}
function P:run() end
return P`, []string{"3: user_config_form belongs to alert plugins, and this is one for checks", "4: channel belongs to alert plugins, and this is one for checks"}},
		{"variables", "return { name = \"x\", slug = \"x\", version = \"1\", run = print,\n plugin_variables = { \"MOONWATCH_KEY\", \"a b\", 5 } }",
			[]string{"2: the environment variable MOONWATCH_KEY belongs to the product: names beginning MOONWATCH_ cannot be read",
				"2: the environment variable a b is no valid name", "2: plugin_variables must be an array of names"}},
		{"channel", "return { name = \"x\", slug = \"x\", version = \"1\", send_alert = print, channel = \"pigeon\" }",
			[]string{"1: channel must be one of phone, sms, email, chat, other"}},
		{"fields", `local forms = require "forms"
return { name = "x", slug = "x", version = "1", run = print,
  config_form = {
    forms.CharField{ "timeout" },
    forms.CharField{ "a" },
    forms.CharField{ "a" },
    forms.CharFeild{ "b" },
    forms.CharField{ "c", max_lenght = 5 },
    forms.IntegerField{ "d", min_value = "one" },
    forms.CharField{ required = false },
    forms.ChoiceField{ "e" },
    forms.CharField{ "f", env = "X" },
    forms.CharField{ "g", widget = "Passwordinput" },
    5,
  } }`, []string{
			"3: config_form: an entry is a number, not a field such as forms.CharField{ \"name\" }",
			"4: field timeout: the name timeout is reserved",
			"6: field a: there are two fields named a",
			"7: field b: there is no field type CharFeild; did you mean CharField?",
			"8: field c: there is no argument max_lenght; did you mean max_length?",
			"9: field d: min_value must be a number, got string",
			"10: a field needs its name as the first value: forms.CharField{ \"name\", … }",
			"11: field e: a ChoiceField needs choices",
			"12: field f: env is for the fields of settings_form",
			"13: field g: there is no widget Passwordinput; did you mean forms.PasswordInput?"}},
		{"urls", `return { name = "x", slug = "x", version = "1", run = print,
  urls = { { path = "a", view = 5 }, { path = 1, view = print, methds = {} }, { path = "b", view = print, methods = { "FETCH" }, role = "king", public = 1 }, { path = "c", view = print }, { path = "c", view = print } } }`,
			[]string{"2: urls: view of path a must be a function, got number", "2: urls: path must be a string without ?, #, spaces and ..",
				"2: urls: there is no key methds; did you mean methods?", "2: urls: methods must be among GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
				"2: urls: role must be one of viewer, operator, editor, admin", "2: urls: public must be true or false, got number", "2: urls: two views answer GET c"}},
		{"settings_from", `local A = { name = "a", slug = "a", version = "1", run = print }
local B = { name = "b", slug = "b", version = "1", run = print,
  settings_from = "nosuch" }
return { A, B }`, []string{"3: settings_from names nosuch, which is no other plugin of this file"}},
		{"two of one slug", `local A = { name = "a", slug = "a", version = "1", run = print }
local B = { name = "b",
  slug = "a", version = "1", run = print }
return { A, B }`, []string{"3: two plugins of this file have the slug a"}},
		{"syntax", "local P = {}\nfunction P:run(\nreturn P", []string{"3: syntax error near 'return'"}},
		{"raises", "local P = {}\nlocal x = P.a.b\nreturn P", []string{"2: attempt to index field 'a' (a nil value)"}},
		{"network while loading", "local http = require \"http\"\nhttp.get(\"http://x.example\")\nreturn {}", []string{"2: http.get cannot be called while the plugin loads"}},
		{"unknown module", "local x = require \"htpp\"\nreturn {}", []string{"1: module 'htpp' not found; did you mean 'http'?"}},
		{"recursion", "local function f() return 1 + f() end\nf()", []string{"1: stopped: too deep a recursion"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := loadText(t, tt.text, false)
			for _, want := range tt.want {
				if !contains(got, want) {
					t.Errorf("missing %q", want)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("got %d problems, want %d:\n%s", len(got), len(tt.want), strings.Join(got, "\n"))
			}
		})
	}
}

// Whichever comes first on a busy machine, a loop ends.
func TestLoadLoops(t *testing.T) {
	begun := time.Now()
	got := strings.Join(loadText(t, "while true do end", false), "\n")
	if got != "1: "+string(vm.ErrInstructions) && got != "1: loading took longer than 1s" || time.Since(begun) > 5*time.Second {
		t.Errorf("got %q after %v", got, time.Since(begun))
	}
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

func TestWarnings(t *testing.T) {
	got := loadText(t, "local P = { name = \"x\", slug = \"x\", version = \"1\",\n sumary = \"s\", helper = function() end }\nP.run = print\nP.table_of_mine = {}\nreturn P", true)
	want := []string{"2: the contract knows no key sumary; did you mean summary?", "4: the contract knows no key table_of_mine"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	chain := func(op string, n int) string { return "return " + strings.Repeat("a"+op, n) + "a" }
	for name, text := range map[string]string{
		"too large": "--" + strings.Repeat("x", 128<<10), "not UTF-8": "return \"\xff\"", "NUL": "return 1\x00", "bytecode": "\x1bLua",
		"long concatenation": chain("..", 100), "long power": chain("^", 10000), "deep": strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000),
		"deep tables": "return " + strings.Repeat("{", 10000) + strings.Repeat("}", 10000), "many entries": "return {" + strings.Repeat("1,", 9000) + "}",
		"nested functions": strings.Repeat("return function() ", 3000) + strings.Repeat(" end", 3000),
	} {
		begun := time.Now()
		got := loadText(t, text, false)
		if len(got) == 0 || time.Since(begun) > 2*time.Second {
			t.Errorf("%s: %v after %v", name, got, time.Since(begun))
		}
	}
}

func TestFolderPlugins(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{
		"good/plugin.lua":        "local x = require \"lib.x\"\nlocal P = { name = \"G\", slug = \"good\", version = \"1\" }\nfunction P:run(check, result) result.succeeded = x.yes() return result end\nreturn P",
		"good/lib/x.lua":         "return { yes = function() return true end }",
		"good/README.md":         "# Good",
		"good/plugin_test.lua":   "this is no Lua at all",
		"broken/plugin.lua":      "local x = require \"lib.x\"\nreturn {}",
		"broken/lib/x.lua":       "local y = = 5",
		"shadow/plugin.lua":      "return { name = \"S\", slug = \"shadow\", version = \"1\", run = print }",
		"shadow/http.lua":        "return {}",
		"raises/plugin.lua":      "require \"lib\"\nreturn {}",
		"raises/lib.lua":         "\nerror(\"in the module\")",
		"circle/plugin.lua":      "require \"a\"\nreturn {}",
		"circle/a.lua":           "require \"b\"",
		"circle/b.lua":           "require \"a\"",
		"nothing/lua.txt":        "",
		"_hidden/plugin.lua":     "x",
		".git/plugin.lua":        "x",
		"_hidden.lua":            "x",
		"some_test.lua":          "x",
		"readme.txt":             "x",
		"outside/plugin.lua":     "local x = require \"../good/lib/x\"\nreturn {}",
		"big/plugin.lua":         "return {}",
		"big/data.bin":           strings.Repeat("x", 1<<20),
		"fat/plugin.lua":         "return {}",
		"fat/lib.lua":            "--" + strings.Repeat("x", 129<<10),
		"Capital Letters 1!.lua": "syntax error",
	})
	if got := runOnce(t, rt, "good", nil); !got.Succeeded {
		t.Errorf("good: %+v", short(got))
	}
	want := map[string]string{
		"broken":             "broken/lib/x.lua:1: ",
		"shadow":             "shadow/http.lua:1: the module http is one of the product's own: give this file another name",
		"raises":             "raises/lib.lua:2: in the module",
		"circle":             "circle/b.lua:1: module 'a' requires itself",
		"outside":            "outside/plugin.lua:1: module '../good/lib/x' not found",
		"big":                "big/plugin.lua:1: the folder has more than 1048576 bytes",
		"fat":                "fat/plugin.lua:1: fat/lib.lua has 132098 bytes; 131072 (128 KiB) are allowed",
		"capital_letters_1_": "Capital Letters 1!.lua:1: parse error",
		"good":               "",
	}
	for _, e := range rt.List() {
		w, ok := want[e.Slug]
		delete(want, e.Slug)
		got := ""
		if e.Problem != nil {
			got = e.Problem.File + ":" + strconv.Itoa(e.Problem.Line) + ": " + e.Problem.Message
		}
		if !ok || !strings.HasPrefix(got, w) || (w == "") != (got == "") {
			t.Errorf("%s: problem %q, want %q", e.Slug, got, w)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
}

func TestLoadFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "skeleton.lua", skeletonCheck)
	writeFile(t, dir, "bad.lua", "local P = {\nreturn P")
	writeFile(t, dir, "folder/plugin.lua", skeletonAlert)
	rt := newTestRuntime(t, nil)
	for path, slug := range map[string]string{"skeleton.lua": "check_skeleton", "folder": "alert_skeleton", "folder/plugin.lua": "alert_skeleton"} {
		plugins, found, _ := rt.LoadFile(context.Background(), filepath.Join(dir, path))
		if len(plugins) != 1 || len(found) > 0 || plugins[0].Meta().Slug != slug {
			t.Errorf("%s: %v, %v", path, plugins, found)
		}
	}
	if plugins, found, _ := rt.LoadFile(context.Background(), filepath.Join(dir, "bad.lua")); len(plugins) > 0 || len(found) != 1 || found[0].Line != 2 || found[0].File != "bad.lua" {
		t.Errorf("bad: %v, %v", plugins, found)
	}
	for _, path := range []string{"nosuch.lua", "."} {
		if plugins, found, _ := rt.LoadFile(context.Background(), filepath.Join(dir, path)); len(plugins) > 0 || len(found) != 1 {
			t.Errorf("%s: %v, %v", path, plugins, found)
		}
	}
	if len(rt.List()) > 0 {
		t.Error("LoadFile changed the registry")
	}
	_ = os.Remove(filepath.Join(dir, "bad.lua"))
}

// The lean chunk must not differ from the whole one in anything that a run sees.
func TestCutForms(t *testing.T) {
	header := `local forms = require "forms"
local P = { name = "N", slug = "p", version = "1", author = "A", config_form = { forms.CharField{ "a", initial = "x" } }, plugin_variables = { "V" } }
`
	tests := map[string]string{
		"reads a form":          header + `function P:run(c, r) r.message = tostring(#self.config_form) r.succeeded = true return r end return P`,
		"reads its name":        header + `function P:run(c, r) r.message = self.name .. P.version r.succeeded = true return r end return P`,
		"walks itself":          header + `function P:run(c, r) local n = 0 for k in pairs(self) do n = n + 1 end r.message = tostring(n) r.succeeded = true return r end return P`,
		"computed key":          header + `function P:run(c, r) local k = "author" r.message = self[k] r.succeeded = true return r end return P`,
		"escapes":               header + `local Q = P function P:run(c, r) r.message = Q.author r.succeeded = true return r end return P`,
		"escapes to a function": header + `local function f(x) return x.author end function P:run(c, r) r.message = f(self) r.succeeded = true return r end return P`,
		"uses forms":            header + `function P:run(c, r) r.message = forms.Textarea .. type(forms.CharField{ "x" }) r.succeeded = true return r end return P`,
		"shadows forms":         header + `function P:run(c, r) local forms = { x = "y" } r.message = forms.x r.succeeded = true return r end return P`,
		"impure form": `local n = 0 local function count() n = n + 1 return "a" end
local forms = require "forms"
local P = { name = "N", slug = "p", version = "1", config_form = { forms.CharField{ count() } } }
function P:run(c, r) r.message = tostring(n) r.succeeded = true return r end return P`,
		"assigned later": `local forms = require "forms"
local P = {}
P.name, P.slug, P.version = "N", "p", "1"
P.config_form = { forms.CharField{ "a" } }
function P:run(c, r) r.message = tostring(P.name) .. #P.config_form r.succeeded = true return r end return P`,
		"method of another": header + `local H = {} function H:run() return self.author end H.author = "H" function P:run(c, r) r.message = H:run() r.succeeded = true return r end return P`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			rt := newTestRuntime(t, map[string]string{"p.lua": text})
			lean := runOnce(t, rt, "p", nil)
			v := plugin(t, rt, "p").(*runner.Version)
			v.Lean = v.Whole
			v.Pool.Close()
			whole := runOnce(t, rt, "p", nil)
			if !lean.Succeeded || lean.Message != whole.Message || lean.Error != whole.Error {
				t.Errorf("lean %+v\nwhole %+v", short(lean), short(whole))
			}
		})
	}
}

func TestCutFormsCuts(t *testing.T) {
	whole, err := loader.CompileFile("x.lua", skeletonCheck, false)
	if err != nil {
		t.Fatal(err)
	}
	lean, err := loader.CompileFile("x.lua", skeletonCheck, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(lean.Code) > len(whole.Code)/2 {
		t.Errorf("the lean chunk has %d instructions, the whole one %d", len(lean.Code), len(whole.Code))
	}
}

func TestMeta(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"skeleton.lua": skeletonCheck})
	m := plugin(t, rt, "check_skeleton").Meta()
	if m.Name != "Skeleton" || m.Kind != engine.CheckPlugin || m.Version != "0.0.1" || m.Author != "Ada" || m.FontIcon != "fa fa-skull" ||
		m.File != "skeleton.lua" || !m.HasDescribe || m.HasPing || m.HasView || len(m.Hash) != 32 || m.Variables[0] != "SKELETON_LIST_OF_BONES" {
		t.Errorf("meta %+v", m)
	}
	f := m.Forms[engine.ConfigForm]
	if len(f.Fields) != 1 || f.Fields[0].Name != "bone_name" || !f.Fields[0].Required || f.Fields[0].HelpText != "Name of the bone to check" {
		t.Errorf("form %+v", f)
	}
}
