package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/layout"
)

const (
	// usualFoldPause lets rows of many checks gather before they are folded.
	usualFoldPause = 200 * time.Millisecond
	// sweepEvery is how often all rows are counted, for the checks that are too
	// slow to gather enough of them between two starts.
	sweepEvery = 6 * time.Hour
)

// maintainer folds results and reclaims space in the background.
type maintainer struct{ *DB }

// maintainLoop folds results as they come and reclaims space now and then.
func (db maintainer) maintainLoop() {
	defer db.done.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-db.quit
		cancel()
	}()
	var tick <-chan time.Time
	if db.options.Maintain > 0 {
		ticker := time.NewTicker(db.options.Maintain)
		defer ticker.Stop()
		tick = ticker.C
	}
	grown := time.NewTicker(time.Second)
	defer grown.Stop()
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.folds.wake:
			db.report(db.foldReady(ctx))
			pause(ctx, time.Duration(db.foldPause.Load()))
		case <-grown.C:
			db.report(db.last.Grown())
		case <-tick:
			if time.Since(swept) >= sweepEvery {
				swept = time.Now()
				db.report(db.sweep(ctx))
			}
			db.report(db.collect(ctx))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// report logs what went wrong in the background; the work comes round again.
func (db maintainer) report(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
		db.log.Warn("storage upkeep", "error", err)
	}
}

// sweep counts the rows of all checks, so that those with many are folded.
func (db maintainer) sweep(ctx context.Context) error {
	rows := map[string]int{}
	err := db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte{layout.RowSpace}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			key := it.Item().Key()
			if len(key) < 10 {
				return binenc.ErrDamaged
			}
			rows[string(key[1:len(key)-9])]++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the rows of results: %w", err)
	}
	db.folds.mu.Lock()
	defer db.folds.mu.Unlock()
	for check, n := range rows {
		if n >= foldRows+keepRows {
			db.folds.add(check, n)
		}
	}
	return nil
}

// collect frees the parts of the value log that hold little that is alive.
func (db maintainer) collect(ctx context.Context) error {
	for ctx.Err() == nil {
		err := db.upkeep("collect the value log", func() error { return db.badger.RunValueLogGC(0.5) })
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return err
		}
		// What was moved within the value log is before this in the write-ahead
		// log: it is noticed if it is not there.
		if err := db.write(ctx, []op{{key: []byte(layout.CommitKey)}}); err != nil {
			return err
		}
		if err := db.last.Refresh(false); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Settle folds all results that can be folded, and rewrites the files so that
// what was replaced and dropped takes no space. It may run for minutes on a
// large database; the monitor can go on meanwhile, more slowly.
func (db *DB) Settle(ctx context.Context) error {
	if err := db.maintainer.foldAll(ctx); err != nil {
		return err
	}
	if err := db.maintainer.flatten(); err != nil {
		return err
	}
	return db.maintainer.collect(ctx)
}

// foldAll waits until the background has folded all that can be folded.
func (db maintainer) foldAll(ctx context.Context) error {
	if err := db.sweep(ctx); err != nil {
		return err
	}
	for !db.folds.idle() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-db.quit:
			return ErrClosed
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// idle reports that no check waits to be folded.
func (f *folds) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ready) == 0 && !f.busy
}

func (db maintainer) flatten() error {
	return db.upkeep("compact the database", func() error { return db.badger.Flatten(1) })
}

// upkeep runs fn while Close waits.
func (db maintainer) upkeep(doing string, fn func() error) (err error) {
	defer catch(doing, &err)
	tx, err := db.beginView()
	if err != nil {
		return err
	}
	defer db.views.Done()
	tx.Discard()
	if err := fn(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (db maintainer) setFoldPause(d time.Duration) { db.foldPause.Store(int64(d)) }
