package luaapi

import (
	"strings"
	"testing"
	"unicode/utf8"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/module"
)

// TestStatusMessageWithin holds that a bounded status message is within its bound
// in every unit, one line, and says how many checks are left out.
func TestStatusMessageWithin(t *testing.T) {
	s := alertCall().Service
	whole := binding.StatusMessage(s, true)
	if got := binding.StatusWithin(s, true, 1000, module.CountBytes); got != whole {
		t.Errorf("got %q, want %q", got, whole)
	}
	for most, want := range map[int]string{len(whole) - 1: "left leg (wing is mi…), right leg", 116: "left leg (win…), right leg", 104: ". Checks failing: … and 2 more", 90: "https://moon.example/services/s1"} {
		if got := binding.StatusWithin(s, true, most, utf8.RuneCountInString); !strings.HasSuffix(got, want) {
			t.Errorf("in %d: got %q, want it to end with %q", most, got, want)
		}
	}
	s.Name = strings.Repeat("日本👩‍👧\n", 300)
	for most := range 700 {
		for _, name := range module.UnitNames {
			got := binding.StatusWithin(s, true, most, module.MeasureNamed(name))
			if n := module.MeasureNamed(name)(got); n > most || strings.Contains(got, "\n") || !utf8.ValidString(got) {
				t.Fatalf("%d %s of %d: %q", n, name, most, got)
			}
		}
	}
}

func TestStatusMessage(t *testing.T) {
	s := alertCall().Service
	s.OverallStatus = engine.StatusPassing
	if got := binding.StatusMessage(s, true); got != "Service Shop is back to normal: https://moon.example/services/s1" {
		t.Error(got)
	}
	s.OverallStatus, s.Subject.Kind = engine.StatusWarning, engine.KindInstance
	if got := binding.StatusMessage(s, false); got != "Instance Shop reporting WARNING status: https://moon.example/services/s1" {
		t.Error(got)
	}
}
