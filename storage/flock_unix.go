//go:build unix && !solaris && !illumos && !aix

package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFolder takes the lock that Badger takes on an open database, so that
// nobody opens it while its files are looked at. It returns errInUse when
// somebody has.
func lockFolder(path string) (release func(), err error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errInUse
		}
		return func() {}, nil // a file system without locks: Badger says so
	}
	return func() { d.Close() }, nil
}
