package luaapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"moonwatch/luaapi/describe"
)

// literalKeys are the lists of keys that stand literally in calls of options,
// optionsOf and records, with the places of the calls.
func literalKeys(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name, ok := call.Fun.(*ast.SelectorExpr)
			list, isList := call.Args[len(call.Args)-1].(*ast.CompositeLit)
			if !ok || !isList || name.Sel.Name != "options" && name.Sel.Name != "optionsOf" && name.Sel.Name != "records" {
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
	read := literalKeys(t)
	if len(read) < 20 {
		t.Fatalf("found %d lists of options", len(read))
	}
	named := [][]string{httpOptionKeys, httpRequestKeys, mailKeys, tcpTLSKeys, urlParts, metricOptionNames[:], answerKeys(), viewKeys(), recordKeys(),
		testCheckKeys(), testServiceKeys(), testUserKeys(), append(testCheckKeys(), "config"), sortedKeys(fieldArguments()),
		{"retry", "retry_after"}} // the last as in alert_run.go, which reads it key by key
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
