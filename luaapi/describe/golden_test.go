package describe

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

var update = flag.Bool("update", false, "write plugins/REFERENCE.md and the definitions for editors anew")

// generated are the files of the repository that are made from the descriptions.
func generated() map[string]string {
	files := map[string]string{"REFERENCE.md": reference(), ".luarc.json": EditorConfig()}
	for name, text := range Definitions() {
		files[DefinitionsDir+"/"+name] = text
	}
	return files
}

func TestGenerated(t *testing.T) {
	const dir = "../../plugins"
	files := generated()
	if *update {
		if err := os.MkdirAll(filepath.Join(dir, DefinitionsDir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range FileNames(files) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range FileNames(files) {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != files[name] {
			t.Errorf("plugins/%s is stale (%v): run go test ./luaapi/describe -update", name, err)
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, DefinitionsDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if name := DefinitionsDir + "/" + filepath.Base(file); files[name] == "" {
			t.Errorf("plugins/%s belongs to nothing that is described", name)
		}
	}
}

// TestDefinitionsAreLua holds that editors can read the definitions.
func TestDefinitionsAreLua(t *testing.T) {
	for name, text := range Definitions() {
		if _, err := parse.Parse(strings.NewReader(text), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(text, "---@meta ") {
			t.Errorf("%s does not begin with ---@meta", name)
		}
	}
}

// TestTypes holds that each type that is named is one that there is.
func TestTypes(t *testing.T) {
	c := Load()
	known := map[string]bool{"string": true, "integer": true, "number": true, "boolean": true, "table": true, "any": true, "nil": true, "function": true,
		"fun": true, "value": true, "self": true, "request": true, "forms.field": true, "forms.widget": true, "K": true, "V": true}
	for name := range c.Objects {
		known[name] = true
	}
	for _, a := range Aliases() {
		known[a.Name] = true
	}
	check := func(where, typ string) {
		for _, word := range strings.FieldsFunc(typ, func(r rune) bool { return strings.ContainsRune("|?[]<>(), :", r) }) {
			if !known[word] && !strings.HasPrefix(word, `"`) {
				t.Errorf("%s: there is no type %s", where, word)
			}
		}
	}
	function := func(where string, f *Function) {
		if f.Text == "" || !strings.HasSuffix(f.Text, ".") {
			t.Errorf("%s.%s: its text is no sentence: %q", where, f.Name, f.Text)
		}
		for _, p := range f.Params {
			check(where+"."+f.Name, p.Type)
		}
		for _, r := range f.Returns {
			check(where+"."+f.Name, r)
		}
	}
	for name, m := range c.Modules {
		for i := range m.Functions {
			function(name, &m.Functions[i])
		}
	}
	for name, o := range c.Objects {
		for _, f := range o.Fields {
			check(name+"."+f.Name, f.Type)
			if !strings.HasSuffix(f.Text, ".") && !strings.HasSuffix(f.Text, "PEM") && !strings.HasSuffix(f.Text, ")") {
				t.Errorf("%s.%s: its text is no sentence: %q", name, f.Name, f.Text)
			}
		}
		for i := range o.Methods {
			function(name, &o.Methods[i])
		}
	}
}
