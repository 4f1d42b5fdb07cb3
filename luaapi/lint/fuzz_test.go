package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"moonwatch/engine/form"
)

// FuzzCheck holds that the linter ends on whatever somebody types, and that its
// findings stand in the text.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("../../plugins/*.lua")
	if err != nil || len(files) == 0 {
		f.Fatal("no plugins to begin with", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
		f.Add(string(text[:len(text)*2/3]))
	}
	f.Add("local P = {} function P:run(check, result) local a = check.b a = a.c return a end return P")
	plugin := Plugin{Slug: "p", Forms: map[string]form.Form{"config_form": {Fields: []form.Field{{Name: "host", Type: form.Char}}}}}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 32<<10 {
			return
		}
		lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
		for _, s := range []Source{
			{Files: []File{{Name: "p.lua", Source: text, Main: true}}},
			{Files: []File{{Name: "p.lua", Source: text, Main: true}}, Plugins: []Plugin{plugin}},
			{Files: []File{{Name: "p_test.lua", Source: text, Test: true}}},
		} {
			for _, found := range Check(s) {
				if found.Line < 1 || found.Line > len(lines) || found.Column < 1 || found.Column > utf8.RuneCountInString(lines[found.Line-1])+3 {
					t.Errorf("%v stands outside of the text", found)
				}
			}
		}
	})
}
