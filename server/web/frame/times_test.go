package frame

import (
	"testing"
	"time"

	"moonwatch/engine"
)

// TestInstantsInTexts holds that a sentence of the engine's shows the reader's
// clock, on both sides of a clock change.
func TestInstantsInTexts(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{Zone: berlin, Now: time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)}
	for text, want := range map[string]string{
		"quiet hours until 2026-03-28T06:00:00Z":                   "quiet hours until 2026-03-28 07:00 CET",
		"ada: quiet hours until 2026-03-30T06:00:00Z, and so on":   "ada: quiet hours until 2026-03-30 08:00 CEST, and so on",
		"until 2026-03-29T20:15:00.25Z":                            "until 22:15 CEST",
		"from 2026-03-28T23:30:00Z to 2026-03-29T01:30:00Z":        "from 00:30 CET to 03:30 CEST",
		"2026-13-45T99:00:00Z is no time, nor is 2026-03-29 or 12": "2026-13-45T99:00:00Z is no time, nor is 2026-03-29 or 12",
	} {
		if got := p.local(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := KindWord(engine.AlertEscalation, 1); got != "Nobody acknowledged" {
		t.Errorf("a step is called %q", got)
	}
	if got := KindWord(engine.AlertEscalation, 0); got != "It got worse" {
		t.Errorf("a rise is called %q", got)
	}
}
