package main

import (
	"log/slog"
	"math"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/storage"
)

// TestPast makes a small history and looks at what the store then holds.
func TestPast(t *testing.T) {
	const checks, days = 150, 5
	dir := t.TempDir()
	b := newBench(&options{}, "past", 1, dir, newReport(&options{}))
	<-b.start(func(b *bench) { makePast(b, dir, checks, days) })
	if b.Failed() {
		t.Fatal("it was not made")
	}
	o := storage.DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	db, err := storage.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for kind, want := range map[engine.Kind]int{engine.KindCheck: checks, engine.KindCheckState: checks, engine.KindService: 2, engine.KindSubjectState: 2,
		engine.KindAggregate: checks * days, engine.KindTransition: (checks + 2) * 2 * pastOutages, engine.KindMark: 1} {
		got := 0
		if err := db.Scan(t.Context(), kind, engine.Query{}, func(engine.Record) bool { got++; return true }); err != nil || got != want {
			t.Errorf("%s: %d records, want %d (%v)", kind, got, want, err)
		}
	}
	with := 0
	if err := db.LatestResults(t.Context(), func(*engine.Result) bool { with++; return true }); err != nil || with != checks {
		t.Errorf("%d checks have results (%v)", with, err)
	}
}

func TestLagPercentile(t *testing.T) {
	text := strings.Join([]string{`# HELP moonwatch_lag_seconds How late.`, `moonwatch_lag_seconds_bucket{le="0.001"} 10`,
		`moonwatch_lag_seconds_bucket{le="0.01"} 109`, `moonwatch_lag_seconds_bucket{le="1"} 110`, `moonwatch_lag_seconds_bucket{le="+Inf"} 111`, `moonwatch_lag_seconds_sum 1.5`}, "\n")
	after := lagBuckets(text)
	if len(after) != 4 || after[math.Inf(1)] != 111 {
		t.Fatalf("read %v", after)
	}
	before := map[float64]float64{0.001: 10, 0.01: 10, 1: 10, math.Inf(1): 11}
	for share, want := range map[float64]float64{0.5: 0.01, 0.99: 0.01, 1: 1} {
		if got := lagPercentile(before, after, share); got != want {
			t.Errorf("%v: got %v, want %v", share, got, want)
		}
	}
	if got := lagPercentile(after, after, 0.99); got != 0 {
		t.Errorf("of no runs: %v", got)
	}
	if got := lagPercentile(nil, map[float64]float64{1: 0, math.Inf(1): 5}, 0.99); got != 1 {
		t.Errorf("all beyond the last bound: %v", got)
	}
}
