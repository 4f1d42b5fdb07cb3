package plugintest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
)

// literalKeys are the lists of keys that stand literally in calls of Options,
// OptionsOf and recordOptions, with the places of the calls.
func literalKeys(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	var sources []string
	for _, dir := range []string{".", "../internal/binding", "../internal/loader", "../internal/module", "../internal/runner"} {
		inDir, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(inDir) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(inDir), err)
		}
		sources = append(sources, inDir...)
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name := ""
			switch fn := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = fn.Sel.Name
			case *ast.Ident:
				name = fn.Name
			}
			list, isList := call.Args[len(call.Args)-1].(*ast.CompositeLit)
			if !isList || name != "Options" && name != "OptionsOf" && name != "recordOptions" {
				return true
			}
			var keys []string
			for _, item := range list.Elts {
				text, ok := item.(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: a key that is no literal", files.Position(call.Pos()))
					continue
				}
				key, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, key)
			}
			sort.Strings(keys)
			found[strings.Join(keys, " ")] = files.Position(call.Pos()).String()
			return true
		})
	}
	return found
}

// TestOptionsAreDescribed holds that each list of options that functions read is
// that of a described table, and each described table one that is read.
func TestOptionsAreDescribed(t *testing.T) {
	t.Parallel()
	read := literalKeys(t)
	if len(read) < 20 {
		t.Fatalf("found %d lists of options", len(read))
	}
	named := [][]string{module.HTTPOptionKeys, module.HTTPRequestKeys, module.MailKeys, module.TCPTLSKeys, module.URLParts, binding.MetricOptionNames[:], runner.AnswerKeys(), loader.ViewKeys(), binding.RecordKeys(),
		testCheckKeys(), testServiceKeys(), testUserKeys(), append(testCheckKeys(), "config"), luaval.SortedKeys(loader.FieldArguments()),
		{"retry", "retry_after"}} // the last as in internal/runner/alert_run.go, which reads it key by key
	described := map[string]string{}
	for _, o := range describe.Objects() {
		names := o.Names()
		sort.Strings(names)
		described[strings.Join(names, " ")] = o.Name
	}
	for keys, at := range read {
		if described[keys] == "" {
			t.Errorf("%s: no described table has just the keys %s", at, keys)
		}
	}
	for _, o := range describe.Objects() {
		names := o.Names()
		sort.Strings(names)
		known := read[strings.Join(names, " ")] != "" || slices.ContainsFunc(named, func(list []string) bool {
			list = slices.Clone(list)
			sort.Strings(list)
			return slices.Equal(list, names)
		})
		if o.Options && !known {
			t.Errorf("%s: nothing reads just the keys %v", o.Name, names)
		}
	}
}
