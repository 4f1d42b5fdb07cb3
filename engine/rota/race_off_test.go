//go:build !race

package rota

// slowness is how much longer everything may take than it should.
const slowness = 1
