//go:build race

package plugintest

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true
