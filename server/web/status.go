package web

import (
	"html/template"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
)

// A status is shown by shape, word and colour, never by colour alone.

// shape is how a status looks: the symbol, the class that colours it and its word.
type shape struct{ symbol, class, word string }

// unknownShape is that of what has no status, or one that nobody thought of here.
func unknownShape() shape { return shape{"st-unknown", "unknown", "Unknown"} }

// statusShape is how the status of a service or instance, or a severity, looks.
func statusShape(s engine.Status) shape {
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
		return statusShape(engine.StatusPassing)
	case engine.CheckFailing:
		return shape{"st-error", "error", "Failing"}
	case engine.CheckPending:
		return shape{"st-pending", "pending", "Pending"}
	case engine.CheckUnknown:
		return unknownShape()
	}
	return unknownShape()
}

// deliveryShape is how the state of a delivery looks.
func deliveryShape(s engine.DeliveryState) shape {
	switch s {
	case engine.DeliveryPending:
		return shape{"st-pending", "pending", "Waiting"}
	case engine.DeliverySent:
		return shape{"st-passing", "passing", "Sent"}
	case engine.DeliverySkipped:
		return shape{"st-off", "pending", "Skipped"}
	case engine.DeliveryFailed:
		return shape{"st-warning", "warning", "Will retry"}
	case engine.DeliverySuperseded:
		return shape{"st-off", "pending", "Superseded"}
	case engine.DeliveryDead:
		return shape{"st-critical", "critical", "Given up"}
	}
	return unknownShape()
}

// pagedShape is how the answer to "why was I (not) paged?" looks.
func pagedShape(p alert.Paged) shape {
	switch p {
	case alert.PagedTold:
		return shape{"st-passing", "passing", "Told"}
	case alert.PagedWaiting:
		return shape{"st-pending", "pending", "Waiting"}
	case alert.PagedHeld:
		return shape{"st-warning", "warning", "Held back"}
	case alert.PagedSkipped:
		return deliveryShape(engine.DeliverySkipped)
	case alert.PagedSuperseded:
		return deliveryShape(engine.DeliverySuperseded)
	case alert.PagedDead:
		return deliveryShape(engine.DeliveryDead)
	case alert.PagedNotAsked:
		return shape{"st-off", "pending", "Not asked"}
	case alert.PagedNobody:
		return shape{"st-off", "pending", "Not sent"}
	}
	return unknownShape()
}

// mark is how things stand that the engine has no status for.
type mark string

// The marks.
const (
	markPaused    mark = "INACTIVE" // a check that is switched off
	markSucceeded mark = "succeeded"
	markFailedRun mark = "failed-run"
	markActive    mark = "active" // plugins
	markBroken    mark = "broken"
	markStaleFile mark = "stale-file" // an older version runs
	markOrphaned  mark = "orphaned"
	markSuspended mark = "suspended"
	markHolding   mark = "holding" // silences
	markComing    mark = "coming"
	markOver      mark = "over"
	markOpen      mark = "open" // incidents
	markClosed    mark = "closed"
)

func (m mark) shape() shape {
	switch m {
	case markPaused:
		return shape{"st-off", "pending", "Paused"}
	case markSucceeded:
		return shape{"st-passing", "passing", "Succeeded"}
	case markFailedRun:
		return shape{"st-error", "error", "Failed"}
	case markActive:
		return shape{"st-passing", "passing", "Active"}
	case markBroken:
		return shape{"st-error", "error", "Does not load"}
	case markStaleFile:
		return shape{"st-warning", "warning", "Newer file does not load"}
	case markOrphaned:
		return shape{"st-unknown", "unknown", "File is gone"}
	case markSuspended:
		return shape{"st-warning", "warning", "Suspended"}
	case markHolding:
		return shape{"mute", "warning", "Holds now"}
	case markComing:
		return shape{"st-pending", "pending", "Coming"}
	case markOver:
		return shape{"st-off", "pending", "Over"}
	case markOpen:
		return shape{"st-error", "error", "Open"}
	case markClosed:
		return shape{"st-passing", "passing", "Over"}
	}
	return unknownShape()
}

// standing is how a check or subject stands in a list: the severity of a failure,
// or else its status, or markPaused. "" is that of what is gone.
type standing string

// standingOf is how a check stands.
func standingOf(c *edit.CheckView) standing {
	switch {
	case !c.Active:
		return standing(markPaused)
	case c.Status == engine.CheckFailing && c.Severity != "":
		return standing(c.Severity)
	}
	return standing(c.Status)
}

func (s standing) shape() shape {
	if m := mark(s); m == markPaused {
		return m.shape()
	}
	if found := statusShape(engine.Status(s)); found != unknownShape() {
		return found
	}
	return checkStatusShape(engine.CheckStatus(s))
}

// shapeOf is how any status looks. A text is that of a mark, a standing or a
// delivery's state, as templates write it.
func shapeOf(status any) shape {
	switch s := status.(type) {
	case engine.Status:
		return statusShape(s)
	case engine.CheckStatus:
		return checkStatusShape(s)
	case engine.DeliveryState:
		return deliveryShape(s)
	case alert.Paged:
		return pagedShape(s)
	case mark:
		return s.shape()
	case standing:
		return s.shape()
	case string:
		for _, found := range []shape{mark(s).shape(), standing(s).shape(), deliveryShape(engine.DeliveryState(s))} {
			if found != unknownShape() {
				return found
			}
		}
	}
	return unknownShape()
}

// status draws a status with its word.
func (a *assets) status(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status is-`+s.class+`">`) + a.icon(s.symbol, "") + template.HTML(s.word+`</span>`)
}

// mark draws a status where there is no room for its word: it is there for
// those who hear the page, and as a tooltip.
func (a *assets) mark(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status is-`+s.class+`" title="`+s.word+`">`) + a.icon(s.symbol, "") +
		template.HTML(`<span class="hidden">`+s.word+`</span></span>`)
}

// dot draws a status whose word stands beside it anyway.
func (a *assets) dot(status any) template.HTML {
	s := shapeOf(status)
	return template.HTML(`<span class="status is-`+s.class+`">`) + a.icon(s.symbol, "") + `</span>`
}
