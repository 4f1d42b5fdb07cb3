package server

import (
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
)

func TestStateOfAPlugin(t *testing.T) {
	runs, problem := &enginetest.Plugin{}, &engine.PluginProblem{Message: "unexpected end", File: "x.lua", Line: 3}
	for _, tt := range []struct {
		name      string
		entry     engine.PluginEntry
		suspended string
		want      engine.PluginState
	}{
		{"runs", engine.PluginEntry{Plugin: runs}, "", engine.PluginActive},
		{"held", engine.PluginEntry{Plugin: runs}, "too many limits", engine.PluginSuspended},
		{"never loaded", engine.PluginEntry{Problem: problem}, "", engine.PluginFailed},
		{"newer file does not load", engine.PluginEntry{Plugin: runs, Problem: problem}, "", engine.PluginFailed},
		{"what would replace a shipped one does not load", engine.PluginEntry{Plugin: runs, Shipped: true, Problem: problem}, "", engine.PluginActive},
		{"its file is gone", engine.PluginEntry{Plugin: runs, Orphaned: true}, "", engine.PluginOrphaned},
	} {
		if got := tt.entry.State(tt.suspended); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
