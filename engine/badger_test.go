package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"moonwatch/engine"
	"moonwatch/storage"
	"moonwatch/storage/storagetest"
)

var badgerSequences = flag.Int("badger-sequences", 20, "how many random sequences TestSequencesOnBadger writes; the gate writes 200")

// TestSequencesOnBadger writes what random sequences wrote, batch by batch, to
// Badger on disk, closing and opening it on the way: it must then hold what the
// in-memory store holds. (Badger itself cannot run in a bubble.)
func TestSequencesOnBadger(t *testing.T) {
	n := *badgerSequences
	if testing.Short() || raceEnabled {
		n = min(n, 5)
	}
	for seed := uint64(1); seed <= uint64(n); seed++ {
		start := storagetest.NewMemory()
		start.KeepBatches()
		_, memory := playOn(t, seed, true, start)
		batches := memory.Batches()
		if len(batches) < 10 {
			t.Fatalf("sequence %d wrote %d batches", seed, len(batches))
		}
		dir, rng := t.TempDir(), rand.New(rand.NewPCG(seed, 3))
		reopen := map[int]bool{rng.IntN(len(batches)): true, rng.IntN(len(batches)): true}
		o := storage.DefaultOptions()
		o.NoSync = true // only the process's crashes are played
		db, err := storage.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range batches {
			if err := db.Apply(t.Context(), &batches[i]); err != nil {
				t.Fatal(err)
			}
			if reopen[i] {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				if db, err = storage.Open(dir, o); err != nil {
					t.Fatal(err)
				}
				// A batch whose answer was lost is applied again.
				if err := db.Apply(t.Context(), &batches[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := same(t.Context(), memory.Clone(), db); err != nil {
			t.Errorf("sequence %d: %v", seed, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// same compares two stores record by record and result by result.
func same(ctx context.Context, a, b engine.Store) error {
	checks := []string{}
	for _, kind := range []engine.Kind{engine.KindService, engine.KindCheck, engine.KindUser, engine.KindSilence, engine.KindCheckState,
		engine.KindSubjectState, engine.KindIncident, engine.KindIncidentEvent, engine.KindDelivery, engine.KindAudit, engine.KindTransition} {
		x, err := dump(ctx, a, kind)
		if err != nil {
			return err
		}
		y, err := dump(ctx, b, kind)
		if err != nil {
			return err
		}
		if len(x) != len(y) {
			return fmt.Errorf("%d and %d records of kind %s", len(x), len(y), kind)
		}
		for i := range x {
			if x[i].ID != y[i].ID || !bytes.Equal(x[i].Data, y[i].Data) {
				return fmt.Errorf("%s %s differs", kind, x[i].ID)
			}
			if kind == engine.KindCheck {
				checks = append(checks, x[i].ID)
			}
		}
	}
	for _, id := range checks {
		x, y := results(ctx, a, id), results(ctx, b, id)
		if len(x) == 0 || !reflect.DeepEqual(x, y) {
			return fmt.Errorf("%d and %d results of check %s, or not the same", len(x), len(y), id)
		}
		r1, err1 := a.Revisions(ctx, engine.KindCheck, id)
		r2, err2 := b.Revisions(ctx, engine.KindCheck, id)
		if err1 != nil || err2 != nil || len(r1) != len(r2) {
			return fmt.Errorf("%d and %d revisions of check %s: %v %v", len(r1), len(r2), id, err1, err2)
		}
	}
	return nil
}

func dump(ctx context.Context, s engine.Store, kind engine.Kind) ([]engine.Record, error) {
	var out []engine.Record
	err := s.Scan(ctx, kind, engine.Query{}, func(r engine.Record) bool {
		r.Data = bytes.Clone(r.Data)
		out = append(out, r)
		return true
	})
	return out, err
}

func results(ctx context.Context, s engine.Store, check string) []engine.Result {
	var out []engine.Result
	s.Results(ctx, check, 0, 0, func(r *engine.Result) bool {
		out = append(out, *r)
		return true
	})
	return out
}
