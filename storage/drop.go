package storage

import (
	"bytes"
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/layout"
)

// dropPiece is the most keys that one transaction drops.
const dropPiece = 2000

// DropResults implements engine.Store. Blocks that end below before go whole; the
// one that before cuts is written anew. Large drops take several transactions:
// a crash leaves a part of them undone.
func (db *DB) DropResults(ctx context.Context, check string, before uint64) error {
	for {
		some, err := db.droppable(ctx, check, before)
		if err == nil && some {
			err = db.dropSome(ctx, check, before)
		}
		if err != nil {
			return readError(err, "drop results of check %s", check)
		}
		if !some {
			return nil
		}
	}
}

// droppable reports whether anything of check lies below before, without
// bothering the committer.
func (db *DB) droppable(ctx context.Context, check string, before uint64) (some bool, err error) {
	if before == 0 {
		before = ^uint64(0)
	}
	err = db.view(ctx, func(tx *badger.Txn) error {
		for _, space := range []byte{layout.RowSpace, layout.BlockSpace} {
			it := tx.NewIterator(badger.IteratorOptions{Prefix: layout.Join(space, check)})
			it.Seek(layout.SeqKey(space, check, newestBelow(before)))
			some = some || it.Valid()
			it.Close()
		}
		return nil
	})
	return some, err
}

// dropSome drops up to dropPiece keys, the block that before cuts first.
func (db *DB) dropSome(ctx context.Context, check string, before uint64) error {
	return db.do(ctx, &job{alone: true, plan: func(tx *badger.Txn) ([]op, error) {
		db.folds.forget(check)
		ops, err := db.dropBlocks(tx, check, before)
		if err != nil {
			return nil, err
		}
		return dropRows(tx, check, before, ops), nil
	}})
}

func (db *DB) dropBlocks(tx *badger.Txn, check string, before uint64) ([]op, error) {
	prefix := layout.Join(layout.BlockSpace, check)
	it := tx.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	var ops []op
	for it.Seek(layout.SeqKey(layout.BlockSpace, check, newestBelow(before))); it.Valid() && len(ops) < dropPiece; it.Next() {
		ops = append(ops, op{key: it.Item().KeyCopy(nil), delete: true})
		if len(ops) > 1 || before == 0 {
			continue // only the first can be cut
		}
		kept, err := db.cutBlock(it.Item(), check, before)
		if err != nil {
			return nil, err
		}
		ops = append(ops, kept...)
	}
	return ops, nil
}

// cutBlock returns the block of what item's block holds from before on, if any.
func (db *DB) cutBlock(item *badger.Item, check string, before uint64) (kept []op, err error) {
	err = valueOf(item, func(b []byte) error {
		if head, err := block.ReadHead(b); err != nil || head.Last < before {
			return err
		}
		results, err := db.codec.Decode(check, b)
		if err != nil {
			return err
		}
		for results[0].Seq < before {
			results = results[1:]
		}
		kept = []op{db.maintainer.blockOp(check, results)}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read a block: %w", err)
	}
	return kept, nil
}

func dropRows(tx *badger.Txn, check string, before uint64, ops []op) []op {
	prefix := layout.Join(layout.RowSpace, check)
	it := tx.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(layout.SeqKey(layout.RowSpace, check, newestBelow(before))); it.Valid() && len(ops) < dropPiece; it.Next() {
		key := it.Item().KeyCopy(nil)
		if !bytes.HasPrefix(key, prefix) {
			break
		}
		ops = append(ops, op{key: key, delete: true})
	}
	return ops
}
