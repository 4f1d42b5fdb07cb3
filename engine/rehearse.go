package engine

import (
	"context"
	"errors"
	"slices"
)

type rehearsing struct{}

// errRehearsed ends a rehearsed change that would have been accepted.
var errRehearsed = errors.New("this was a rehearsal: nothing was changed")

// Rehearse returns a context in which changes are validated and not made: they
// fail, with the error that they would have failed with when there is one.
func Rehearse(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsing{}, true)
}

// rehearsed makes fn undo itself when ctx is a rehearsal's.
func rehearsed(ctx context.Context, fn func(*tx) error) func(*tx) error {
	if ctx.Value(rehearsing{}) == nil {
		return fn
	}
	return func(x *tx) error {
		dues := slices.Clone(x.e.dues)
		err := fn(x)
		x.e.dues = dues // what the change would have brought about does not come due
		if err != nil {
			return err
		}
		return errRehearsed
	}
}
