package storagetest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
)

// full has a value in every field.
func full(check string, seq uint64) engine.Result {
	two, zero, hundred, half := 2.0, 0.0, 100.0, 0.5
	at := time.UnixMicro(int64(seq)).UTC()
	return engine.Result{
		Check: check, Seq: seq, PluginVersion: "2.1", Started: at.Add(-3 * time.Microsecond), Took: 12.345678,
		Succeeded: true, Unknown: true, Cause: engine.CausePlugin, Severity: engine.StatusWarning,
		Error: "an error", Message: "a message ✓", RawData: "raw\x00\xff\ndata", Traceback: "at plugin.lua:3",
		Metrics: []engine.Metric{
			{Name: "latency", Value: 0.125, Unit: "s", Warn: &two, Fail: &hundred, Min: &zero, Max: &half},
			{Name: "bytes", Value: -1.5e300},
			{Name: "tiny", Value: math.SmallestNonzeroFloat64, Min: &zero},
			{Name: "negative zero", Value: math.Copysign(0, -1), Unit: "%"},
		},
		Log: []engine.LogLine{
			{At: at.Add(time.Second), Level: "info", Message: "first"},
			{At: at.Add(-time.Hour), Level: "error", Message: ""},
		},
	}
}

// wantResult compares with the stored result of the same check and sequence.
func wantResult(t *testing.T, s engine.Store, want engine.Result) {
	t.Helper()
	n := 0
	to := want.Seq + 1 // 0, no bound, behind the highest
	if err := s.Results(t.Context(), want.Check, want.Seq, to, func(r *engine.Result) bool {
		n++
		if !reflect.DeepEqual(*r, want) {
			t.Errorf("the result came back as\n%+v\nwant\n%+v", *r, want)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d results with seq %d of %s, want 1", n, want.Seq, want.Check)
	}
}

func testResultParts(t *testing.T, s engine.Store) {
	seq := uint64(epoch.UnixMicro())
	variants := []engine.Result{
		{Check: "v", Started: time.Time{}},
		{Check: "v", Started: epoch, Succeeded: true},
		{Check: "v", Started: epoch, Unknown: true, Cause: engine.CauseStale},
		{Check: "v", Started: epoch.Add(time.Hour), Error: "failed", Severity: engine.StatusCritical},
		{Check: "v", Started: epoch, Took: 1e-6, RawData: "r"},
		full("v", 0),
		{Check: "v", Started: epoch, Took: 3600.5, Log: full("v", 0).Log[:1]},
	}
	for i := range variants {
		variants[i].Seq = seq + uint64(i)*1000
	}
	variants[0].Seq = 0
	highest := plain("v", math.MaxUint64)
	highest.Started = epoch
	variants = append(variants, highest)
	for _, r := range variants {
		addResults(t, s, r)
	}
	for _, r := range variants {
		wantResult(t, s, r)
	}

	// Below the microsecond, zones and empty lists are not kept.
	loose := plain("loose", seq)
	loose.Started = time.Date(2026, 3, 1, 14, 0, 0, 123456789, time.FixedZone("x", 7200))
	loose.Took, loose.Metrics, loose.Log = 0.0012340001, []engine.Metric{}, []engine.LogLine{}
	addResults(t, s, loose)
	loose.Started, loose.Took, loose.Metrics, loose.Log = epoch, 0.001234, nil, nil
	wantResult(t, s, loose)
}

func testResultRanges(t *testing.T, s engine.Store) {
	const n = 1000
	all := plains("c", 10e6, n) // 10 s to 1009 s
	for i := 0; i < n; i += 100 {
		addResults(t, s, all[i:i+100]...)
	}
	addResults(t, s, plain("b", 500e6), plain("c1", 500e6), plain("d", 500e6))
	newestFirst := func(from, to int) []uint64 { // in seconds
		list := []uint64{}
		for i := to - 1; i >= from; i-- {
			list = append(list, uint64(i)*1e6)
		}
		return list
	}
	for _, test := range []struct {
		from, to uint64
		want     []uint64
	}{
		{0, 0, newestFirst(10, 1010)},
		{10e6, 1010e6, newestFirst(10, 1010)},
		{0, 10e6, nil},
		{0, 10e6 + 1, newestFirst(10, 11)},
		{1009e6, 0, newestFirst(1009, 1010)},
		{1009e6 + 1, 0, nil},
		{500e6, 500e6, nil},
		{600e6, 500e6, nil},
		{500e6, 501e6, newestFirst(500, 501)},
		{500e6 + 1, 502e6, newestFirst(501, 502)},
		{500e6, 0, newestFirst(500, 1010)},
		{0, 137e6, newestFirst(10, 137)},
		{100e6, 900e6, newestFirst(100, 900)},
	} {
		wantSeqs(t, s, "c", test.from, test.to, test.want...)
	}
	wantSeqs(t, s, "none", 0, 0)
	var got []uint64
	if err := s.Results(t.Context(), "c", 0, 0, func(r *engine.Result) bool {
		got = append(got, r.Seq)
		return len(got) < 300
	}); err != nil || !slices.Equal(got, newestFirst(710, 1010)) {
		t.Errorf("Results until false: %s, %v", brief(got), err)
	}
}

// testResultAgain puts results again under their sequences, long after.
func testResultAgain(t *testing.T, s engine.Store) {
	addResults(t, s, plains("c", 1e6, 400)...)
	changed := plain("c", 100e6)
	changed.Message = "changed"
	addResults(t, s, changed)
	wantResult(t, s, changed)
	addResults(t, s, plains("c", 401e6, 400)...)
	wantResult(t, s, changed)
	if got := seqs(t, s, "c", 0, 0); len(got) != 800 {
		t.Errorf("%s, want 800", brief(got))
	}
}

// testLateResults adds results that lie between older ones.
func testLateResults(t *testing.T, s engine.Store) {
	want := []uint64{}
	for part := range 4 {
		for i := range 250 {
			want = append(want, uint64(part+1)+uint64(i)*1e6)
		}
	}
	for part := range 4 {
		var list []engine.Result
		for i := range 250 {
			list = append(list, plain("c", uint64(part+1)+uint64(i)*1e6))
		}
		addResults(t, s, list...)
		time.Sleep(10 * time.Millisecond) // time to fold
	}
	slices.Sort(want)
	slices.Reverse(want)
	wantSeqs(t, s, "c", 0, 0, want...)
	if err := s.DropResults(t.Context(), "c", 100e6); err != nil {
		t.Fatal(err)
	}
	wantSeqs(t, s, "c", 0, 0, want[:600]...)
}

func testLatestResults(t *testing.T, s engine.Store) {
	latest := func() []string {
		list := []string{}
		if err := s.LatestResults(t.Context(), func(r *engine.Result) bool {
			list = append(list, fmt.Sprint(r.Check, " ", r.Seq))
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := latest(); len(got) != 0 {
		t.Errorf("an empty store has %q", got)
	}
	addResults(t, s, plain("b", 5), plain("a", 9), plain("b", 7), plain("b", 6))
	addResults(t, s, plains("many", 1e6, 500)...)
	addResults(t, s, plains("a\x01", 1e6, 3)...)
	addResults(t, s, plain("many", 3e6)) // an old one again
	want := []string{"a 9", "a\x01 3000000", "b 7", "many 500000000"}
	if got := latest(); !slices.Equal(got, want) {
		t.Errorf("LatestResults = %q, want %q", got, want)
	}
	n := 0
	if err := s.LatestResults(t.Context(), func(*engine.Result) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("LatestResults until false: %d, %v", n, err)
	}
	if err := s.DropResults(t.Context(), "b", 0); err != nil {
		t.Fatal(err)
	}
	if got, want := latest(), slices.Delete(want, 2, 3); !slices.Equal(got, want) {
		t.Errorf("after a drop LatestResults = %q, want %q", got, want)
	}
}

func testDropResults(t *testing.T, s engine.Store) {
	addResults(t, s, plains("c", 1e6, 1000)...)
	addResults(t, s, plains("other", 1e6, 10)...)
	left := 1000
	for _, before := range []uint64{1, 1e6, 1e6 + 1, 137e6, 137e6, 500e6, 995e6} {
		for range 2 {
			if err := s.DropResults(t.Context(), "c", before); err != nil {
				t.Fatal(err)
			}
		}
		left = 1000 - int(max(before+999999, 1e6)/1e6-1)
		got := seqs(t, s, "c", 0, 0)
		if len(got) != left || got[len(got)-1] < before {
			t.Errorf("after DropResults(%d): %s, want %d", before, brief(got), left)
		}
	}
	if err := s.DropResults(t.Context(), "c", 0); err != nil {
		t.Fatal(err)
	}
	wantSeqs(t, s, "c", 0, 0)
	if got := seqs(t, s, "other", 0, 0); len(got) != 10 {
		t.Errorf("the other check has %s", brief(got))
	}
	addResults(t, s, plain("c", 42))
	wantSeqs(t, s, "c", 0, 0, 42)
	if err := s.DropResults(t.Context(), "none", 0); err != nil {
		t.Errorf("DropResults of nothing: %v", err)
	}
}

// testDropWhileWriting drops old results while new ones come and are folded.
// It never drops below 0, which would be all of them.
func testDropWhileWriting(t *testing.T, s engine.Store) {
	const n = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; i < n; i += 50 {
			b := &engine.Batch{ID: "new", Results: plains("c", uint64(i+1)*1e6, 50)}
			if err := s.Apply(t.Context(), b); err != nil {
				t.Errorf("Apply: %v", err)
			}
		}
	})
	wg.Go(func() {
		for i := range 40 {
			if err := s.DropResults(t.Context(), "c", uint64(i*25+1)*1e6); err != nil {
				t.Errorf("DropResults: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
	})
	wg.Wait()
	if err := s.DropResults(t.Context(), "c", 1001e6); err != nil {
		t.Fatal(err)
	}
	got := seqs(t, s, "c", 0, 0)
	if len(got) != 1000 || got[0] != 2000e6 || got[999] != 1001e6 {
		t.Errorf("%s, want 1000 from 2000000000 to 1001000000", brief(got))
	}
}
