//go:build race

package cli

// raceEnabled: the race detector makes everything ten times slower, and larger.
const raceEnabled = true
