//go:build race

package pattern

import "time"

// slack is how late an end may be: the race detector makes everything ten times slower.
const slack = 10 * time.Second
