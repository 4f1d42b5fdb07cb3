package monitor_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"moonwatch/engine"
)

var badgerSequences = flag.Int("badger-sequences", 6, "how many random sequences TestSequencesOnBadger plays; the gate plays 200")

// TestSequencesOnBadger plays random sequences with the engine on Badger on
// disk: a stop closes the folder, a crash goes on from a copy of the files as a
// kill leaves them. Badger must hold at the end what a store in memory holds.
func TestSequencesOnBadger(t *testing.T) {
	n := *badgerSequences
	if testing.Short() || raceEnabled {
		n = min(n, 5)
	}
	for seed := uint64(1); seed <= uint64(n) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			store := newOutside(t, filepath.Join(t.TempDir(), "data"))
			playOn(t, seed, true, store)
			if err := same(t.Context(), store.mirror, store); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRetentionOnBadger holds that what is too old is gone from the disk: of
// results, of incidents with their parts, of the audit log.
func TestRetentionOnBadger(t *testing.T) {
	store := newOutside(t, filepath.Join(t.TempDir(), "data"))
	in(t, func(b *bench) {
		b.options = func(o *engine.Options) { o.Store = store }
		b.start()
		b.settings(func(s *engine.Settings) {
			s.Retention, s.HistoryKept = engine.Duration(2*time.Hour), engine.Duration(24*time.Hour)
		})
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Minute) })
		b.service("Shop", []string{"mail"}, c)
		for range 3 { // an incident every half an hour
			b.set("web", "ERROR")
			pass(10 * time.Minute)
			b.set("web", "")
			pass(20 * time.Minute)
		}
		count := func(kind engine.Kind) int {
			found, err := dump(b.t.Context(), store, kind)
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		before := map[engine.Kind]int{engine.KindIncident: 3, engine.KindIncidentEvent: 6, engine.KindDelivery: 6}
		for kind, want := range before {
			if n := count(kind); n != want {
				t.Errorf("%d records of kind %s, want %d", n, kind, want)
			}
		}
		oldest := func() time.Duration {
			list := results(b.t.Context(), store, c.ID)
			return time.Since(list[len(list)-1].Started)
		}
		if age := oldest(); age < 89*time.Minute {
			t.Errorf("the oldest result is of %s ago: dropped before its time", age)
		}
		pass(6 * time.Hour)
		if age := oldest(); age > 4*time.Hour {
			t.Errorf("the oldest result is of %s ago", age)
		}
		pass(30 * time.Hour)
		for kind := range before {
			if n := count(kind); n != 0 {
				t.Errorf("%d records of kind %s are left", n, kind)
			}
		}
		if n := count(engine.KindAudit); n != 0 {
			t.Errorf("%d entries of the audit log are left", n)
		}
		if err := same(b.t.Context(), store.mirror, store); err != nil {
			t.Error(err)
		}
	})
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
