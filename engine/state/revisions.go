package state

import (
	"errors"

	"moonwatch/engine"
)

// Retrying calls save until it does not meet a change made meanwhile. The
// values given belong to a revision; when that is no longer the newest, the
// caller has to look again.
func Retrying(save func() error) error {
	for range 3 {
		if err := save(); !errors.Is(err, ErrRetry) {
			return err
		}
	}
	return engine.ErrChanged
}

var ErrRetry = errors.New("changed while it was being cleaned")

// AtRevision makes sure that a save is made against the newest revision.
func AtRevision(kind engine.Kind, given uint64, gone bool, now func() uint64) error {
	switch {
	case gone && given > 0:
		return engine.Missing(kind)
	case !gone && given != now():
		return engine.ErrChanged
	}
	return nil
}

// Current returns the object with an id, to be changed or deleted, at the revision
// that the caller has seen; nil is any. Else it returns an *Error, NotFound or
// Stale.
func Current[T any](l *Layer[T], id string, seen *uint64) (*T, error) {
	v := l.Get(id)
	switch {
	case v == nil:
		return nil, engine.Missing(l.kind)
	case seen != nil && *seen != tableOf(l.kind).(*table[T]).meta(v).Revision:
		return nil, engine.ErrChanged
	}
	return v, nil
}

// Remove deletes the object with an id, which is there, by the command's caller,
// and notes it in the audit log under a name. What refers to it is the caller's
// business.
func Remove[T any](x *Tx, l *Layer[T], id, name string) {
	old := l.Get(id)
	l.Delete(id)
	x.Deletes, x.Deleter = true, x.By.Name
	x.Audit("delete", l.kind, id, name, old, nil)
}
