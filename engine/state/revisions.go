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
