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
func (st *State) Try(ctx context.Context, by engine.Actor, fn func(*Tx) error) error {
	err := st.ask(ctx, command{by: by, do: func(x *Tx) error {
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
