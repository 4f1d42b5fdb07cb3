//go:build race

package programtest

// RaceEnabled: the race detector makes everything ten times slower, and larger.
const RaceEnabled = true
