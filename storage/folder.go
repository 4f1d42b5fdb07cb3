package storage

import (
	"errors"
	"os"
	"path/filepath"

	"moonwatch/storage/internal/damage"
	"moonwatch/storage/internal/disk"
)

// Remove removes the database of a data folder that no process has open.
func Remove(dir string) error {
	err := damage.Forget(dir)
	return errors.Join(os.RemoveAll(filepath.Join(dir, "db")), err)
}

// FreeSpace returns how many bytes an ordinary user may still write to the disk
// of path; an error also where that cannot be known.
func FreeSpace(path string) (uint64, error) { return disk.Free(path) }
