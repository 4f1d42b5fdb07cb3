package frame

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/alert"
)

// valuesOf are the constants of a named text type, as the files of a folder declare them.
func valuesOf(t *testing.T, folder, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != name {
				return true
			}
			for _, value := range spec.Values {
				if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	if len(values) == 0 {
		t.Fatalf("no value of %s was found", name)
	}
	return values
}

// TestEveryStatusHasItsShape: whoever adds a status gives it a look of its own.
func TestEveryStatusHasItsShape(t *testing.T) {
	const vocabulary = "../../../engine"
	for _, of := range []struct {
		folder, name string
		typed        func(text string) any
	}{
		{vocabulary, "Status", func(text string) any { return engine.Status(text) }},
		{vocabulary, "CheckStatus", func(text string) any { return engine.CheckStatus(text) }},
		{vocabulary, "DeliveryState", func(text string) any { return engine.DeliveryState(text) }},
		{vocabulary + "/alert", "Paged", func(text string) any { return alert.Paged(text) }},
		{".", "Mark", func(text string) any { return Mark(text) }},
	} {
		for _, text := range valuesOf(t, of.folder, of.name) {
			if unknown := text == string(engine.CheckUnknown); (shapeOf(of.typed(text)) == unknownShape()) != unknown {
				t.Errorf("the %s %q is drawn as unknown: %t", of.name, text, !unknown)
			}
		}
	}
}

// TestShapesOfTexts: what templates write as a text is drawn as the value of that text.
func TestShapesOfTexts(t *testing.T) {
	for text, want := range map[string]shape{
		"PASSING": StatusShape(engine.StatusPassing), "FAILING": checkStatusShape(engine.CheckFailing), "UNKNOWN": unknownShape(),
		"INACTIVE": MarkPaused.shape(), "dead": DeliveryShape(engine.DeliveryDead), "stale-file": MarkStaleFile.shape(), "nonesuch": unknownShape(),
	} {
		if got := shapeOf(text); got != want {
			t.Errorf("%s is drawn as %v, want %v", text, got, want)
		}
	}
}
