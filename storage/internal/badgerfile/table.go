package badgerfile

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
	"google.golang.org/protobuf/proto"

	"moonwatch/storage/internal/layout"
)

// CheckTable reads a table whole and compares its checksums. commit is the last
// one that it holds.
func CheckTable(path string, m badger.TableManifest) (commit uint64, err error) {
	defer catch(&err)
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
	it.Seek(y.KeyWithTs([]byte(layout.CommitKey), math.MaxUint64))
	if !it.Valid() || string(y.ParseKey(it.Key())) != layout.CommitKey {
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

// wholeBlocks reads all blocks of a table, and compares their checksums. Over
// some that cannot be unpacked Badger panics.
func wholeBlocks(t interface{ VerifyChecksum() error }) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("a block of it cannot be read")
		}
	}()
	return t.VerifyChecksum()
}
