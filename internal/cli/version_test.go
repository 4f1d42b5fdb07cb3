package cli

import (
	"runtime/debug"
	"testing"
)

// TestBuiltVersion: a binary that was given no version says what Go knows of it.
func TestBuiltVersion(t *testing.T) {
	module := func(v string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: v}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	for _, tt := range []struct {
		info *debug.BuildInfo
		ok   bool
		want string
	}{
		{nil, false, "dev"},
		{module("(devel)"), true, "dev"},
		{module(""), true, "dev"},
		{module("v1.2.3", commit), true, "1.2.3"},
		{module("(devel)", commit), true, "dev-0123456789ab"},
	} {
		if got := builtVersion(tt.info, tt.ok); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.info, got, tt.want)
		}
	}
}
