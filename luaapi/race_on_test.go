//go:build race

package luaapi

import "time"

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true

// patience is how long a test waits for what takes a moment.
const patience = 100 * time.Second
