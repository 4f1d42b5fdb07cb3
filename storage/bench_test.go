package storage

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"moonwatch/engine"
)

// benchResults makes the next round of plain passing results: every check once,
// a minute later, with the jitter of a real scheduler and target.
func benchResults(rng *rand.Rand, checks, round int) []engine.Result {
	list := make([]engine.Result, checks)
	for i := range list {
		seq := uint64(1_772_000_000_000_000 + int64(round)*60e6 + int64(i)*1000 + rng.Int64N(1500))
		list[i] = engine.Result{Check: fmt.Sprintf("01jq8w3k5x%016d", i), Seq: seq, Started: time.UnixMicro(int64(seq)).UTC(),
			Took: float64(800+rng.Int64N(700)) / 1e6, Succeeded: true, PluginVersion: "1.2.0"}
	}
	return list
}

// BenchmarkApplyResults writes b.N plain results in synced batches of 500, folds
// as the monitor does, and reports what they take on the disk in the end.
func BenchmarkApplyResults(b *testing.B) {
	const checks = 500
	o := testOptions()
	o.NoSync = false
	dir := b.TempDir()
	db := openTest(b, dir, o)
	rng := rand.New(rand.NewPCG(1, 2))
	written := 0
	for b.Loop() {
		if written%checks != 0 {
			written++
			continue
		}
		batch := &engine.Batch{ID: "bench", Results: benchResults(rng, checks, written/checks)}
		if err := db.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		written++
	}
	b.StopTimer()
	if written < 200*checks {
		return // too few to settle
	}
	if err := db.maintainer.foldAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil { // brings the memtable to the disk
		b.Fatal(err)
	}
	db = openTest(b, dir, o)
	if err := db.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	stored := (written + checks - 1) / checks * checks
	b.ReportMetric(float64(tableBytes(b, dir))/float64(stored), "settled-B/result")
}

// tableBytes is the size of the tables: the other files have a fixed size.
func tableBytes(t testing.TB, dir string) int64 {
	t.Helper()
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sst" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

func BenchmarkLatestResults(b *testing.B) {
	const checks, rounds = 100_000, 20
	db := openTest(b, b.TempDir(), testOptions())
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		list := benchResults(rng, checks, round)
		for i := 0; i < len(list); i += 5000 {
			if err := db.Apply(b.Context(), &engine.Batch{ID: "bench", Results: list[i : i+5000]}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		n := 0
		if err := db.LatestResults(b.Context(), func(*engine.Result) bool { n++; return true }); err != nil || n != checks {
			b.Fatalf("%d checks, %v", n, err)
		}
	}
}

// BenchmarkApplyParallel has many callers store one result and one state each,
// as the monitor does; it shows what sharing transactions is worth.
func BenchmarkApplyParallel(b *testing.B) {
	o := testOptions()
	o.NoSync = false
	db := openTest(b, b.TempDir(), o)
	b.SetParallelism(100)
	b.RunParallel(func(pb *testing.PB) {
		id := fmt.Sprintf("check-%d", rand.Uint32())
		for i := uint64(1); pb.Next(); i++ {
			batch := &engine.Batch{ID: "bench",
				Puts:    []engine.Record{{Kind: engine.KindCheckState, ID: id, Data: make([]byte, 200)}},
				Results: []engine.Result{{Check: id, Seq: i * 1e6, Took: 0.001, Succeeded: true}}}
			if err := db.Apply(b.Context(), batch); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
