package plugins_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/plugins"
)

// TestShippedPlugins holds that every shipped file loads without a complaint and
// explains itself.
func TestShippedPlugins(t *testing.T) {
	b := newBench(t, nil)
	entries := map[string]engine.PluginEntry{}
	for _, e := range b.list() {
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
		if _, ok := entries[strings.TrimSuffix(file, ".lua")]; !ok {
			t.Errorf("%s defines no plugin of its own name", file)
		}
	}
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for slug, e := range entries {
		if e.Plugin == nil || !e.Shipped {
			t.Errorf("%s did not load from the binary", slug)
			continue
		}
		m := e.Plugin.Meta()
		if m.Name == "" || m.Summary == "" || m.Author == "" || m.FontIcon == "" {
			t.Errorf("%s: name, summary, author or font_icon is missing", slug)
		}
		file := strings.TrimPrefix(m.File, "shipped:")
		if row := "| [" + m.Name + "](" + file + ") | `" + slug + "` | "; !strings.Contains(string(guide), row) {
			t.Errorf("README.md does not list it: %s", row)
		}
		for name, f := range m.Forms {
			for _, field := range f.Fields {
				if field.HelpText == "" {
					t.Errorf("%s: field %s of %s has no help text", slug, field.Name, name)
				}
			}
		}
	}
}

// TestShippedFolder holds that folders ship, too, and share their settings.
func TestShippedFolder(t *testing.T) {
	b := newBench(t, nil)
	call, sms := b.plugin("twilio_call").Meta(), b.plugin("twilio_sms").Meta()
	if call.File != "shipped:twilio/plugin.lua" || sms.File != call.File || sms.SettingsFrom != call.Slug {
		t.Errorf("got %s of %s, and %s of %s with settings from %q", call.Slug, call.File, sms.Slug, sms.File, sms.SettingsFrom)
	}
}

// TestFieldsThatBearTokensAreSecrets holds that what people put tokens into is
// sealed, and shown to nobody.
func TestFieldsThatBearTokensAreSecrets(t *testing.T) {
	b := newBench(t, nil)
	for _, e := range b.list() {
		var look func(where string, fields []form.Field)
		look = func(where string, fields []form.Field) {
			for _, f := range fields {
				look(where+"."+f.Name, f.Fields)
				bears := f.Name == "headers" || f.Name == "password" || f.Name == "token" || f.Name == "variables" || where == "webhook.service_config_form" && f.Name == "url"
				if bears && !f.Secret() {
					t.Errorf("%s.%s is no secret", where, f.Name)
				}
			}
		}
		for name, one := range e.Plugin.Meta().Forms {
			look(e.Slug+"."+string(name), one.Fields)
		}
	}
}
