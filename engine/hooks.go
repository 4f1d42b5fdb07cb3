package engine

import (
	"context"
	"time"

	"moonwatch/engine/rota"
)

// hooks are what the state asks of the parts above it. They are set before
// anything runs, and none of them blocks, but where it says so.
type hooks struct {
	due         func(x *tx, d due)                               // a time that was asked for with remind has come
	deliver     func(l lane)                                     // a delivery is to be made
	describe    func(check string)                               // a check was changed: its description may be another
	deleteCheck func(ctx context.Context, x *tx, c *Check) error // a check is deleted; it may block on the disk
	adminMade   func()                                           // there is an admin that was not there before
}

// roster knows who has which shift.
type roster interface {
	shifts(rota string) []rota.Shift          // in order; they are not to be changed
	troubles() map[string]string              // by rota: what is wrong with it
	changed(rota string, feed bool)           // a rota was edited; feed: it has another feed. It does not block
	forget(rota string)                       // a rota was deleted
	base(r *Rota, now time.Time) []rota.Shift // the shifts without overrides
}
