package webform

import "testing"

func TestSentences(t *testing.T) {
	for in, want := range map[string]string{"": "", "This field is required.": "This field is required.", "Is it?": "Is it?", "über": "Über."} {
		if got := Sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
}
