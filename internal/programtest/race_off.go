//go:build !race

package programtest

// RaceEnabled says that the race detector watches, which makes everything ten
// times slower, and larger.
const RaceEnabled = false
