package storage

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/klauspost/compress/zstd"

	"moonwatch/storage/internal/layout"
)

// A backup is a line that names it, and a zstd stream of entries: each a key, an
// expiry and a value with their lengths; then an empty key, the number of
// entries, how much they are of what (a number of pairs of name and count; not
// in backups 1), and the SHA-256 of all before it. Secrets are in it as they are
// in the database, sealed; the key file is not.
const (
	backupName   = "moonwatch backup 2\n"
	backupName1  = "moonwatch backup 1\n"
	maxBackupKey = 64 << 10
	maxBackupVal = 32 << 20
)

// Backup writes the whole state of this moment to w, while the monitor goes on.
// It fails when the checksums of the files are not good, before and after: an
// iterator that meets a damaged block ends as if that were all.
func (db *DB) Backup(ctx context.Context, w io.Writer) error {
	err := db.verify(ctx)
	if err == nil {
		err = db.backup(ctx, w)
	}
	if err == nil {
		err = db.verify(ctx)
	}
	if err != nil {
		return readError(err, "back up the database")
	}
	return nil
}

func (db *DB) backup(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, backupName); err != nil {
		return err
	}
	pack, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := io.MultiWriter(pack, sum)
	count, contents := uint64(0), Contents{}
	err = db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			item := it.Item()
			if space := item.Key()[0]; space == layout.MetaSpace || space == layout.JournalSpace {
				continue
			}
			count++
			if err := valueOf(item, func(v []byte) error {
				return errors.Join(contents.add(item.Key(), v), writeEntry(out, item.Key(), item.ExpiresAt(), v))
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = out.Write(contents.append(binary.AppendUvarint([]byte{0}, count)))
	}
	if err == nil {
		_, err = pack.Write(sum.Sum(nil))
	}
	return errors.Join(err, pack.Close())
}

func writeEntry(w io.Writer, key []byte, expires uint64, value []byte) error {
	b := append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	b = binary.AppendUvarint(b, expires)
	b = binary.AppendUvarint(b, uint64(len(value)))
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(value)
	return err
}

// Restore makes the database of the data folder dir, which must be empty, from a
// backup. Until it has ended well, Open refuses the folder.
func Restore(ctx context.Context, dir string, r io.Reader, o Options) (err error) {
	db, err := Open(dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.restore(ctx, r); err != nil {
		return fmt.Errorf("restore into %s: %w", dir, err)
	}
	return nil
}

func (db *DB) restore(ctx context.Context, r io.Reader) error {
	if empty, err := db.empty(ctx); err != nil {
		return err
	} else if !empty {
		return errors.New("the folder holds a database already; choose an empty one")
	}
	in, err := newEntryReader(r)
	if err != nil {
		return err
	}
	defer in.unpack.Close()
	if err := db.write(ctx, []op{{key: layout.MetaKey(layout.MetaRestoring)}}); err != nil {
		return err
	}
	if err := db.restoreEntries(ctx, in); err != nil {
		return err
	}
	return db.write(ctx, []op{{key: layout.MetaKey(layout.MetaRestoring), delete: true}})
}

// empty reports that the database holds meta records alone.
func (db *DB) empty(ctx context.Context) (empty bool, err error) {
	err = db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		empty = true
		for it.Rewind(); it.Valid() && empty; it.Next() {
			empty = it.Item().Key()[0] == layout.MetaSpace
		}
		return nil
	})
	return empty, err
}

// write has the committer write ops.
func (db *DB) write(ctx context.Context, ops []op) error {
	return db.do(ctx, &job{alone: true, plan: func(*badger.Txn) ([]op, error) { return ops, nil }})
}

func (db *DB) restoreEntries(ctx context.Context, in *entryReader) error {
	now := uint64(time.Now().Unix())
	var ops []op
	lasting := Contents{} // what does not expire while this goes on
	size := 0
	for {
		o, err := in.next()
		if err != nil {
			return err
		}
		if o != nil && (o.expires == 0 || o.expires > now) {
			ops = append(ops, *o)
			size += len(o.key) + len(o.value)
			if o.expires == 0 {
				if err := lasting.add(o.key, o.value); err != nil {
					return err
				}
			}
		}
		if len(ops) > 0 && (o == nil || len(ops) == 1000 || size > 512<<10) {
			if err := db.write(ctx, ops); err != nil {
				return err
			}
			ops, size = nil, 0
		}
		if o == nil {
			return db.wantContents(ctx, lasting)
		}
	}
}

// wantContents compares what was written with what is there.
func (db *DB) wantContents(ctx context.Context, want Contents) error {
	got := Contents{}
	err := db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if item.ExpiresAt() != 0 || item.Key()[0] == layout.MetaSpace {
				continue
			}
			if err := valueOf(item, func(v []byte) error { return got.add(item.Key(), v) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !maps.Equal(got, want) {
		err = fmt.Errorf("the folder holds %v, and the backup %v", got, want)
	}
	return err
}

// entryReader reads the entries of a backup and checks them against its end.
type entryReader struct {
	unpack   *zstd.Decoder
	in       *bufio.Reader
	counted  bool // its end says what it holds
	sum      hash.Hash
	count    uint64
	contents Contents
}

// newEntryReader reads the name of a backup. Who calls it closes unpack.
func newEntryReader(r io.Reader) (*entryReader, error) {
	name := make([]byte, len(backupName))
	if _, err := io.ReadFull(r, name); err != nil || string(name) != backupName && string(name) != backupName1 {
		return nil, errors.New("this is not a backup, or one of a newer moonwatch")
	}
	unpack, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	return &entryReader{unpack: unpack, in: bufio.NewReaderSize(unpack, 64<<10), counted: string(name) == backupName,
		sum: sha256.New(), contents: Contents{}}, nil
}

// ReadBackup reads a backup to its end, and says what it holds. It returns an
// error for one that Restore would not take.
func ReadBackup(ctx context.Context, r io.Reader) (Contents, error) {
	in, err := newEntryReader(r)
	if err != nil {
		return nil, err
	}
	defer in.unpack.Close()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if o, err := in.next(); err != nil || o == nil {
			return in.contents, err
		}
	}
}

// errCut is what a backup ends with that was not written to its end.
var errCut = errors.New("the backup is damaged or was cut off")

// next returns the next entry, nil after the last one.
func (e *entryReader) next() (*op, error) {
	key, err := e.bytes(maxBackupKey)
	if err != nil {
		return nil, err
	}
	if len(key) == 0 {
		return nil, e.end()
	}
	expires, err := e.uvarint()
	if err != nil {
		return nil, err
	}
	value, err := e.bytes(maxBackupVal)
	if err != nil {
		return nil, err
	}
	e.count++
	if err := e.contents.add(key, value); err != nil {
		return nil, err
	}
	return &op{key: key, expires: expires, value: value}, nil
}

func (e *entryReader) end() error {
	count, err := e.uvarint()
	if err != nil {
		return err
	}
	if e.counted {
		said, err := e.saidContents()
		if err != nil {
			return err
		}
		if !maps.Equal(said, e.contents) {
			return fmt.Errorf("%w: it holds %v, and was made of %v", errCut, e.contents, said)
		}
	}
	want := e.sum.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(e.in, got); err != nil || count != e.count || string(got) != string(want) {
		return errCut
	}
	if _, err := e.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the backup: it is not as it was written")
	}
	return nil
}

func (e *entryReader) saidContents() (Contents, error) {
	n, err := e.uvarint()
	if err != nil || n > 1000 {
		return nil, errCut
	}
	said := Contents{}
	for range n {
		name, err := e.bytes(maxBackupKey)
		if err != nil {
			return nil, err
		}
		if said[string(name)], err = e.uvarint(); err != nil {
			return nil, err
		}
	}
	return said, nil
}

func (e *entryReader) uvarint() (uint64, error) {
	v, err := binary.ReadUvarint(e.in)
	if err != nil {
		return 0, errCut
	}
	e.sum.Write(binary.AppendUvarint(nil, v))
	return v, nil
}

func (e *entryReader) bytes(most uint64) ([]byte, error) {
	n, err := e.uvarint()
	if err != nil || n > most {
		return nil, errCut
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(e.in, b); err != nil {
		return nil, errCut
	}
	e.sum.Write(b)
	return b, nil
}
