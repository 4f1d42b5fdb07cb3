package frame

import "testing"

// Every page's template parses: a page is parsed when it is asked for first.
func TestTemplatesParse(t *testing.T) {
	_, pages, err := embedded()
	if err != nil || len(pages) < 30 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for name, page := range pages {
		if parsed, err := page(); err != nil || parsed.Lookup("layout") == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
