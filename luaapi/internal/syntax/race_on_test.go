//go:build race

package syntax_test

// slowness is how much longer everything may take than it should: the race detector
// makes it so.
const slowness = 10
