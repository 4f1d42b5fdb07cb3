package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/layout"
)

// Get implements engine.Store.
func (db *DB) Get(ctx context.Context, kind engine.Kind, id string) (engine.Record, error) {
	var r engine.Record
	err := db.view(ctx, func(tx *badger.Txn) error {
		item, err := tx.Get(layout.RecordKey(kind, id))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return engine.ErrNotFound
		}
		if err != nil {
			return err
		}
		b, err := copyOf(item)
		if err != nil {
			return err
		}
		if r, err = layout.DecodeRecord(kind, id, b); err != nil {
			return err
		}
		if expired(&r, time.Now()) {
			return engine.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return engine.Record{}, readError(err, "read %s %s", kind, id)
	}
	return r, nil
}

func expired(r *engine.Record, now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// readError wraps what is worth a context: errors that callers compare pass bare.
func readError(err error, format string, args ...any) error {
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// Scan implements engine.Store. It shows the records as they were when it began;
// fn may call the store, but not Close.
func (db *DB) Scan(ctx context.Context, kind engine.Kind, q engine.Query, fn func(engine.Record) bool) error {
	err := db.view(ctx, func(tx *badger.Txn) error {
		left := q.Limit
		now := time.Now()
		return walkIDs(ctx, tx, kind, q, func(item *badger.Item, id string) (bool, error) {
			more := true
			err := valueOf(item, func(b []byte) error {
				r, err := layout.DecodeRecord(kind, id, b)
				if err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
				if expired(&r, now) {
					return nil
				}
				left--
				more = call(fn, r) && left != 0
				return nil
			})
			return more, err
		})
	})
	if err != nil {
		return readError(err, "scan the %s records", kind)
	}
	return nil
}

// walkIDs calls fn with the items of the records that q selects but for its
// limit, until fn returns false.
func walkIDs(ctx context.Context, tx *badger.Txn, kind engine.Kind, q engine.Query, fn func(item *badger.Item, id string) (bool, error)) error {
	prefix := layout.RecordPrefix(kind)
	if q.Term != "" {
		prefix = layout.TermPrefix(kind, q.Term)
	}
	it := tx.NewIterator(badger.IteratorOptions{Prefix: prefix, Reverse: q.Reverse})
	defer it.Close()
	for it.Seek(seekStart(prefix, q)); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := string(it.Item().Key()[len(prefix):])
		if q.After != "" && id == q.After {
			continue
		}
		if !strings.HasPrefix(id, q.Prefix) {
			if q.Reverse && id > q.Prefix { // it begins right above those that are asked for
				continue
			}
			return nil
		}
		item := it.Item()
		if q.Term != "" {
			var err error
			item, err = tx.Get(layout.RecordKey(kind, id))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue // it expired after its index entry was read
			}
			if err != nil {
				return err
			}
		}
		if more, err := fn(item, id); err != nil || !more {
			return err
		}
	}
	return nil
}

// seekStart is the key at which a walk begins: prefix is that of the kind or term.
func seekStart(prefix []byte, q engine.Query) []byte {
	end := append(bytes.Clone(prefix), q.Prefix...)
	if q.Reverse {
		end = layout.After(end)
	}
	if q.After == "" {
		return end
	}
	start := append(bytes.Clone(prefix), q.After...)
	if beyond := bytes.Compare(start, end) < 0; beyond == q.Reverse {
		return start
	}
	return end
}

// Revisions implements engine.Store.
func (db *DB) Revisions(ctx context.Context, kind engine.Kind, id string) ([]engine.Revision, error) {
	var list []engine.Revision
	err := db.view(ctx, func(tx *badger.Txn) error {
		prefix := layout.RevisionPrefix(kind, id)
		it := tx.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			number := it.Item().Key()[len(prefix):]
			if len(number) != 8 {
				return binenc.ErrDamaged
			}
			b, err := copyOf(it.Item())
			if err != nil {
				return err
			}
			r, err := layout.DecodeRevision(^binary.BigEndian.Uint64(number), b)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return nil
	})
	if err != nil {
		return nil, readError(err, "read the revisions of %s %s", kind, id)
	}
	return list, nil
}
