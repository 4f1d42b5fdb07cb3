//go:build !race

package luaapi

import "time"

const raceEnabled = false

// patience is how long a test waits for what takes a moment.
const patience = 10 * time.Second
