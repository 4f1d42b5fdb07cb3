package plugins_test

import (
	"io/fs"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/plugins"
)

// TestShippedPlugins holds that every shipped file loads without a complaint and
// explains itself.
func TestShippedPlugins(t *testing.T) {
	b := newBench(t, nil)
	entries := map[string]engine.PluginEntry{}
	for _, e := range b.rt.List() {
		for _, p := range append(e.Problems, e.Warnings...) {
			t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
		}
		entries[e.Slug] = e
	}
	files, err := fs.Glob(plugins.Files(), "*.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.lua") {
			continue
		}
		e, ok := entries[strings.TrimSuffix(file, ".lua")]
		if !ok || e.Plugin == nil || !e.Shipped {
			t.Errorf("%s defines no plugin of its own name", file)
			continue
		}
		m := e.Plugin.Meta()
		if m.Name == "" || m.Summary == "" || m.Author == "" || m.FontIcon == "" {
			t.Errorf("%s: name, summary, author or font_icon is missing", file)
		}
		for name, f := range m.Forms {
			for _, field := range f.Fields {
				if field.HelpText == "" {
					t.Errorf("%s: field %s of %s has no help text", file, field.Name, name)
				}
			}
		}
	}
}
