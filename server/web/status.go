package web

import (
	"fmt"
	"html/template"
)

// A status is shown by shape, word and colour, never by colour alone.

// shape is how a status looks: the symbol, the class that colours it and its word.
type shape struct{ symbol, class, word string }

func shapeOf(status string) shape {
	switch status {
	case "PASSING":
		return shape{"st-passing", "passing", "Passing"}
	case "WARNING":
		return shape{"st-warning", "warning", "Warning"}
	case "ERROR":
		return shape{"st-error", "error", "Error"}
	case "CRITICAL":
		return shape{"st-critical", "critical", "Critical"}
	case "FAILING":
		return shape{"st-error", "error", "Failing"}
	case "UNKNOWN":
		return shape{"st-unknown", "unknown", "Unknown"}
	case "PENDING":
		return shape{"st-pending", "pending", "Pending"}
	case "INACTIVE":
		return shape{"st-off", "pending", "Paused"}
	case "succeeded":
		return shape{"st-passing", "passing", "Succeeded"}
	case "failed-run":
		return shape{"st-error", "error", "Failed"}
	case "sent":
		return shape{"st-passing", "passing", "Sent"}
	case "pending":
		return shape{"st-pending", "pending", "Waiting"}
	case "skipped":
		return shape{"st-off", "pending", "Skipped"}
	case "failed":
		return shape{"st-warning", "warning", "Will retry"}
	case "superseded":
		return shape{"st-off", "pending", "Superseded"}
	case "dead":
		return shape{"st-critical", "critical", "Given up"}
	case "active":
		return shape{"st-passing", "passing", "Active"}
	case "broken":
		return shape{"st-error", "error", "Does not load"}
	case "stale-file":
		return shape{"st-warning", "warning", "Newer file does not load"}
	case "orphaned":
		return shape{"st-unknown", "unknown", "File is gone"}
	case "suspended":
		return shape{"st-warning", "warning", "Suspended"}
	case "told":
		return shape{"st-passing", "passing", "Told"}
	case "waiting":
		return shape{"st-pending", "pending", "Waiting"}
	case "held":
		return shape{"st-warning", "warning", "Held back"}
	case "not_asked":
		return shape{"st-off", "pending", "Not asked"}
	case "nobody":
		return shape{"st-off", "pending", "Not sent"}
	case "holding":
		return shape{"mute", "warning", "Holds now"}
	case "coming":
		return shape{"st-pending", "pending", "Coming"}
	case "over":
		return shape{"st-off", "pending", "Over"}
	case "open":
		return shape{"st-error", "error", "Open"}
	case "closed":
		return shape{"st-passing", "passing", "Over"}
	}
	return shape{"st-unknown", "unknown", "Unknown"}
}

// status draws a status with its word.
func (a *assets) status(status any) template.HTML {
	s := shapeOf(fmt.Sprint(status))
	return template.HTML(`<span class="status is-`+s.class+`">`) + a.icon(s.symbol, "") + template.HTML(s.word+`</span>`)
}

// mark draws a status where there is no room for its word: it is there for
// those who hear the page, and as a tooltip.
func (a *assets) mark(status any) template.HTML {
	s := shapeOf(fmt.Sprint(status))
	return template.HTML(`<span class="status is-`+s.class+`" title="`+s.word+`">`) + a.icon(s.symbol, "") +
		template.HTML(`<span class="hidden">`+s.word+`</span></span>`)
}

// dot draws a status whose word stands beside it anyway.
func (a *assets) dot(status any) template.HTML {
	s := shapeOf(fmt.Sprint(status))
	return template.HTML(`<span class="status is-`+s.class+`">`) + a.icon(s.symbol, "") + `</span>`
}
