//go:build race

package lualib_test

// slowness is how much longer everything may take than it should: the race detector
// makes it so.
const slowness = 10
