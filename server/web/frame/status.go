package frame

import (
	"html/template"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
)

// A status is shown by shape, word and colour, never by colour alone. Colours are
// those of statuses: how a delivery, an incident or a silence stands is said by
// shape, word and ink.

// shape is how a status looks: the symbol, the class that colours it and its word.
type shape struct{ symbol, class, Word string }

// unknownShape is that of what has no status, or one that nobody thought of here.
func unknownShape() shape { return shape{"st-unknown", "unknown", "Unknown"} }

// StatusShape is how the status of a service or instance, or a severity, looks.
func StatusShape(s engine.Status) shape {
	switch s {
	case engine.StatusPassing:
		return shape{"st-passing", "passing", "Passing"}
	case engine.StatusWarning:
		return shape{"st-warning", "warning", "Warning"}
	case engine.StatusError:
		return shape{"st-error", "error", "Error"}
	case engine.StatusCritical:
		return shape{"st-critical", "critical", "Critical"}
	}
	return unknownShape()
}

// checkStatusShape is how the status of a check looks.
func checkStatusShape(s engine.CheckStatus) shape {
	switch s {
	case engine.CheckPassing:
		return StatusShape(engine.StatusPassing)
	case engine.CheckFailing:
		return shape{"st-error", "error", "Failing"}
	case engine.CheckPending:
		return shape{"st-pending", "pending", "Pending"}
	case engine.CheckUnknown:
		return unknownShape()
	}
	return unknownShape()
}

// DeliveryShape is how the state of a delivery looks.
func DeliveryShape(s engine.DeliveryState) shape {
	switch s {
	case engine.DeliveryPending:
		return shape{"st-pending", "plain", "Waiting"}
	case engine.DeliverySent:
		return shape{"st-done", "plain", "Sent"}
	case engine.DeliverySkipped:
		return shape{"st-off", "plain", "Skipped"}
	case engine.DeliveryFailed:
		return shape{"st-retry", "strong", "Will retry"}
	case engine.DeliverySuperseded:
		return shape{"st-off", "plain", "Superseded"}
	case engine.DeliveryDead:
		return shape{"st-failed", "strong", "Given up"}
	}
	return unknownShape()
}

// pagedShape is how the answer to "why was I (not) paged?" looks.
func pagedShape(p alert.Paged) shape {
	switch p {
	case alert.PagedNotified:
		return shape{"st-done", "plain", "Told"}
	case alert.PagedWaiting:
		return shape{"st-pending", "plain", "Waiting"}
	case alert.PagedDeferred:
		return shape{"st-pending", "strong", "Held back"}
	case alert.PagedSkipped:
		return DeliveryShape(engine.DeliverySkipped)
	case alert.PagedSuperseded:
		return DeliveryShape(engine.DeliverySuperseded)
	case alert.PagedDead:
		return DeliveryShape(engine.DeliveryDead)
	case alert.PagedNotAsked:
		return shape{"st-off", "plain", "Not asked"}
	case alert.PagedNobody:
		return shape{"st-off", "plain", "Not sent"}
	}
	return unknownShape()
}

// Mark is how things stand that the engine has no status for.
type Mark string

// The marks.
const (
	MarkPaused    Mark = "INACTIVE" // a check that is switched off
	markSucceeded Mark = "succeeded"
	markFailedRun Mark = "failed-run"
	MarkActive    Mark = "active" // plugins
	MarkBroken    Mark = "broken"
	MarkStaleFile Mark = "stale-file" // an older version runs
	MarkOrphaned  Mark = "orphaned"
	MarkSuspended Mark = "suspended"
	MarkHolding   Mark = "holding" // silences
	MarkComing    Mark = "coming"
	MarkOver      Mark = "over"
	markOpen      Mark = "open" // incidents
	markClosed    Mark = "closed"
)

func (m Mark) shape() shape {
	switch m {
	case MarkPaused:
		return shape{"st-off", "pending", "Paused"}
	case markSucceeded:
		return shape{"st-passing", "passing", "Succeeded"}
	case markFailedRun:
		return shape{"st-error", "error", "Failed"}
	case MarkActive:
		return shape{"st-done", "plain", "Active"}
	case MarkBroken:
		return shape{"st-error", "error", "Does not load"}
	case MarkStaleFile:
		return shape{"st-warning", "warning", "Newer file does not load"}
	case MarkOrphaned:
		return shape{"st-unknown", "unknown", "File is gone"}
	case MarkSuspended:
		return shape{"st-warning", "warning", "Suspended"}
	case MarkHolding:
		return shape{"mute", "strong", "Holds now"}
	case MarkComing:
		return shape{"st-pending", "plain", "Coming"}
	case MarkOver:
		return shape{"st-done", "plain", "Over"}
	case markOpen:
		return shape{"st-open", "strong", "Open"}
	case markClosed:
		return shape{"st-done", "plain", "Over"}
	}
	return unknownShape()
}

// Standing is how a check or subject stands in a list: the severity of a failure,
// or else its status, or MarkPaused. "" is that of what is gone.
type Standing string

// StandingOf is how a check stands.
func StandingOf(c *edit.CheckView) Standing {
	switch {
	case !c.Active:
		return Standing(MarkPaused)
	case c.Status == engine.CheckFailing && c.Severity != "":
		return Standing(c.Severity)
	}
	return Standing(c.Status)
}

// Shape is how the standing looks.
func (s Standing) Shape() shape {
	if m := Mark(s); m == MarkPaused {
		return m.shape()
	}
	if found := StatusShape(engine.Status(s)); found != unknownShape() {
		return found
	}
	return checkStatusShape(engine.CheckStatus(s))
}

// shapeOf is how any status looks. A text is that of a mark, a standing or a
// delivery's state, as templates write it.
func shapeOf(status any) shape {
	switch s := status.(type) {
	case engine.Status:
		return StatusShape(s)
	case engine.CheckStatus:
		return checkStatusShape(s)
	case engine.DeliveryState:
		return DeliveryShape(s)
	case alert.Paged:
		return pagedShape(s)
	case Mark:
		return s.shape()
	case Standing:
		return s.Shape()
	case string:
		for _, found := range []shape{Mark(s).shape(), Standing(s).Shape(), DeliveryShape(engine.DeliveryState(s))} {
			if found != unknownShape() {
				return found
			}
		}
	}
	return unknownShape()
}

// status draws a status with its word.
func (a *Assets) status(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status is-`+s.class+`">`) + a.icon(s.symbol, "") + template.HTML(s.Word+`</span>`)
}

// mark draws a status where there is no room for its word: it is there for
// those who hear the page, and as a tooltip.
func (a *Assets) mark(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status mark is-`+s.class+`" title="`+s.Word+`">`) + a.icon(s.symbol, "") +
		template.HTML(`<span class="hidden">`+s.Word+`</span></span>`)
}

// dot draws a status whose word stands beside it anyway.
func (a *Assets) dot(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status mark is-`+s.class+`">`) + a.icon(s.symbol, "") + `</span>`
}
