package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/storage"
	"moonwatch/storage/storagetest"
)

// outsideStore is Badger for an engine in a bubble. Badger's goroutines, timers
// and wait groups cannot live in one, so each call is made by a goroutine that
// was started outside. The caller waits for it on a channel that was made
// outside too: to synctest that is no durable block, and so the bubble's clock
// stands still while Badger works.
//
// Beside it stands a mirror in memory, which Badger is compared with at the end.
type outsideStore struct {
	mirror *storagetest.Memory
	dir    string
	calls  chan func() // made outside, as answer is
	answer chan struct{}

	turn sync.Mutex  // held during a call
	db   *storage.DB // belongs to the goroutine outside

	mu            sync.Mutex
	before, after func(*engine.Batch) error
}

var _ sequenceStore = (*outsideStore)(nil)

// newOutside opens a store in a folder. Call it outside of any bubble; the test
// closes the store at its end.
func newOutside(t *testing.T, dir string) *outsideStore {
	t.Helper()
	never := func(*engine.Batch) error { return nil }
	s := &outsideStore{mirror: storagetest.NewMemory(), dir: dir, calls: make(chan func()), answer: make(chan struct{}), before: never, after: never}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for call := range s.calls {
			call()
			s.answer <- struct{}{}
		}
	}()
	t.Cleanup(func() {
		err := s.outside(func() error { return s.db.Close() })
		close(s.calls)
		<-ended
		if err != nil {
			t.Error(err)
		}
	})
	if err := s.outside(s.open); err != nil {
		t.Fatal(err)
	}
	return s
}

// outside makes one call outside of the bubble.
func (s *outsideStore) outside(call func() error) (err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.calls <- func() { err = call() }
	<-s.answer
	return err
}

func (s *outsideStore) open() (err error) {
	o := storage.DefaultOptions()
	o.NoSync = true // only the process's crashes are played
	s.db, err = storage.Open(s.dir, o)
	return err
}

// restarted closes the folder and opens it again, as a stop and a start do.
func (s *outsideStore) restarted() (sequenceStore, error) {
	return s, s.outside(func() error { return errors.Join(s.db.Close(), s.open()) })
}

// crashed returns a function that goes on from what a kill -9 would leave on
// the disk now; what the dead process writes until it is called is lost.
func (s *outsideStore) crashed() func() (sequenceStore, error) {
	mirror := s.mirror.Clone()
	image := filepath.Join(filepath.Dir(s.dir), filepath.Base(s.dir)+"x")
	copied := s.outside(func() error { return takeImage(s.dir, image) })
	return func() (sequenceStore, error) {
		s.mirror = mirror
		return s, errors.Join(copied, s.outside(func() error {
			err := errors.Join(s.db.Close(), os.RemoveAll(s.dir))
			s.dir = image
			return errors.Join(err, s.open())
		}))
	}
}

// takeImage copies a folder as it is at one instant. No batch is under way, but
// Badger moves what it holds to other files in the background: a copy during
// which files came or went is thrown away.
func takeImage(from, to string) error {
	for range 100 {
		before, err := listing(from)
		if err != nil {
			return err
		}
		failed := copyFolder(from, to)
		after, err := listing(from)
		if err != nil {
			return err
		}
		if failed == nil && slices.Equal(before, after) {
			return nil
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("the folder does not come to rest")
}

// listing names the files of a folder, and how long the list of tables is.
func listing(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && entry.Name() == "MANIFEST" {
			path = fmt.Sprint(path, info.Size())
		}
		names = append(names, path)
		return nil
	})
	return names, err
}

// copyFolder copies files as they are in the page cache. Runs of zeros stay
// holes: Badger reserves its files ahead.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path[len(from):])
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	block, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	size := int64(0)
	for {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return out.Truncate(size)
		}
		if err != nil {
			return err
		}
	}
}

// SetFail sets what is asked before each batch.
func (s *outsideStore) SetFail(fn func(*engine.Batch) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = fn
}

// SetAfter sets what is asked after each batch.
func (s *outsideStore) SetAfter(fn func(*engine.Batch) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = fn
}

func (s *outsideStore) Apply(ctx context.Context, b *engine.Batch) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.mu.Unlock()
	if err := before(b); err != nil {
		return err
	}
	if err := s.outside(func() error { return s.db.Apply(context.Background(), b) }); err != nil {
		return err
	}
	if err := s.mirror.Apply(ctx, b); err != nil {
		return err
	}
	return after(b)
}

func (s *outsideStore) Get(_ context.Context, kind engine.Kind, id string) (r engine.Record, err error) {
	err = s.outside(func() error {
		r, err = s.db.Get(context.Background(), kind, id)
		return err
	})
	return r, err
}

func (s *outsideStore) Scan(_ context.Context, kind engine.Kind, q engine.Query, fn func(engine.Record) bool) error {
	var found []engine.Record
	err := s.outside(func() error {
		return s.db.Scan(context.Background(), kind, q, func(r engine.Record) bool {
			r.Data = bytes.Clone(r.Data)
			found = append(found, r)
			return true
		})
	})
	for _, r := range found {
		if !fn(r) {
			break
		}
	}
	return err
}

func (s *outsideStore) Revisions(_ context.Context, kind engine.Kind, id string) (list []engine.Revision, err error) {
	err = s.outside(func() error {
		list, err = s.db.Revisions(context.Background(), kind, id)
		return err
	})
	return list, err
}

func (s *outsideStore) Results(_ context.Context, check string, from, to uint64, fn func(*engine.Result) bool) error {
	return s.eachResult(fn, func(collect func(*engine.Result) bool) error {
		return s.db.Results(context.Background(), check, from, to, collect)
	})
}

func (s *outsideStore) LatestResults(_ context.Context, fn func(*engine.Result) bool) error {
	return s.eachResult(fn, func(collect func(*engine.Result) bool) error {
		return s.db.LatestResults(context.Background(), collect)
	})
}

// eachResult reads outside, and shows what was read inside.
func (s *outsideStore) eachResult(fn func(*engine.Result) bool, read func(collect func(*engine.Result) bool) error) error {
	var found []engine.Result
	err := s.outside(func() error {
		return read(func(r *engine.Result) bool {
			found = append(found, *r)
			return true
		})
	})
	for i := range found {
		if !fn(&found[i]) {
			break
		}
	}
	return err
}

func (s *outsideStore) DropResults(ctx context.Context, check string, before uint64) error {
	return errors.Join(s.mirror.DropResults(ctx, check, before),
		s.outside(func() error { return s.db.DropResults(context.Background(), check, before) }))
}

// Close does nothing: the test closes the folder outside of the bubble.
func (s *outsideStore) Close() error { return nil }
