package schedule

import (
	"moonwatch/engine"
	"time"
)

func RuleOf(c *engine.Check) engine.Rule {
	after := c.UnknownAfter.Std()
	if after == 0 {
		after = max(3*Every(c), 5*time.Minute)
	}
	return engine.Rule{Importance: c.Importance, Debounce: c.Debounce, RecoverAfter: c.RecoverAfter, NoData: c.NoData, UnknownAfter: after}
}
