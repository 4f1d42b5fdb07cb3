package state

import (
	"context"
	"errors"
	"slices"

	"moonwatch/engine"
)

// errTried ends a change that was tried and would have been accepted.
var errTried = errors.New("this was tried: nothing was changed")

// Try is Submit for a change that is only looked at: fn runs over the state as it is,
// and what it did is forgotten. It returns fn's error.
func (e *State) Try(ctx context.Context, by engine.Actor, fn func(*Tx) error) error {
	err := e.ask(ctx, command{by: by, do: func(x *Tx) error {
		timers := slices.Clone(x.State.Timers)
		err := fn(x)
		x.State.Timers = timers // what the change would have brought about does not come due
		if err == nil {
			err = errTried
		}
		return err
	}})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

type dryRunKey struct{}

// errDryRun ends a dry run that would have been accepted.
var errDryRun = errors.New("this was a dry run: nothing was changed")

// DryRun returns a context in which changes are validated and not made: they
// fail, with the error that they would have failed with when there is one.
func DryRun(ctx context.Context) context.Context {
	return context.WithValue(ctx, dryRunKey{}, true)
}

// dryRun makes fn undo itself when ctx is a dry run's.
func dryRun(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	if ctx.Value(dryRunKey{}) == nil {
		return fn
	}
	return func(x *Tx) error {
		timers := slices.Clone(x.State.Timers)
		err := fn(x)
		x.State.Timers = timers // what the change would have brought about does not come due
		if err != nil {
			return err
		}
		return errDryRun
	}
}
