package demo

import (
	"sync/atomic"
	"time"
)

// Clock is the monitor's clock: the machine's, unless it was set. It is safe for
// concurrent use.
type Clock struct{ set atomic.Pointer[time.Time] }

// Now is the instant that the clock shows.
func (c *Clock) Now() time.Time {
	if at := c.set.Load(); at != nil {
		return *at
	}
	return time.Now()
}

// Set stops the clock at an instant.
func (c *Clock) Set(at time.Time) { c.set.Store(&at) }

// Run lets it show the machine's time again.
func (c *Clock) Run() { c.set.Store(nil) }
