package schedule

import (
	"time"

	"moonwatch/engine"
)

// RuleOf is what judging needs to know of a check at the instant now: its
// settings, with unknown_after's default of three times its interval, at least 5
// minutes.
func RuleOf(c *engine.Check, now time.Time) engine.Rule {
	after := c.UnknownAfter.Std()
	if after == 0 {
		after = max(3*Every(c, now), 5*time.Minute)
	}
	return engine.Rule{Importance: c.Importance, Debounce: c.Debounce, RecoverAfter: c.RecoverAfter, NoData: c.NoData, UnknownAfter: after}
}
