package state

import (
	"time"

	"moonwatch/engine"
)

// Transition is a change of status of a check or subject. Together they say
// exactly when something passed, failed or was unknown, whatever became of the
// results. They are appended, under the term "of:<kind>:<id>", in order of time.
type Transition struct {
	Of     string    `json:"of"` // "check:<id>", "service:<id>" or "instance:<id>"
	At     time.Time `json:"at"`
	From   string    `json:"from"` // CheckStatus or Status
	To     string    `json:"to"`
	Active bool      `json:"active"` // check: whether it is active from then on
}

// Changed records a change of status.
func (x *Tx) Changed(of, from, to string, active bool) {
	x.Write(engine.KindTransition, of+"/"+x.State.IDs.Event(), Transition{of, x.Now.UTC(), from, to, active}, "of:"+of)
}
