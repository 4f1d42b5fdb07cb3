package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/damage"
	"moonwatch/storage/internal/disk"
	"moonwatch/storage/internal/layout"
)

// formatNumber is the layout that this version reads and writes. A layout that
// older versions would misread takes the next number.
const formatNumber = 1

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the database is closed")

// DB is an engine.Store on the disk. It is safe for concurrent use.
type DB struct {
	dir     string
	options Options
	log     *slog.Logger
	badger  *badger.DB
	codec   *block.Codec
	space   disk.Guard
	commits uint64           // the number of the last commit; the committer's
	last    *damage.LastFile // set by Open

	queue chan *job
	quit  chan struct{}  // closed by Close
	done  sync.WaitGroup // the committer and the background

	// viewing is held for reading while a view begins, and for writing while a
	// large batch is put in its place piece by piece: no reader sees half of it.
	viewing sync.RWMutex
	closing sync.Once
	closed  bool  // guarded by viewing
	broken  error // guarded by viewing; why nothing can be written or read any more
	views   sync.WaitGroup

	committer  committer
	maintainer maintainer
	terms      termKinds // the committer's
	folds      folds
	foldPause  atomic.Int64 // nanoseconds between two rounds of folding
}

var _ engine.Store = (*DB)(nil)

// Open opens the database of a data folder, DIR/db, and makes both when they
// are not there. It finishes what a crash has interrupted. One process at a time
// can have it open.
func Open(dir string, o Options) (*DB, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	path := filepath.Join(dir, "db")
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	found, err := inspect(dir, path, &o)
	if err != nil {
		return nil, explainOpen(dir, path, err)
	}
	codec, err := block.NewCodec()
	if err != nil {
		return nil, err
	}
	kv, err := openBadger(path, &o)
	if err != nil {
		codec.Close()
		return nil, explainOpen(dir, path, err)
	}
	db := &DB{dir: dir, options: o, log: o.Logger, badger: kv, codec: codec,
		space:   newGuard(path, &o),
		commits: found.Held(), queue: make(chan *job, 1024), quit: make(chan struct{})}
	db.committer, db.maintainer = committer{db}, maintainer{db}
	db.maintainer.setFoldPause(usualFoldPause)
	db.terms = termKinds{}
	db.folds.init()
	if err := db.prepare(found); err != nil {
		codec.Close()
		return nil, errors.Join(fmt.Errorf("open the data folder %s: %w", dir, err), db.closeLast(), db.closeBadger())
	}
	db.done.Add(2)
	go db.committer.commitLoop()
	go db.maintainer.maintainLoop()
	return db, nil
}

func openBadger(path string, o *Options) (kv *badger.DB, err error) {
	defer catch("open the database", &err)
	return badger.Open(o.badger(path))
}

// explainOpen turns Badger's words into ours.
func explainOpen(dir, path string, err error) error {
	var known damage.Error
	switch {
	case errors.As(err, &known):
		return err
	case !errors.Is(err, disk.ErrInUse) && !strings.Contains(err.Error(), "Cannot acquire directory lock"):
		return fmt.Errorf("open the data folder %s: %w", dir, plainError(err))
	}
	owner := ""
	if text, err := os.ReadFile(filepath.Join(path, "LOCK")); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			owner = fmt.Sprintf(" (pid %d)", pid)
		}
	}
	return fmt.Errorf("the data folder %s is in use by another moonwatch process%s; stop it or choose another --data", dir, owner)
}

// inspect looks at the files before Badger does.
func inspect(dir, path string, o *Options) (*damage.Inspection, error) {
	release, err := disk.Lock(path)
	if err != nil {
		return nil, err
	}
	defer release()
	in, err := damage.Inspect(dir, path, func(format string, args ...any) { o.Logger.Warn("storage: " + fmt.Sprintf(format, args...)) })
	if err != nil {
		return nil, err
	}
	space := newGuard(path, o)
	return in, space.Lacks(openFree+uint64(in.WAL), "are wanted to open it; free some, nothing was changed")
}

func newGuard(path string, o *Options) disk.Guard {
	g := disk.Guard{Path: path, Least: o.MinFree, Free: o.free}
	if g.Free == nil {
		g.Free = disk.Free
	}
	return g
}

// prepare checks the format and finishes an interrupted large batch.
func (db *DB) prepare(found *damage.Inspection) (err error) {
	format, err := db.meta(layout.MetaFormat)
	if err != nil {
		return err
	}
	if !found.Fresh {
		if format == nil {
			return found.Damaged("", "holds no record of its format: it is not whole, or not moonwatch's")
		}
		if err := db.holdsValues(found); err != nil {
			return err
		}
	}
	if db.last, err = found.OpenLast(); err != nil {
		return err
	}
	if format == nil {
		if err := db.committer.commitOps([]op{{key: layout.MetaKey(layout.MetaFormat), value: []byte(strconv.Itoa(formatNumber))}}); err != nil {
			return err
		}
	} else if n, err := strconv.Atoi(string(format)); err != nil || n > formatNumber {
		return fmt.Errorf("it was written by a newer moonwatch (format %.20q, this one knows %d); install that version", format, formatNumber)
	}
	if restoring, err := db.meta(layout.MetaRestoring); err != nil {
		return err
	} else if restoring != nil {
		return errors.New("a restore into it did not finish; delete it and restore again")
	}
	if err := db.committer.finishJournal(); err != nil {
		return err
	}
	if !found.Fresh {
		return nil
	}
	return found.Made()
}

// holdsValues looks at all large values when value logs are gone: garbage is
// collected with whole files, and else nothing is.
func (db *DB) holdsValues(found *damage.Inspection) error {
	if len(found.Lost) == 0 {
		return nil
	}
	if err := db.readLarge(); err != nil {
		return found.Damaged(strings.Join(slices.Sorted(maps.Keys(found.Lost)), ", "), "is missing, and values lie in it (%v)", err)
	}
	return nil
}

// readLarge reads all values that lie in the value log.
func (db *DB) readLarge() (err error) {
	defer catch("read the database", &err)
	return db.badger.View(func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if it.Item().ValueSize() < largeValue {
				continue
			}
			if err := valueOf(it.Item(), func([]byte) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

// meta returns a meta record, nil when there is none.
func (db *DB) meta(name string) (value []byte, err error) {
	defer catch("read the database", &err)
	err = db.badger.View(func(tx *badger.Txn) error {
		item, err := tx.Get(layout.MetaKey(name))
		if err == nil {
			value, err = copyOf(item)
		}
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	return value, err
}

// valueOf calls fn with the value of an item. In place of one that its log does
// not hold any more, Badger hands out an empty one.
func valueOf(item *badger.Item, fn func([]byte) error) error {
	return item.Value(func(b []byte) error {
		if len(b) == 0 && item.ValueSize() > 0 {
			return fmt.Errorf("a value is missing: %w", binenc.ErrDamaged)
		}
		return fn(b)
	})
}

// copyOf returns the value of an item.
func copyOf(item *badger.Item) (value []byte, err error) {
	err = valueOf(item, func(b []byte) error {
		value = append([]byte{}, b...) // not nil
		return nil
	})
	return value, err
}

// Close waits for the calls under way, refuses later ones and releases the
// folder. Where the disk is full it gives up, as if the process had been killed. Called from inside a Scan or Results function it never returns.
func (db *DB) Close() error {
	var err error
	db.closing.Do(func() {
		close(db.quit)
		closed := make(chan error, 1)
		go func() { closed <- db.closeWhole() }()
		look := time.NewTicker(100 * time.Millisecond)
		defer look.Stop()
		for {
			select {
			case err = <-closed:
				return
			case <-look.C: // Badger waits for space that may not come
				if err = db.lacksToClose(); err != nil {
					return
				}
			}
		}
	})
	return err
}

func (db *DB) closeWhole() error {
	db.done.Wait()
	db.viewing.Lock()
	db.closed = true
	db.viewing.Unlock()
	db.views.Wait()
	if err := db.lacksToClose(); err != nil {
		return err
	}
	err := errors.Join(db.closeBadger(), db.closeLast())
	db.codec.Close()
	return err
}

func (db *DB) lacksToClose() error {
	if full := db.space.Lacks(closeFree, "are wanted to close it"); full != nil {
		return fmt.Errorf("%w: it is left as after a crash, without a loss of what was answered", full)
	}
	return nil
}

func (db *DB) closeBadger() (err error) {
	defer catch("close the database", &err)
	if err := db.badger.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// closeLast notes how far the files reach in the end.
func (db *DB) closeLast() error {
	if db.last == nil {
		return nil
	}
	return errors.Join(db.last.Refresh(true), db.last.Close())
}

// catch makes an error of a panic in Badger, which panics on damaged files. A
// panic of a caller's own function passes.
func catch(doing string, err *error) {
	switch p := recover().(type) {
	case nil:
	case callerPanic:
		panic(p.value)
	default:
		*err = fmt.Errorf("%s: badger panicked: %v", doing, p)
	}
}

// callerPanic carries the panic of a caller's function past catch.
type callerPanic struct{ value any }

// call runs a caller's function so that its panics stay its own.
func call[T any](fn func(T) bool, v T) bool {
	ok := false
	defer func() {
		if !ok {
			if p := recover(); p != nil {
				panic(callerPanic{p})
			}
		}
	}()
	more := fn(v)
	ok = true
	return more
}

// view runs fn on the state of this moment.
func (db *DB) view(ctx context.Context, fn func(tx *badger.Txn) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := db.beginView()
	if err != nil {
		return err
	}
	defer db.views.Done()
	defer catch("read the database", &err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of a file that was cut under us
	defer tx.Discard()
	return fn(tx)
}

func (db *DB) beginView() (tx *badger.Txn, err error) {
	defer catch("read the database", &err)
	db.viewing.RLock()
	defer db.viewing.RUnlock()
	if db.closed {
		return nil, ErrClosed
	}
	if db.broken != nil {
		return nil, db.broken
	}
	tx = db.badger.NewTransaction(false)
	db.views.Add(1)
	return tx, nil
}

// breakDown makes every later call fail: what the disk holds is no longer
// known. db.viewing is held.
func (db *DB) breakDown(err error) error {
	err = fmt.Errorf("the database takes nothing more after this error, restart moonwatch: %w", err)
	db.log.Error("storage failed", "error", err)
	db.broken = err
	return err
}
