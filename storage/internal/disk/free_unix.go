//go:build unix && !solaris && !illumos && !netbsd && !aix

package disk

import "golang.org/x/sys/unix"

// Free is what an ordinary user may still write to the disk of path, in bytes.
func Free(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}
