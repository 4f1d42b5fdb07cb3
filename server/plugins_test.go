package server

import (
	"testing"

	"moonwatch/engine"
)

func TestStateOfAPlugin(t *testing.T) {
	runs, problem := &fakePlugin{}, &engine.PluginProblem{Message: "unexpected end", File: "x.lua", Line: 3}
	for _, tt := range []struct {
		name      string
		entry     engine.PluginEntry
		suspended string
		want      pluginState
	}{
		{"runs", engine.PluginEntry{Plugin: runs}, "", pluginActive},
		{"held", engine.PluginEntry{Plugin: runs}, "too many limits", pluginSuspended},
		{"never loaded", engine.PluginEntry{Problem: problem}, "", pluginFailed},
		{"newer file does not load", engine.PluginEntry{Plugin: runs, Problem: problem}, "", pluginFailed},
		{"what would replace a shipped one does not load", engine.PluginEntry{Plugin: runs, Shipped: true, Problem: problem}, "", pluginActive},
		{"its file is gone", engine.PluginEntry{Plugin: runs, Orphaned: true}, "", pluginOrphaned},
	} {
		if got := stateOf(tt.entry, tt.suspended); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
