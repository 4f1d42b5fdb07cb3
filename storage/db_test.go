package storage

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"moonwatch/engine"
	"moonwatch/storage/storagetest"
)

// testOptions are those of a monitor, but with the system's leave to sync late:
// what is tested with them does not pull the plug.
func testOptions() Options {
	o := DefaultOptions()
	o.NoSync = true
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

func openTest(t testing.TB, dir string, o Options) *DB {
	t.Helper()
	db, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func TestConformance(t *testing.T) {
	storagetest.Run(t,
		func(t *testing.T) engine.Store { return openTest(t, t.TempDir(), testOptions()) },
		func(t *testing.T, s engine.Store) engine.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return openTest(t, s.(*DB).dir, testOptions())
		})
}

// folded is a DB whose results are folded as far as can be before each read.
type folded struct {
	*DB
	t *testing.T
}

func (f folded) fold(ctx context.Context) {
	if err := f.maintainer.foldAll(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		f.t.Errorf("fold: %v", err)
	}
}

func (f folded) Results(ctx context.Context, check string, from, to uint64, fn func(*engine.Result) bool) error {
	f.fold(ctx)
	return f.DB.Results(ctx, check, from, to, fn)
}

func (f folded) LatestResults(ctx context.Context, fn func(*engine.Result) bool) error {
	f.fold(ctx)
	return f.DB.LatestResults(ctx, fn)
}

func (f folded) DropResults(ctx context.Context, check string, before uint64) error {
	f.fold(ctx)
	return f.DB.DropResults(ctx, check, before)
}

func TestConformanceFolded(t *testing.T) {
	open := func(t *testing.T, dir string) engine.Store {
		db := openTest(t, dir, testOptions())
		db.maintainer.setFoldPause(0)
		return folded{db, t}
	}
	storagetest.Run(t,
		func(t *testing.T) engine.Store { return open(t, t.TempDir()) },
		func(t *testing.T, s engine.Store) engine.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return open(t, s.(folded).dir)
		})
}
