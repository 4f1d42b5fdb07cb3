package web

import (
	"time"

	"moonwatch/engine"
)

// tried is what a "Try" came to.
type tried struct {
	Result *engine.Result
	At     time.Time
}
