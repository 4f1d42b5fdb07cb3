//go:build unix && !solaris && !illumos && !aix

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Lock takes the lock that Badger takes on an open database, so that
// nobody opens it while its files are looked at. It returns ErrInUse when
// somebody has.
func Lock(path string) (release func(), err error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return func() {}, nil // a file system without locks: Badger says so
	}
	return func() { d.Close() }, nil
}
