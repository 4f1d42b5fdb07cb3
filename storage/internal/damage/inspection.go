package damage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/badgerfile"
	"moonwatch/storage/internal/disk"
)

// NewName is a file that marks a database which is being made: nothing was stored
// in it yet.
const NewName = "NEW"

// makingCommits is how many commits the making of a database takes at most.
const makingCommits = 2

// Inspection is what was found in the files of a database.
type Inspection struct {
	Fresh bool            // there is nothing yet
	WAL   int64           // bytes of the write-ahead logs, which opening replays
	Lost  map[string]bool // value logs that are gone: no value may lie there

	dir, path string
	log       func(format string, args ...any) // what is odd and does no harm

	last     *last // nil: unknown
	strict   bool  // last is unknown, but was known once
	manifest badger.Manifest
	vlogs    map[uint32]map[uint32]uint32 // by number: the lengths of entries by where they are

	flushed uint64   // the last commit in the tables
	commits []uint64 // in the write-ahead logs, rising
	repairs []func() error
}

// Error is the error for files that are not as they were left.
type Error string

// Error is the text for people.
func (e Error) Error() string { return string(e) }

// Inspect looks at the files of the database that a data folder dir has at path; an
// Error is for what Badger must not open. Nobody may open it meanwhile. Where all
// is well it mends what crashes leave, and where it is not, it changes nothing.
// log is told what is odd and does no harm.
func Inspect(dir, path string, log func(format string, args ...any)) (*Inspection, error) {
	in := &Inspection{dir: dir, path: path, log: log}
	if err := in.look(); err != nil {
		return nil, err
	}
	return in, nil
}

// Held is the number of the last commit that is there.
func (in *Inspection) Held() uint64 {
	if n := len(in.commits); n > 0 {
		return max(in.commits[n-1], in.flushed)
	}
	return in.flushed
}

// Damaged is the Error for a damage that showed when Badger had opened the
// database; file is below its folder, or "" for the whole.
func (in *Inspection) Damaged(file, format string, args ...any) error {
	return Error(fmt.Sprintf("the data folder %s is damaged: %s %s. Put the file back as it was, "+
		"or make a folder from a backup: moonwatch restore FILE --data ANOTHER", in.dir, filepath.Join("db", file), fmt.Sprintf(format, args...)))
}

// damaged is the same before Badger has opened it.
func (in *Inspection) damaged(file, format string, args ...any) error {
	return in.Damaged(file, format+". Nothing was changed", args...)
}

// Made takes the mark away from a Fresh database, once something is stored in it.
func (in *Inspection) Made() error {
	// Synced, so that no power cut brings the mark back to a database in use.
	if err := errors.Join(os.Remove(filepath.Join(in.path, NewName)), disk.SyncFolder(in.path)); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// look returns an error for what Badger must not open.
func (in *Inspection) look() error {
	names, err := os.ReadDir(in.path)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range names {
		there[e.Name()] = true
	}
	delete(there, badgerfile.LockName)
	if err := in.readLast(); err != nil {
		return err
	}
	if there[NewName] {
		if in.last != nil && in.last.commit > makingCommits {
			return Error(fmt.Sprintf("the data folder %s has the file %s, which marks a database that is being made, and holds %d commits (%s says so). "+
				"Remove that file, unless somebody is making a database there. Nothing was changed", in.dir, filepath.Join("db", NewName), in.last.commit, LastName))
		}
		in.Fresh, in.last, in.strict = true, nil, false // nothing was stored yet
		return in.clear()
	}
	switch {
	case len(there) == 0 && in.last != nil:
		return in.damaged("", "is gone or empty, and it held %d commits, as %s says: to begin anew, remove that too", in.last.commit, filepath.Join(in.dir, LastName))
	case len(there) == 0:
		in.Fresh = true
		return in.mark()
	case !there[badgerfile.Manifest]:
		return in.damaged(badgerfile.Manifest, "is missing: without it nothing else there can be read")
	}
	for _, step := range []func() error{in.lookAtManifest, in.lookAtTables, in.wasKnown, in.lookAtValues, in.lookAtLogs, in.lookAtSmall} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, repair := range in.repairs {
		if err := repair(); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what an interrupted start has left.
func (in *Inspection) clear() error {
	entries, err := os.ReadDir(in.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != NewName && e.Name() != badgerfile.LockName {
			if err := os.Remove(filepath.Join(in.path, e.Name())); err != nil {
				return fmt.Errorf("clear the folder: %w", err)
			}
		}
	}
	if err := os.Remove(filepath.Join(in.dir, LastName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the folder: %w", err)
	}
	return nil
}

// mark says that the database is new, until there is something in it.
func (in *Inspection) mark() error {
	f, err := os.OpenFile(filepath.Join(in.path, NewName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), disk.SyncFolder(in.path))
	}
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// wasKnown notes that the file last is gone: a database of older versions, which
// wrote none, numbers no commits.
func (in *Inspection) wasKnown() error {
	if in.last == nil && in.flushed > 0 && !in.strict {
		in.strict = true
		in.log("%s is missing: whether the last writes are there cannot be told", LastName)
	}
	return nil
}

func (in *Inspection) readLast() error {
	l, err := readLast(in.dir)
	switch {
	case err == nil:
		in.last = l
	case errors.Is(err, binenc.ErrDamaged):
		in.strict = true
		in.log("%s is damaged: whether the last writes are there cannot be told", LastName)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w", LastName, err)
	}
	return nil
}
