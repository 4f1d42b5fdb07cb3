package storage

import (
	"context"
	"math"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/layout"
)

// Results implements engine.Store. fn may call the store, but not Close.
func (db *DB) Results(ctx context.Context, check string, from, to uint64, fn func(*engine.Result) bool) error {
	err := db.view(ctx, func(tx *badger.Txn) error {
		rows := newRowCursor(tx, check, to)
		defer rows.close()
		blocks := newBlockCursor(tx, db.codec, check, from, to)
		defer blocks.close()
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := newest(rows, blocks)
			if err != nil || r == nil || r.Seq < from {
				return err
			}
			if !call(fn, r) {
				return nil
			}
		}
	})
	if err != nil {
		return readError(err, "read the results of check %s", check)
	}
	return nil
}

// newest takes the newer of the two cursors' results, and the row where both
// have one sequence. It is nil when both are at their end.
func newest(rows *rowCursor, blocks *blockCursor) (*engine.Result, error) {
	row, err := rows.peek()
	if err != nil {
		return nil, err
	}
	folded, err := blocks.peek()
	if err != nil {
		return nil, err
	}
	switch {
	case row == nil && folded == nil:
		return nil, nil
	case row == nil || folded != nil && folded.Seq > row.Seq:
		blocks.skip()
		return folded, nil
	case folded != nil && folded.Seq == row.Seq:
		blocks.skip()
	}
	rows.skip()
	return row, nil
}

// newestBelow is the highest sequence below to, where 0 is no bound.
func newestBelow(to uint64) uint64 {
	if to == 0 {
		return math.MaxUint64
	}
	return to - 1
}

// rowCursor walks the rows of a check, newest first.
type rowCursor struct {
	it   *badger.Iterator
	next *engine.Result
}

func newRowCursor(tx *badger.Txn, check string, to uint64) *rowCursor {
	it := tx.NewIterator(badger.IteratorOptions{Prefix: layout.Join(layout.RowSpace, check)})
	it.Seek(layout.SeqKey(layout.RowSpace, check, newestBelow(to)))
	return &rowCursor{it: it}
}

func (c *rowCursor) peek() (*engine.Result, error) {
	if c.next != nil || !c.it.Valid() {
		return c.next, nil
	}
	r, err := rowResult(c.it.Item())
	if err != nil {
		return nil, err
	}
	c.next = &r
	return c.next, nil
}

func (c *rowCursor) skip() {
	c.next = nil
	c.it.Next()
}

func (c *rowCursor) close() { c.it.Close() }

func rowResult(item *badger.Item) (engine.Result, error) {
	check, seq, ok := layout.SplitSeqKey(item.Key())
	if !ok {
		return engine.Result{}, binenc.ErrDamaged
	}
	var r engine.Result
	err := valueOf(item, func(b []byte) (err error) {
		r, err = block.DecodeRow(check, seq, b)
		return err
	})
	return r, err
}

// blockCursor walks the results in the blocks of a check, newest first.
type blockCursor struct {
	it    *badger.Iterator
	codec *block.Codec
	check string
	from  uint64
	below uint64          // no results above it
	left  []engine.Result // of the block at hand, rising
}

func newBlockCursor(tx *badger.Txn, codec *block.Codec, check string, from, to uint64) *blockCursor {
	it := tx.NewIterator(badger.IteratorOptions{Prefix: layout.Join(layout.BlockSpace, check)})
	it.Seek(layout.SeqKey(layout.BlockSpace, check, newestBelow(to)))
	return &blockCursor{it: it, codec: codec, check: check, from: from, below: newestBelow(to)}
}

func (c *blockCursor) peek() (*engine.Result, error) {
	for len(c.left) == 0 {
		if !c.it.Valid() {
			return nil, nil
		}
		if err := c.load(); err != nil {
			return nil, err
		}
	}
	return &c.left[len(c.left)-1], nil
}

// load takes up the block under the iterator, or ends the walk when all it
// holds is too old.
func (c *blockCursor) load() error {
	c.left = nil
	return valueOf(c.it.Item(), func(b []byte) error {
		head, err := block.ReadHead(b)
		if err != nil {
			return err
		}
		if head.Last < c.from {
			c.it.Seek([]byte{layout.BlockSpace + 1}) // past the end
			return nil
		}
		results, err := c.codec.Decode(c.check, b)
		if err != nil {
			return err
		}
		for len(results) > 0 && results[len(results)-1].Seq > c.below {
			results = results[:len(results)-1]
		}
		c.left = results
		c.it.Next()
		return nil
	})
}

func (c *blockCursor) skip() { c.left = c.left[:len(c.left)-1] }

func (c *blockCursor) close() { c.it.Close() }

// LatestResults implements engine.Store. It looks at one row of each check. fn
// may call the store, but not Close.
func (db *DB) LatestResults(ctx context.Context, fn func(*engine.Result) bool) error {
	err := db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte{layout.RowSpace}})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := rowResult(it.Item())
			if err != nil {
				return err
			}
			if !call(fn, &r) {
				return nil
			}
			skipCheck(it)
		}
		return nil
	})
	if err != nil {
		return readError(err, "read the latest results")
	}
	return nil
}

// skipCheck moves to the first row of the next check.
func skipCheck(it *badger.Iterator) {
	key := it.Item().KeyCopy(nil)
	it.Seek(layout.After(key[:len(key)-8]))
}
