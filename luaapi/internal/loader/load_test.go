package loader

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

func newTestLoader() *Loader {
	return &Loader{Machine: &vm.Machine{
		Permits: permit.NewSemaphore(4), Watchdog: vm.NewWatchdog(1<<40, 1<<40, 1<<40), Tools: vm.NewToolbox(),
		Builtin: map[string]vm.ModuleOpener{"forms": OpenForms}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}}
}

// shown are problems as people read them.
func shown(problems Problems) string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message))
	}
	return strings.Join(lines, "\n")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	out := newTestLoader().Load(t.Context(), &Source{Path: "p.lua", Hash: "h", Files: map[string]string{"": `local forms = require "forms"
return {
	name = "Page", slug = "page", version = "1",
	config_form = { forms.CharField{ "url", label = "URL" } },
	run = function(self, check, result) end,
}`}}, "plugins/p.lua")
	if len(out.Problems)+len(out.Warnings) > 0 || len(out.Plugins) != 1 {
		t.Fatalf("got %d plugins, %s", len(out.Plugins), shown(append(out.Problems, out.Warnings...)))
	}
	p := out.Plugins[0]
	if m := p.Manifest; m.Name != "Page" || m.Slug != "page" || m.File != "plugins/p.lua" || m.Hash == "" || m.Forms["config_form"].Fields[0].Label != "URL" {
		t.Errorf("the manifest is %+v", m)
	}
	if p.Whole.Steady || !p.Lean.Steady {
		t.Errorf("steady: whole %v, without its forms %v", p.Whole.Steady, p.Lean.Steady)
	}
	if !slices.Equal(out.Slugs, []string{"page"}) {
		t.Errorf("the slugs are %v", out.Slugs)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const tail = "\n\trun = function() end,\n}"
	for _, tt := range []struct{ what, source, want string }{
		{"a name is missing", "return {\n\tslug = \"p\", version = \"1\"," + tail, "p.lua:1: the key name is missing"},
		{"syntax", "local P = {}\nP.name = = 1", "p.lua:2: "},
		{"a wrong type", "return {\n\tname = \"P\", slug = \"p\",\n\tversion = 1," + tail, "p.lua:3: version must be a string, got number"},
		{"an error", "local P = {}\n\nerror \"no\"", "p.lua:3: no"},
		{"nothing returned", "local P = {}", "p.lua:1: the file must return a plugin table, but returns nothing"},
		{"no function", "return { name = \"P\", slug = \"p\", version = \"1\" }", "p.lua:1: the plugin defines neither run nor send_alert; it must define exactly one"},
		{"an argument of a field", "local forms = require \"forms\"\nreturn {\n\tname = \"P\", slug = \"p\", version = \"1\",\n\tconfig_form = {\n\t\tforms.CharField{ \"url\", lable = \"URL\" },\n\t}," + tail,
			"p.lua:5: field url: there is no argument lable; did you mean label?"},
		{"the type of a field", "local forms = require \"forms\"\nreturn {\n\tname = \"P\", slug = \"p\", version = \"1\",\n\tconfig_form = { forms.CharField{ \"url\", label = 5 } }," + tail,
			"p.lua:4: field url: label must be a string, got number"},
		{"no end", "local n = 0\nwhile true do n = n + 1 end", "p.lua:2: "},
	} {
		out := newTestLoader().Load(t.Context(), &Source{Path: "p.lua", Files: map[string]string{"": tt.source}}, "p.lua")
		if got := shown(out.Problems); !strings.HasPrefix(got, tt.want) || len(out.Problems) != 1 || out.Plugins != nil {
			t.Errorf("%s: got %s\nwant %s", tt.what, got, tt.want)
		}
	}
}

func TestProblemsOfModules(t *testing.T) {
	t.Parallel()
	const plugin = `local m = require "lib.m" return { name = "P", slug = "p", version = "1", run = function() end }`
	for module, want := range map[string]string{
		"return {\n":                "p/lib/m.lua:",
		"local t = {}\nt.a.b = 1":   "p/lib/m.lua:2: ",
		"return {}, error \"gone\"": "p/lib/m.lua:1: gone",
	} {
		s := &Source{Path: "p", Folder: true, Files: map[string]string{MainFile: plugin, "lib/m.lua": module}}
		if got := shown(newTestLoader().Load(t.Context(), s, "p").Problems); !strings.HasPrefix(got, want) {
			t.Errorf("%s\n got %s\nwant %s", module, got, want)
		}
	}
	s := &Source{Path: "p", Folder: true, Files: map[string]string{MainFile: plugin, "lib/m.lua": "return {}", "forms.lua": "return {}"}}
	if got := shown(newTestLoader().Load(t.Context(), s, "p").Problems); !strings.HasPrefix(got, "p/forms.lua:1: the module forms is one of the product's own") {
		t.Errorf("got %s", got)
	}
}

func TestUnknownKeysAreWarnedOf(t *testing.T) {
	t.Parallel()
	out := newTestLoader().Load(t.Context(), &Source{Path: "p.lua", Files: map[string]string{"": `return {
	name = "P", slug = "p", version = "1",
	sumary = "A page.",
	run = function() end,
}`}}, "p.lua")
	if got, want := shown(out.Warnings), "p.lua:3: the contract knows no key sumary; did you mean summary?"; got != want || len(out.Problems) > 0 {
		t.Errorf("got %s %s\nwant %s", got, shown(out.Problems), want)
	}
}
