//go:build race

package monitor_test

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true
