package storage

import (
	"context"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/layout"
)

// Rows of a check are folded into a block when foldRows of them can go and
// keepRows, the newest, stay: the newest must, and the others are what pages
// show first.
const (
	foldRows = 128
	keepRows = 16

	maxFoldRows  = 1024      // in one go
	maxFoldRead  = 4 << 20   // bytes of rows in one go, about
	maxFoldBytes = 256 << 10 // of rows in one block
)

// folds knows which checks have rows to fold.
type folds struct {
	// writing is held by the committer while it plans and writes a group, and
	// by a fold while it is announced, so that no batch is in between.
	writing sync.Mutex

	mu      sync.Mutex
	rows    map[string]int    // since the last fold or start
	folded  map[string]uint64 // up to where rows were folded since the start, by check
	ready   map[string]bool   // checks with enough rows
	current *fold
	busy    bool          // a check was taken and not ended
	wake    chan struct{} // holds 1
}

// fold is one fold under way.
type fold struct {
	check   string
	upTo    uint64 // rows above it do not matter
	spoiled bool   // guarded by folds.mu: rows or blocks it has read were changed
}

func (f *folds) init() {
	f.rows, f.ready, f.folded = map[string]int{}, map[string]bool{}, map[string]uint64{}
	f.wake = make(chan struct{}, 1)
}

// count notes new rows.
func (f *folds) count(results []engine.Result) {
	if len(results) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range results {
		check := results[i].Check
		if results[i].Seq <= f.folded[check] {
			delete(f.folded, check) // a row where folds no longer look
		}
		f.add(check, 1)
	}
}

// done notes how far a fold came that was written.
func (f *folds) done(current *fold) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !current.spoiled {
		f.folded[current.check] = current.upTo
	}
}

// from is the sequence number from which on a check has rows to fold. Reading
// from there passes by the rows that earlier folds deleted, which cost as much
// as those that are there until they are compacted away.
func (f *folds) from(check string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.folded[check]
}

// counted is about how many rows a fold of check will find.
func (f *folds) counted(check string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(f.rows[check], maxFoldRows) + keepRows
}

// add counts n rows of a check. f.mu is held.
func (f *folds) add(check string, n int) {
	n += f.rows[check]
	f.rows[check] = n
	if n < foldRows+keepRows || f.ready[check] {
		return
	}
	f.ready[check] = true
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take returns a check with rows to fold.
func (f *folds) take() (check string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for check := range f.ready {
		delete(f.ready, check)
		f.busy = true
		return check, true
	}
	return "", false
}

// spoil tells a fold under way that results are written again.
func (f *folds) spoil(results []engine.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return
	}
	for i := range results {
		if results[i].Check == f.current.check && results[i].Seq <= f.current.upTo {
			f.current.spoiled = true
		}
	}
}

// forget tells a fold under way that results of check were dropped.
func (f *folds) forget(check string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.folded, check)
	if f.current != nil && f.current.check == check {
		f.current.spoiled = true
	}
}

// begin announces a fold of check.
func (f *folds) begin(check string) *fold {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = &fold{check: check, upTo: ^uint64(0)}
	return f.current
}

// end takes the fold back; rows is how many are left.
func (f *folds) end(rows int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[f.current.check] = 0
	f.add(f.current.check, rows)
	f.current, f.busy = nil, false
}

// foldReady folds what is ready, check by check, until done or ctx ends. A check
// that fails does not hold up the others. One goroutine at a time calls it.
func (db maintainer) foldReady(ctx context.Context) error {
	var first error
	for ctx.Err() == nil {
		check, ok := db.folds.take()
		if !ok {
			return first
		}
		if err := db.foldCheck(ctx, check); err != nil && first == nil {
			first = fmt.Errorf("fold the results of check %s: %w", check, err)
		}
	}
	return ctx.Err()
}

// foldCheck makes blocks of the rows of a check but for the newest ones.
func (db maintainer) foldCheck(ctx context.Context, check string) error {
	current := db.folds.begin(check)
	left := 0
	defer func() { db.folds.end(left) }()
	rows, more, err := db.oldRows(ctx, check)
	if err != nil || len(rows) == 0 {
		return err
	}
	db.folds.mu.Lock()
	current.upTo = rows[len(rows)-1].Seq
	db.folds.mu.Unlock()
	ops, err := db.foldOps(ctx, check, rows)
	if err != nil {
		return err
	}
	err = db.do(ctx, &job{plan: func(*badger.Txn) ([]op, error) {
		db.folds.mu.Lock()
		defer db.folds.mu.Unlock()
		if current.spoiled {
			left = foldRows + keepRows // come again
			return nil, nil
		}
		if more {
			left = foldRows + keepRows // there may be more
		}
		return ops, nil
	}})
	if err == nil {
		db.folds.done(current)
	}
	return err
}

// oldRows returns the oldest rows of check that can be folded, rising, none when
// they are too few; more says that it stopped before the end.
func (db maintainer) oldRows(ctx context.Context, check string) (rows []engine.Result, more bool, err error) {
	size := 0
	rows = make([]engine.Result, 0, db.folds.counted(check))
	err = db.view(ctx, func(tx *badger.Txn) error {
		prefix := layout.Join(layout.RowSpace, check)
		it := tx.NewIterator(badger.IteratorOptions{Prefix: prefix, Reverse: true})
		defer it.Close()
		start := layout.After(prefix)
		if folded := db.folds.from(check); folded > 0 {
			start = layout.SeqKey(layout.RowSpace, check, folded)
		}
		for it.Seek(start); it.Valid() && !more; it.Next() {
			r, err := rowResult(it.Item())
			if err != nil {
				return err
			}
			rows = append(rows, r)
			size += resultSize(&r)
			more = len(rows) == maxFoldRows+keepRows || size > maxFoldRead
		}
		return nil
	})
	if err != nil || !more && len(rows) < foldRows+keepRows {
		return nil, false, err
	}
	return rows[:max(len(rows)-keepRows, 0)], more, nil
}

// foldOps replaces rows, and the blocks that they lie within, by new blocks.
func (db maintainer) foldOps(ctx context.Context, check string, rows []engine.Result) ([]op, error) {
	results := rows
	ops := make([]op, 0, len(rows)+2)
	for i := range rows {
		ops = append(ops, op{key: layout.SeqKey(layout.RowSpace, check, rows[i].Seq), delete: true})
	}
	err := db.view(ctx, func(tx *badger.Txn) error {
		old, firsts, err := overlapped(tx, db.codec, check, rows[0].Seq, rows[len(rows)-1].Seq)
		for _, first := range firsts {
			ops = append(ops, op{key: layout.SeqKey(layout.BlockSpace, check, first), delete: true})
		}
		results = mergeResults(old, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	for len(results) > 0 {
		n := blockLength(results)
		ops = append(ops, db.blockOp(check, results[:n]))
		results = results[n:]
	}
	return ops, nil
}

func (db maintainer) blockOp(check string, results []engine.Result) op {
	return op{key: layout.SeqKey(layout.BlockSpace, check, results[0].Seq), value: db.codec.Encode(results)}
}

// overlapped returns the results of all blocks that reach into first..last,
// rising, and where the blocks begin.
func overlapped(tx *badger.Txn, codec *block.Codec, check string, first, last uint64) (results []engine.Result, firsts []uint64, err error) {
	cursor := newBlockCursor(tx, codec, check, first, last+1)
	defer cursor.close()
	cursor.below = ^uint64(0)
	for cursor.it.Valid() {
		if err := cursor.load(); err != nil {
			return nil, nil, err
		}
		if len(cursor.left) == 0 {
			break
		}
		firsts = append(firsts, cursor.left[0].Seq)
		results = append(cursor.left, results...)
	}
	return results, firsts, nil
}

// mergeResults merges two rising lists; of one sequence, that of rows stays.
func mergeResults(old, rows []engine.Result) []engine.Result {
	if len(old) == 0 {
		return rows
	}
	merged := make([]engine.Result, 0, len(old)+len(rows))
	for len(old) > 0 && len(rows) > 0 {
		switch {
		case old[0].Seq < rows[0].Seq:
			merged, old = append(merged, old[0]), old[1:]
			continue
		case old[0].Seq == rows[0].Seq:
			old = old[1:]
		}
		merged, rows = append(merged, rows[0]), rows[1:]
	}
	return append(append(merged, old...), rows...)
}

// blockLength is how many of the results go into one block.
func blockLength(results []engine.Result) int {
	size := 0
	for i := range results {
		size += resultSize(&results[i])
		if i > 0 && (size > maxFoldBytes || i == block.MaxCount) {
			return i
		}
	}
	return len(results)
}

// resultSize is about the bytes of a result in a block before compression.
func resultSize(r *engine.Result) int {
	n := 8 + len(r.Error) + len(r.Message) + len(r.RawData) + len(r.Traceback) + 16*len(r.Metrics)
	for i := range r.Log {
		n += 8 + len(r.Log[i].Message)
	}
	return n
}
