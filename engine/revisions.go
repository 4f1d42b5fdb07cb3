package engine

import (
	"errors"
)

// retrying calls save until it does not meet a change made meanwhile. The
// values given belong to a revision; when that is no longer the newest, the
// caller has to look again.
func retrying(save func() error) error {
	for range 3 {
		if err := save(); !errors.Is(err, errRetry) {
			return err
		}
	}
	return errChanged
}

var errRetry = errors.New("changed while it was being cleaned")

// atRevision makes sure that a save is made against the newest revision.
func atRevision(kind Kind, given uint64, gone bool, now func() uint64) error {
	switch {
	case gone && given > 0:
		return missing(kind)
	case !gone && given != now():
		return errChanged
	}
	return nil
}
