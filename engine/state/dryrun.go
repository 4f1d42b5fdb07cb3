package state

import (
	"context"
	"errors"
	"slices"
)

type dryRunKey struct{}

// errDryRun ends a rehearsed change that would have been accepted.
var errDryRun = errors.New("this was a rehearsal: nothing was changed")

// DryRun returns a context in which changes are validated and not made: they
// fail, with the error that they would have failed with when there is one.
func DryRun(ctx context.Context) context.Context {
	return context.WithValue(ctx, dryRunKey{}, true)
}

// dryRun makes fn undo itself when ctx is a rehearsal's.
func dryRun(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	if ctx.Value(dryRunKey{}) == nil {
		return fn
	}
	return func(x *Tx) error {
		dues := slices.Clone(x.State.Timers)
		err := fn(x)
		x.State.Timers = dues // what the change would have brought about does not come due
		if err != nil {
			return err
		}
		return errDryRun
	}
}
