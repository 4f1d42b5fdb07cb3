//go:build !race

package lualib_test

// slowness is how much longer everything may take than it should.
const slowness = 1
