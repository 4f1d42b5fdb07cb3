package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve gives a file all the blocks of its size: writes through a map of it no
// longer depend on the disk. On file systems that cannot, it does nothing.
func reserve(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, info.Size())
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}
