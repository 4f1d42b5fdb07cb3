package plugintest

import (
	"os"
	"path/filepath"
	"testing"
)

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkSource is a check plugin whose run has the given body.
func checkSource(slug, body string) string {
	return `local P = { name = "Test", slug = "` + slug + `", version = "1" }
function P:run(check, result)
` + body + `
end
return P
`
}
