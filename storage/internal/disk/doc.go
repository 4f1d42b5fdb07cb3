// Package disk asks the operating system what Badger needs to know of the disk and
// does not ask: whether there is space left (Guard, Free), to give a file its
// blocks before it grows (Reserve), whether another process has the folder (Lock),
// and to make names last through a power cut (SyncFolder).
//
// Systems differ in all of that, each in a file of its own. Where one does not know
// an answer, the functions let everything pass: they are there to refuse early and
// in words what would otherwise fail late.
package disk

import "errors"

// ErrInUse is returned by Lock for a folder that another process has locked.
var ErrInUse = errors.New("in use")
