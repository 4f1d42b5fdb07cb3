package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/storage/internal/badgerfile"
	"moonwatch/storage/internal/disk"
	"moonwatch/storage/internal/layout"
)

// op is one absolute change of one key.
type op struct {
	key, value []byte
	expires    uint64 // Unix seconds; 0 is never
	delete     bool
}

// job is what the committer does for somebody who waits on answer.
type job struct {
	// plan says what to write, by what tx holds. It runs on the committer's
	// goroutine and may only read.
	plan   func(tx *badger.Txn) ([]op, error)
	alone  bool // plan needs all jobs before it committed, and may iterate
	taken  atomic.Bool
	answer chan error // holds 1
}

// maxGroup is the most jobs that share a transaction.
const maxGroup = 1024

// maxLargeBytes is the most that one transaction brings to the value log.
const maxLargeBytes = 16 << 20

// Apply implements engine.Store. Batches that wait at the same time share one
// synced transaction. A context that ends while the batch waits takes it out
// again; once it is being written, Apply waits for the outcome.
func (db *DB) Apply(ctx context.Context, b *engine.Batch) error {
	s, err := stage(b)
	if err != nil {
		return err
	}
	if err := db.do(ctx, &job{plan: func(tx *badger.Txn) ([]op, error) {
		db.folds.spoil(b.Results)
		return s.plan(tx, db.terms)
	}}); err != nil {
		return fmt.Errorf("store batch %s: %w", b.ID, err)
	}
	db.folds.count(b.Results)
	return nil
}

// do hands j to the committer and waits for its answer.
func (db *DB) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.answer = make(chan error, 1)
	select {
	case <-db.quit:
		return ErrClosed
	default:
	}
	select {
	case db.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.quit:
		return ErrClosed
	}
	select {
	case err := <-j.answer:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-db.quit:
		if j.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
	}
	return <-j.answer
}

// committer writes: it is the only one. Its methods are called by its own goroutine,
// and by Open before there is one.
type committer struct{ *DB }

// commitLoop is the committer: the only goroutine that writes.
func (db committer) commitLoop() {
	defer db.done.Done()
	for {
		select {
		case <-db.quit:
			return
		case j := <-db.queue:
			db.commitGroup(db.waiting(j))
		}
	}
}

// waiting is first and what waits behind it. While one group is being written
// the next one gathers, so groups grow with the load.
func (db committer) waiting(first *job) []*job {
	group := []*job{first}
	for len(group) < maxGroup {
		select {
		case j := <-db.queue:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// group is a transaction that is being filled, and who waits for it.
type group struct {
	tx     *badger.Txn
	jobs   []*job
	weight weight
}

func (db committer) commitGroup(jobs []*job) {
	db.folds.writing.Lock()
	defer db.folds.writing.Unlock()
	var g group
	for _, j := range jobs {
		if !j.taken.CompareAndSwap(false, true) {
			continue // its caller has gone
		}
		if err := db.writable(); err != nil {
			j.answer <- err
			continue
		}
		db.add(&g, j)
	}
	db.flush(&g)
}

// writable reports why nothing can be written now, if so.
func (db committer) writable() error {
	db.viewing.RLock()
	defer db.viewing.RUnlock()
	if db.broken != nil {
		return db.broken
	}
	if err := db.space.Check(); err != nil {
		return err
	}
	if err := disk.Reserve(filepath.Join(db.space.Path, badgerfile.Manifest), manifestAhead); err != nil {
		return fmt.Errorf("reserve space for what lists the tables: %w", err)
	}
	return nil
}

// manifestAhead is how many bytes MANIFEST may grow by, a few hundred a table,
// until the next commit: where a record of it is written in part, all later ones
// cannot be read.
const manifestAhead = 64 << 10

// add plans j and puts it into g, or commits it by itself where it must be.
func (db committer) add(g *group, j *job) {
	if j.alone {
		if err := db.flush(g); err != nil {
			j.answer <- err
			return
		}
	}
	ops, err := db.planned(g, j)
	if err != nil || len(ops) == 0 {
		j.answer <- err
		return
	}
	w := weigh(ops)
	switch {
	case !db.fits(w):
		if err := db.flush(g); err != nil {
			j.answer <- err
			return
		}
		j.answer <- db.commitLarge(ops)
		return
	case !db.fits(g.weight.plus(w)):
		if err := db.flush(g); err != nil {
			j.answer <- err
			return
		}
	}
	if err := db.fill(g, ops); err != nil {
		g.jobs = append(g.jobs, j)
		g.fail(err)
		return
	}
	g.jobs = append(g.jobs, j)
	g.weight = g.weight.plus(w)
	if j.alone {
		db.flush(g)
	}
}

func (db committer) planned(g *group, j *job) (ops []op, err error) {
	defer catch("read the database", &err)
	if g.tx == nil {
		g.tx = db.badger.NewTransaction(true)
	}
	return j.plan(g.tx)
}

func (db committer) fill(g *group, ops []op) (err error) {
	defer catch("write to the database", &err)
	if g.tx == nil {
		g.tx = db.badger.NewTransaction(true)
	}
	return setAll(g.tx, ops)
}

// flush commits g, answers its jobs and leaves it empty.
func (db committer) flush(g *group) error {
	if g.tx == nil {
		return nil
	}
	if len(g.jobs) == 0 {
		g.fail(nil)
		return nil
	}
	err := db.commit(g.tx, g.weight.large > 0)
	if err != nil {
		db.viewing.Lock()
		err = db.breakDown(err)
		db.viewing.Unlock()
	}
	for _, j := range g.jobs {
		j.answer <- err
	}
	*g = group{}
	return err
}

// fail gives up what g holds.
func (g *group) fail(err error) {
	g.tx.Discard()
	for _, j := range g.jobs {
		j.answer <- err
	}
	*g = group{}
}

// commit commits tx under the next number, and notes that; large says that it
// writes to the value log.
func (db committer) commit(tx *badger.Txn, large bool) (err error) {
	defer catch("write to the database", &err)
	if err := tx.Set([]byte(layout.CommitKey), binary.AppendUvarint(nil, db.commits+1)); err != nil {
		return plainError(err)
	}
	if err := tx.Commit(); err != nil {
		return plainError(err)
	}
	db.commits++
	if err := db.last.Committed(db.commits, large); err != nil {
		db.log.Warn("storage: a later loss of the last writes might not be noticed", "error", err)
	}
	return nil
}

// commitOps writes ops in one transaction. Only the committer calls it, or
// Open before there is one.
func (db committer) commitOps(ops []op) (err error) {
	defer catch("write to the database", &err)
	tx := db.badger.NewTransaction(true)
	defer tx.Discard()
	if err := setAll(tx, ops); err != nil {
		return err
	}
	return db.commit(tx, weigh(ops).large > 0)
}

func setAll(tx *badger.Txn, ops []op) error {
	for i := range ops {
		o := &ops[i]
		var err error
		if o.delete {
			err = tx.Delete(o.key)
		} else {
			err = tx.SetEntry(&badger.Entry{Key: o.key, Value: o.value, ExpiresAt: o.expires})
		}
		if err != nil {
			return plainError(err)
		}
	}
	return nil
}

// plainError keeps values out of Badger's errors: "exceeded" prints its value.
func plainError(err error) error {
	for _, known := range []error{badger.ErrTxnTooBig, badger.ErrDBClosed, badger.ErrBlockedWrites, badger.ErrEmptyKey, badger.ErrInvalidKey} {
		if errors.Is(err, known) {
			return fmt.Errorf("write to the database: %w", known)
		}
	}
	text := strings.ReplaceAll(err.Error(), "\n", ": ")
	if len(text) <= 300 || len(text) <= 2000 && !strings.Contains(text, "exceeded") { // paths may be long
		return fmt.Errorf("write to the database: %s", text)
	}
	return errors.New("write to the database: badger refused it with an error too long to show")
}

// weight is what ops take of the limits of a transaction.
type weight struct {
	count, size int64
	large       int64 // bytes for the value log
}

func (w weight) plus(v weight) weight {
	return weight{w.count + v.count, w.size + v.size, w.large + v.large}
}

func weigh(ops []op) weight {
	var w weight
	for i := range ops {
		w.count++
		w.size += int64(len(ops[i].key)) + 32
		if len(ops[i].value) >= largeValue {
			w.large += int64(len(ops[i].value))
		} else {
			w.size += int64(len(ops[i].value))
		}
	}
	return w
}

// fits reports whether one transaction holds w, with a tenth to spare. A single
// large value always fits.
func (db committer) fits(w weight) bool {
	return w.count <= db.badger.MaxBatchCount()*9/10 && w.size <= db.badger.MaxBatchSize()*9/10 && w.large <= maxLargeBytes
}
