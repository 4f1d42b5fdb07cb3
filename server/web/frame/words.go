package frame

import (
	"cmp"
	"slices"

	"moonwatch/engine"
)

// KindWord says in words what an event was; step is 0 but for escalation steps.
func KindWord(kind engine.AlertKind, step int) string {
	if step != 0 {
		return "Nobody acknowledged"
	}
	switch kind {
	case engine.AlertFiring:
		return "It broke"
	case engine.AlertEscalation:
		return "It got worse"
	case engine.AlertDeescalation:
		return "It got better"
	case engine.AlertUpdate:
		return "Something changed"
	case engine.AlertRepeat:
		return "Still broken"
	case engine.AlertRecovery:
		return "Back to normal"
	case engine.AlertAcknowledged:
		return "Acknowledged"
	case engine.AlertUnacknowledged:
		return "No longer acknowledged"
	case engine.AlertTest:
		return "A test"
	}
	return string(kind)
}

// WhyOf is why a delivery was not sent; of one that is to be tried again, what
// its last attempt failed with.
func WhyOf(d engine.Delivery) string {
	if d.Why == "" && d.State == engine.DeliveryFailed {
		for _, a := range slices.Backward(d.Attempts) {
			if a.Outcome == string(engine.OutcomeUnknown) {
				return "It is not known whether it arrived: " + cmp.Or(a.Error, "the attempt was cut off")
			}
			if a.Error != "" { // the last one may be under way
				return a.Error
			}
		}
	}
	return d.Why
}
