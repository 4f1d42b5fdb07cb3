package damage

import (
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"moonwatch/storage/internal/badgerfile"
)

// lookAtManifest wants the MANIFEST to be whole, to begin as it did, and to name
// the tables that are there: those of a flush or compaction that a crash has
// interrupted may be too many, when it is known that the MANIFEST was not cut.
func (in *Inspection) lookAtManifest() error {
	path := filepath.Join(in.path, badgerfile.Manifest)
	content, err := os.ReadFile(path)
	if err != nil {
		return in.damaged(badgerfile.Manifest, "cannot be read: %v", err)
	}
	end := int64(0)
	in.manifest, end, err = badgerfile.ReadManifest(in.path)
	if err != nil {
		return in.damaged(badgerfile.Manifest, "cannot be read: %v", err)
	}
	tables, err := badgerfile.Numbered(in.path, ".sst")
	if err != nil {
		return err
	}
	strays := []string{}
	for _, n := range tables {
		if _, named := in.manifest.Tables[uint64(n)]; !named {
			strays = append(strays, badgerfile.TableName(uint64(n)))
		}
	}
	grown := in.last != nil && in.last.manifest.size <= end &&
		crc32.Checksum(content[:in.last.manifest.size], badgerfile.Castagnoli) == in.last.manifest.sum
	switch {
	case grown: // a crash while it was written to may have left half an entry
	case end < int64(len(content)):
		return in.damaged(badgerfile.Manifest, "ends within an entry")
	case len(strays) > 0:
		return in.damaged(badgerfile.Manifest, "was cut or is another one: it does not name %s", strays[0])
	}
	return nil
}

// lookAtValues wants the value logs to reach as far as they did.
func (in *Inspection) lookAtValues() error {
	files, err := badgerfile.Numbered(in.path, ".vlog")
	if err != nil {
		return err
	}
	in.vlogs, in.Lost = map[uint32]map[uint32]uint32{}, map[string]bool{}
	for i, n := range files {
		name := filepath.Join(in.path, badgerfile.ValuesName(n))
		places := map[uint32]uint32{}
		end, id, size, err := badgerfile.ScanValues(name, 0, func(offset, length int64) { places[uint32(offset)] = uint32(length) })
		if err != nil {
			return in.damaged(badgerfile.ValuesName(n), "cannot be read: %v", err)
		}
		in.vlogs[n] = places
		mark, known := vlogMark{}, false
		if in.last != nil {
			mark, known = in.last.vlogs[n]
		}
		switch {
		case known && id != mark.id:
			return in.damaged(badgerfile.ValuesName(n), "is another file than it was")
		case known && end < mark.end:
			return in.damaged(badgerfile.ValuesName(n), "is damaged at byte %d of %d", end, mark.end)
		case in.last == nil && (i < len(files)-1 && end != size || in.strict && !badgerfile.Blank(name, end)):
			return in.damaged(badgerfile.ValuesName(n), "is damaged at byte %d of %d", end, size)
		}
	}
	if in.last != nil {
		for n := range in.last.vlogs {
			if !slices.Contains(files, n) {
				in.Lost[badgerfile.ValuesName(n)] = true
			}
		}
	}
	return nil
}

// lookAtLogs wants the write-ahead logs to reach up to the last commit without a
// gap, and what they point at to be there.
func (in *Inspection) lookAtLogs() error {
	files, err := badgerfile.Numbered(in.path, ".mem")
	if err != nil {
		return err
	}
	name := "*.mem"
	for _, n := range files {
		file := badgerfile.WALName(n)
		c, err := badgerfile.ReadWAL(filepath.Join(in.path, file))
		if err != nil {
			return in.damaged(file, "cannot be read: %v", err)
		}
		for _, commit := range c.Commits {
			if have := len(in.commits); have > 0 && commit != in.commits[have-1]+1 {
				return in.damaged(file, "does not follow the log before it: commit %d comes after %d", commit, in.commits[have-1])
			}
			in.commits = append(in.commits, commit)
		}
		for _, p := range c.Pointers {
			if places, there := in.vlogs[p.File]; !there { // it may have been collected since
				in.Lost[badgerfile.ValuesName(p.File)] = true
			} else if places[p.Offset] != p.Length {
				return in.damaged(badgerfile.ValuesName(p.File), "lacks a value that %s points at", file)
			}
		}
		if in.strict && !badgerfile.Blank(filepath.Join(in.path, file), c.End) {
			return in.damaged(file, "is damaged at byte %d", c.End)
		}
		name = file
		in.WAL += c.End
		in.repairs = append(in.repairs, func() error { return badgerfile.EndLog(filepath.Join(in.path, file), c.End) })
	}
	if len(in.commits) > 0 && in.commits[0] > in.flushed+1 {
		return in.damaged(name, "does not follow the tables: a log before it is missing, with the commits from %d to %d", in.flushed+1, in.commits[0]-1)
	}
	if have := in.Held(); in.last != nil && have < in.last.commit {
		return in.damaged(name, "is missing, cut or damaged: %d writes were acknowledged, and the last %d of them are not there. "+
			"If they are to be given up, remove %s", in.last.commit, in.last.commit-have, filepath.Join(in.dir, LastName))
	}
	return nil
}

// lookAtSmall has files made anew that hold nothing which is needed.
func (in *Inspection) lookAtSmall() error {
	remove := func(name, why string) {
		in.log("%s is damaged (%s): it is made anew, nothing is lost with it", filepath.Join("db", name), why)
		in.repairs = append(in.repairs, func() error { return os.RemoveAll(filepath.Join(in.path, name)) })
	}
	if err := badgerfile.CheckRegistry(in.path); err != nil {
		remove(badgerfile.Registry, err.Error())
	}
	// How much of each value log is garbage: counted anew as it comes.
	if why := badgerfile.DiscardTrouble(filepath.Join(in.path, badgerfile.Discard)); why != "" {
		remove(badgerfile.Discard, why)
	}
	return nil
}

// lookAtTables wants every table that the MANIFEST names to be there, with good
// checksums.
func (in *Inspection) lookAtTables() error {
	numbers := make([]uint64, 0, len(in.manifest.Tables))
	for n := range in.manifest.Tables {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	errs, commits := make([]error, len(numbers)), make([]uint64, len(numbers))
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, n := range numbers {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			commits[i], errs[i] = badgerfile.CheckTable(filepath.Join(in.path, badgerfile.TableName(n)), in.manifest.Tables[n])
		})
	}
	all.Wait()
	for i, err := range errs {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return in.damaged(badgerfile.TableName(numbers[i]), "is missing")
		case err != nil:
			return in.damaged(badgerfile.TableName(numbers[i]), "is damaged: %v", err)
		}
		in.flushed = max(in.flushed, commits[i])
	}
	return nil
}
