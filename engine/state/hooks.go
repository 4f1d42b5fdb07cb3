package state

import (
	"context"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
)

// Hooks are what the state asks of the parts above it. They are set before
// anything runs, and none of them blocks, but where it says so.
type Hooks struct {
	Due         func(x *Tx, d Timer)                                    // a time that was asked for with remind has come
	Deliver     func(l engine.Lane)                                     // a delivery is to be made
	Describe    func(check string)                                      // a check was changed: its description may be another
	DeleteCheck func(ctx context.Context, x *Tx, c *engine.Check) error // a check is deleted; it may block on the disk
	AdminMade   func()                                                  // there is an admin that was not there before
}

// roster knows who has which shift.
type roster interface {
	Shifts(rota string) []rota.Shift                 // in order; they are not to be changed
	Troubles() map[string]string                     // by rota: what is wrong with it
	Changed(rota string, feed bool)                  // a rota was edited; feed: it has another feed. It does not block
	Forget(rota string)                              // a rota was deleted
	Base(r *engine.Rota, now time.Time) []rota.Shift // the shifts without overrides
}
