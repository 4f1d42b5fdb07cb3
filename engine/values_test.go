package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// declared are the constants of each named text type of this package, in order.
func declared(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			of, named := spec.Type.(*ast.Ident)
			lit, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out[of.Name] = append(out[of.Name], text)
			}
			return true
		})
	}
	return out
}

func texts[T ~string](values []T) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// TestListsOfValues holds that the lists of values leave no constant out: the
// API's document and the metrics are made from them.
func TestListsOfValues(t *testing.T) {
	constants := declared(t)
	for of, listed := range map[string][]string{
		"Status":        texts(Statuses()),
		"CheckStatus":   texts(CheckStatuses()),
		"Cause":         texts(Causes()),
		"NoData":        texts(NoDataWays()),
		"DeliveryState": texts(DeliveryStates()),
		"PluginKind":    texts(PluginKinds()),
		"PluginState":   texts(PluginStates()),
		"AlertKind":     texts(AlertKinds()),
	} {
		if !slices.Equal(listed, constants[of]) {
			t.Errorf("of %s there are %q, listed are %q", of, constants[of], listed)
		}
	}
}
