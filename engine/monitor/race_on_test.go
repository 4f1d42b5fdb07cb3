//go:build race

package monitor_test

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true

// quickSequences are more than without the race detector: it looks in no longer run.
const quickSequences = 500
