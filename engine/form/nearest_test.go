package form

import "testing"

func TestClosestAlwaysNamesOne(t *testing.T) {
	fields := []string{"succeeded", "error", "message", "raw_data", "severity", "unknown"}
	for name, want := range map[string]string{
		"sucess": "succeeded", "success": "succeeded", "eror": "error", "errors": "error",
		"raw": "raw_data", "msg": "message", "UNKNOWN": "unknown",
	} {
		if got := Closest(name, fields); got != want {
			t.Errorf("Closest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := Closest("status", nil); got != "" {
		t.Errorf("Closest among none = %q, want nothing", got)
	}
}
