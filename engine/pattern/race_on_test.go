//go:build race

package pattern

import "time"

const slack = 3 * time.Second
