package engine

import (
	"time"
)

func (c *Check) rule() Rule {
	after := c.UnknownAfter.Std()
	if after == 0 {
		after = max(3*c.every(), 5*time.Minute)
	}
	return Rule{Importance: c.Importance, Debounce: c.Debounce, RecoverAfter: c.RecoverAfter, NoData: c.NoData, UnknownAfter: after}
}
