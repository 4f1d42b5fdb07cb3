package engine

import (
	"strings"
	"testing"
)

// TestUnseen: characters that nobody can see are found, and no letter or emoji
// that people write is one.
func TestUnseen(t *testing.T) {
	for _, name := range []string{"Checkout API", "Größe", "東京　支社", "سرویس", "क्षत्रिय", "❤\uFE0F on", "☎\uFE0F", "a\u0301", "🇩🇪", "👍🏽", "№ 5", "x\u00A0y"} {
		if r, found := unseen(name); found {
			t.Errorf("%q has %U", name, r)
		}
	}
	for _, r := range "\x00\x07\x1b\x7f\u0085\u00ad\u034f\u061c\u115f\u17b4\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2064\u2066\u2069\u206f\u2800\u3164\ufe00\ufeff\uffa0\ufff9\U000e0001\U000e0041\U000e0100" {
		if got, found := unseen("pay" + string(r) + "ments"); !found || got != r {
			t.Errorf("%U is not found", r)
		}
	}
	if _, found := unseen("pay\uFE0F"); !found {
		t.Error("a mark of an emoji behind a letter is not found")
	}
}

// TestNames: what is stored already stays good, and what is refused is named.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ value, old, want string }{
		{"fine", "", ""}, {"", "", "required"}, {" ", "", "required"}, {" a", "", "invalid"}, {"a ", "", "invalid"}, {"a\u00A0", "", "invalid"}, {"a\u3000", "", "invalid"},
		{"a\u200b", "", "invalid"}, {"a\tb", "", "invalid"}, {"a\u202eb", "", "invalid"}, {"a\nb", "", "invalid"}, {strings.Repeat("x", 201), "", "max"},
		{"a\u200b", "a\u200b", ""}, {" a", " a", ""}, {"b\u200b", "a\u200b", "invalid"}, {"", "a", "required"},
	} {
		var p Problems
		p.Name("name", tt.value, tt.old)
		got := ""
		for _, e := range p.List {
			got = strings.TrimSpace(got + " " + e.Code)
		}
		if got != tt.want {
			t.Errorf("%q after %q: %q, want %q", tt.value, tt.old, got, tt.want)
		}
	}
}
