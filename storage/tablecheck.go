package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
	"google.golang.org/protobuf/proto"
)

// lookAtTables wants every table that the MANIFEST names to be there, with good
// checksums.
func (in *inspection) lookAtTables() error {
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
			commits[i], errs[i] = checkTable(filepath.Join(in.path, tableName(n)), in.manifest.Tables[n])
		})
	}
	all.Wait()
	for i, err := range errs {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return in.damaged(tableName(numbers[i]), "is missing")
		case err != nil:
			return in.damaged(tableName(numbers[i]), "is damaged: %v", err)
		}
		in.flushed = max(in.flushed, commits[i])
	}
	return nil
}

// checkTable reads a table whole and compares its checksums. commit is the last
// one that it holds.
func checkTable(path string, m badger.TableManifest) (commit uint64, err error) {
	defer catch("read it", &err)
	if err := checkFooter(path); err != nil { // over a bad one Badger ends the process
		return 0, err
	}
	f, err := z.OpenMmapFile(path, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	t, err := table.OpenTable(f, table.Options{BlockSize: 4 << 10, Compression: m.Compression})
	if err != nil {
		return 0, err
	}
	err = wholeBlocks(t)
	if err == nil {
		commit = lastCommitOf(t)
	}
	return commit, errors.Join(err, t.Close(-1))
}

func lastCommitOf(t *table.Table) uint64 {
	it := t.NewIterator(table.NOCACHE)
	defer it.Close()
	it.Seek(y.KeyWithTs([]byte(commitKey), math.MaxUint64))
	if !it.Valid() || string(y.ParseKey(it.Key())) != commitKey {
		return 0
	}
	n, _ := binary.Uvarint(it.Value().Value)
	return n
}

// checkFooter compares the checksum of a table's index. The end of the file is
// the index, its length, its checksum and the length of that.
func checkFooter(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at := info.Size()
	back := func(n int64) ([]byte, error) {
		if at -= n; n <= 0 || at < 0 {
			return nil, errors.New("its end is not that of a table")
		}
		b := make([]byte, n)
		if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return b, nil
	}
	part := func(most int64) ([]byte, error) {
		b, err := back(4)
		if err != nil {
			return nil, err
		}
		n := int64(binary.BigEndian.Uint32(b))
		if n > most {
			n = 0
		}
		return back(n)
	}
	text, err := part(64)
	if err != nil {
		return err
	}
	var sum pb.Checksum
	if err := proto.Unmarshal(text, &sum); err != nil {
		return errors.New("its end is not that of a table")
	}
	if sum.Algo != pb.Checksum_CRC32C && sum.Algo != pb.Checksum_XXHash64 {
		return errors.New("its end is not that of a table")
	}
	index, err := part(info.Size())
	if err != nil {
		return err
	}
	if y.VerifyChecksum(index, &sum) != nil {
		return errors.New("the checksum of its index is another one")
	}
	return nil
}

// discardTrouble says what is wrong with Badger's counts of garbage, "" for
// nothing: slots of 16 bytes, of which the first zero one is the end.
func discardTrouble(path string) string {
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
