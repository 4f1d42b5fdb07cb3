//go:build !race

package runner

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = false
