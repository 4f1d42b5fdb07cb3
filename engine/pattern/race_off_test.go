//go:build !race

package pattern

import "time"

// slack is how late an end may be.
const slack = 300 * time.Millisecond
