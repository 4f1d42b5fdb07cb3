package storage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

const (
	manifestName = badger.ManifestFilename
	registryName = "KEYREGISTRY"
	discardName  = "DISCARD"
	lockName     = "LOCK"
	// newName marks a database that is being made: nothing was stored in it yet.
	newName = "NEW"
	// makingCommits is how many commits the making of a database takes at most.
	makingCommits = 2
)

var errInUse = errors.New("in use")

// inspection looks at the files of a database before Badger does, which ends the
// process over some damage, and throws data away over other: a MANIFEST that was
// cut is that of an older database, whose further tables are removed. It changes
// nothing until all is well.
type inspection struct {
	dir, path string
	log       func(format string, args ...any) // what is odd and does no harm

	fresh    bool  // there is nothing yet
	last     *last // nil: unknown
	strict   bool  // last is unknown, but was known once
	manifest badger.Manifest
	vlogs    map[uint32]map[uint32]uint32 // by number: the lengths of entries by where they are

	flushed uint64          // the last commit in the tables
	commits []uint64        // in the write-ahead logs, rising
	wal     int64           // bytes that these hold
	lost    map[string]bool // value logs that are gone: no value may lie there
	repairs []func() error
}

// damaged is a damage of a file of the database.
func (in *inspection) damaged(file, format string, args ...any) error {
	return in.damagedBeyond(file, format+". Nothing was changed", args...)
}

// damagedBeyond is damaged for what was seen when Badger had opened it.
func (in *inspection) damagedBeyond(file, format string, args ...any) error {
	return damage(fmt.Sprintf("the data folder %s is damaged: %s %s. Put the file back as it was, "+
		"or make a folder from a backup: moonwatch restore FILE --data ANOTHER", in.dir, filepath.Join("db", file), fmt.Sprintf(format, args...)))
}

// damage is the error for files that are not as they were left.
type damage string

func (d damage) Error() string { return string(d) }

// look returns an error for what Badger must not open. The folder is locked.
func (in *inspection) look() error {
	names, err := os.ReadDir(in.path)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range names {
		there[e.Name()] = true
	}
	delete(there, lockName)
	if err := in.readLast(); err != nil {
		return err
	}
	if there[newName] {
		if in.last != nil && in.last.commit > makingCommits {
			return damage(fmt.Sprintf("the data folder %s has the file %s, which marks a database that is being made, and holds %d commits (%s says so). "+
				"Remove that file, unless somebody is making a database there. Nothing was changed", in.dir, filepath.Join("db", newName), in.last.commit, lastName))
		}
		in.fresh, in.last, in.strict = true, nil, false // nothing was stored yet
		return in.clear()
	}
	switch {
	case len(there) == 0 && in.last != nil:
		return in.damaged("", "is gone or empty, and it held %d commits, as %s says: to begin anew, remove that too", in.last.commit, filepath.Join(in.dir, lastName))
	case len(there) == 0:
		in.fresh = true
		return in.mark()
	case !there[manifestName]:
		return in.damaged(manifestName, "is missing: without it nothing else there can be read")
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
func (in *inspection) clear() error {
	entries, err := os.ReadDir(in.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != newName && e.Name() != lockName {
			if err := os.Remove(filepath.Join(in.path, e.Name())); err != nil {
				return fmt.Errorf("clear the folder: %w", err)
			}
		}
	}
	if err := os.Remove(filepath.Join(in.dir, lastName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the folder: %w", err)
	}
	return nil
}

// mark says that the database is new, until there is something in it.
func (in *inspection) mark() error {
	f, err := os.OpenFile(filepath.Join(in.path, newName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncFolder(in.path))
	}
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// wasKnown notes that the file last is gone: a database of older versions, which
// wrote none, numbers no commits.
func (in *inspection) wasKnown() error {
	if in.last == nil && in.flushed > 0 && !in.strict {
		in.strict = true
		in.log("%s is missing: whether the last writes are there cannot be told", lastName)
	}
	return nil
}

func (in *inspection) readLast() error {
	l, err := readLast(in.dir)
	switch {
	case err == nil:
		in.last = l
	case errors.Is(err, errDamaged):
		in.strict = true
		in.log("%s is damaged: whether the last writes are there cannot be told", lastName)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w", lastName, err)
	}
	return nil
}

// lookAtManifest wants the MANIFEST to be whole, to begin as it did, and to name
// the tables that are there: those of a flush or compaction that a crash has
// interrupted may be too many, when it is known that the MANIFEST was not cut.
func (in *inspection) lookAtManifest() error {
	path := filepath.Join(in.path, manifestName)
	content, err := os.ReadFile(path)
	if err != nil {
		return in.damaged(manifestName, "cannot be read: %v", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return in.damaged(manifestName, "cannot be read: %v", err)
	}
	defer f.Close()
	o := badger.DefaultOptions(in.path).WithLogger(nil)
	end := int64(0)
	err = func() (err error) {
		defer catch("read it", &err)
		in.manifest, end, err = badger.ReplayManifestFile(f, 0, o)
		return err
	}()
	if err != nil {
		return in.damaged(manifestName, "cannot be read: %v", err)
	}
	tables, err := numbered(in.path, ".sst")
	if err != nil {
		return err
	}
	strays := []string{}
	for _, n := range tables {
		if _, named := in.manifest.Tables[uint64(n)]; !named {
			strays = append(strays, tableName(uint64(n)))
		}
	}
	grown := in.last != nil && in.last.manifest.size <= end &&
		crc32.Checksum(content[:in.last.manifest.size], castagnoli) == in.last.manifest.sum
	switch {
	case grown: // a crash while it was written to may have left half an entry
	case end < int64(len(content)):
		return in.damaged(manifestName, "ends within an entry")
	case len(strays) > 0:
		return in.damaged(manifestName, "was cut or is another one: it does not name %s", strays[0])
	}
	return nil
}

func tableName(n uint64) string { return fmt.Sprintf("%06d.sst", n) }

// lookAtValues wants the value logs to reach as far as they did.
func (in *inspection) lookAtValues() error {
	files, err := numbered(in.path, ".vlog")
	if err != nil {
		return err
	}
	in.vlogs, in.lost = map[uint32]map[uint32]uint32{}, map[string]bool{}
	for i, n := range files {
		name := filepath.Join(in.path, vlogName(n))
		places := map[uint32]uint32{}
		end, id, size, err := vlogEnd(name, 0, func(offset, length int64) { places[uint32(offset)] = uint32(length) })
		if err != nil {
			return in.damaged(vlogName(n), "cannot be read: %v", err)
		}
		in.vlogs[n] = places
		mark, known := vlogMark{}, false
		if in.last != nil {
			mark, known = in.last.vlogs[n]
		}
		switch {
		case known && id != mark.id:
			return in.damaged(vlogName(n), "is another file than it was")
		case known && end < mark.end:
			return in.damaged(vlogName(n), "is damaged at byte %d of %d", end, mark.end)
		case in.last == nil && (i < len(files)-1 && end != size || in.strict && !blank(name, end)):
			return in.damaged(vlogName(n), "is damaged at byte %d of %d", end, size)
		}
	}
	if in.last != nil {
		for n := range in.last.vlogs {
			if !slices.Contains(files, n) {
				in.lost[vlogName(n)] = true
			}
		}
	}
	return nil
}

// lookAtLogs wants the write-ahead logs to reach up to the last commit without a
// gap, and what they point at to be there.
func (in *inspection) lookAtLogs() error {
	files, err := numbered(in.path, ".mem")
	if err != nil {
		return err
	}
	name := "*.mem"
	for _, n := range files {
		file := memName(n)
		c, err := readWAL(filepath.Join(in.path, file))
		if err != nil {
			return in.damaged(file, "cannot be read: %v", err)
		}
		for _, commit := range c.commits {
			if have := len(in.commits); have > 0 && commit != in.commits[have-1]+1 {
				return in.damaged(file, "does not follow the log before it: commit %d comes after %d", commit, in.commits[have-1])
			}
			in.commits = append(in.commits, commit)
		}
		for _, p := range c.pointers {
			if places, there := in.vlogs[p.file]; !there { // it may have been collected since
				in.lost[vlogName(p.file)] = true
			} else if places[p.offset] != p.length {
				return in.damaged(vlogName(p.file), "lacks a value that %s points at", file)
			}
		}
		if in.strict && !blank(filepath.Join(in.path, file), c.end) {
			return in.damaged(file, "is damaged at byte %d", c.end)
		}
		name = file
		in.wal += c.end
		in.repairs = append(in.repairs, func() error { return endLog(filepath.Join(in.path, file), c.end) })
	}
	if len(in.commits) > 0 && in.commits[0] > in.flushed+1 {
		return in.damaged(name, "does not follow the tables: a log before it is missing, with the commits from %d to %d", in.flushed+1, in.commits[0]-1)
	}
	if have := in.held(); in.last != nil && have < in.last.commit {
		return in.damaged(name, "is missing, cut or damaged: %d writes were acknowledged, and the last %d of them are not there. "+
			"If they are to be given up, remove %s", in.last.commit, in.last.commit-have, filepath.Join(in.dir, lastName))
	}
	return nil
}

// held is the number of the last commit that is there.
func (in *inspection) held() uint64 {
	if n := len(in.commits); n > 0 {
		return max(in.commits[n-1], in.flushed)
	}
	return in.flushed
}

// blank reports whether a file holds nothing but zeros from an offset on.
func blank(path string, from int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(b, from)
		if slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			return false
		}
		if from += int64(n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// endLog puts zeros where a write-ahead log ends, as Badger does at each write:
// the half of a transaction that a crash may leave there reads as anything, a
// length of gigabytes too.
func endLog(path string, end int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 64)
	n, err := f.ReadAt(b, end)
	if err == nil || n > 0 {
		err = nil
		if slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			clear(b)
			_, err = f.WriteAt(b[:n], end)
		}
	} else {
		err = nil // it ends there
	}
	return errors.Join(err, f.Close())
}

// lookAtSmall has files made anew that hold nothing which is needed.
func (in *inspection) lookAtSmall() error {
	remove := func(name, why string) {
		in.log("%s is damaged (%s): it is made anew, nothing is lost with it", filepath.Join("db", name), why)
		in.repairs = append(in.repairs, func() error { return os.RemoveAll(filepath.Join(in.path, name)) })
	}
	// Nothing is encrypted by Badger, so that its registry of keys is empty.
	err := func() (err error) {
		defer catch("read it", &err)
		_, err = badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: in.path, ReadOnly: true})
		return err
	}()
	if err != nil {
		remove(registryName, err.Error())
	}
	// How much of each value log is garbage: counted anew as it comes.
	if why := discardTrouble(filepath.Join(in.path, discardName)); why != "" {
		remove(discardName, why)
	}
	return nil
}

func memName(n uint32) string { return fmt.Sprintf("%05d.mem", n) }
