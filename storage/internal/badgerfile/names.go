package badgerfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// The names of files of which a database has one.
const (
	Manifest = badger.ManifestFilename
	Registry = "KEYREGISTRY" // of keys of Badger's own encryption: empty, nothing is encrypted by it
	Discard  = "DISCARD"     // counts of garbage in value logs
	LockName = "LOCK"        // with the number of the process that has it open
)

// TableName is the name of a table.
func TableName(n uint64) string { return fmt.Sprintf("%06d.sst", n) }

// WALName is the name of a write-ahead log.
func WALName(n uint32) string { return fmt.Sprintf("%05d.mem", n) }

// ValuesName is the name of a value log.
func ValuesName(n uint32) string { return fmt.Sprintf("%06d.vlog", n) }

// Numbered returns the numbers of the files of a folder that are a number and
// the extension, rising.
func Numbered(dir, ext string) ([]uint32, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var out []uint32
	for _, name := range names {
		if text, ok := strings.CutSuffix(name, ext); ok {
			if n, err := strconv.ParseUint(text, 10, 32); err == nil {
				out = append(out, uint32(n))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
