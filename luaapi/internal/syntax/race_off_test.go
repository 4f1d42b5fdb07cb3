//go:build !race

package syntax_test

// slowness is how much longer everything may take than it should.
const slowness = 1
