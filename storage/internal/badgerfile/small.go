package badgerfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// ReadManifest reads the MANIFEST of the database in a folder: the tables that it
// names, and how many bytes its whole entries take.
func ReadManifest(dir string) (m badger.Manifest, end int64, err error) {
	f, err := os.Open(filepath.Join(dir, Manifest))
	if err != nil {
		return badger.Manifest{}, 0, err
	}
	defer f.Close()
	defer catch(&err)
	return badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
}

// CheckRegistry returns an error for a registry of keys that cannot be read.
func CheckRegistry(dir string) (err error) {
	defer catch(&err)
	_, err = badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: dir, ReadOnly: true})
	return err
}

// catch makes an error of a panic in Badger.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read it: badger panicked: %v", p)
	}
}

// DiscardTrouble says what is wrong with Badger's counts of garbage, "" for
// nothing: slots of 16 bytes, of which the first zero one is the end.
func DiscardTrouble(path string) string {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		return err.Error()
	case len(b) == 0 || len(b)%(1<<20) != 0:
		return fmt.Sprintf("%d bytes", len(b))
	}
	before := uint64(0)
	for ; len(b) > 0; b = b[16:] {
		file, garbage := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if file == 0 {
			return ""
		}
		if file <= before || file > 1<<32 || garbage > 1<<40 {
			return "counts that cannot be"
		}
		before = file
	}
	return "no end"
}
