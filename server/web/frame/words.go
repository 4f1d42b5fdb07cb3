package frame

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// KindOf says in words what the event of a delivery was.
func KindOf(d *engine.Delivery) string {
	if now := d.Snapshot.OverallStatus; d.Kind == engine.AlertEscalation && d.Step == 0 && now != "" && d.Snapshot.OldOverallStatus.Rank() >= now.Rank() {
		return "Told again"
	}
	return KindWord(d.Kind, d.Step)
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

// Listed writes names one after another: "Ada, Grace and Wen".
func Listed(names []string) string {
	n := len(names)
	if n < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

// After puts something before a text, or is empty with it.
func After(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// Upper begins a text with a capital.
func Upper(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
