package block

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"moonwatch/engine"
)

func plainResults(n int, from uint64, step uint64, jitter func() int64) []engine.Result {
	list := make([]engine.Result, n)
	for i := range list {
		seq := from + uint64(i)*step + uint64(jitter())
		list[i] = engine.Result{Check: "c", Seq: seq, Started: time.UnixMicro(int64(seq)).UTC(),
			Took: float64(1200+jitter()) / 1e6, Succeeded: true, PluginVersion: "1.0.0"}
	}
	return list
}

func newTestCodec(t testing.TB) *Codec {
	t.Helper()
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestBlockRoundTrip(t *testing.T) {
	codec := newTestCodec(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for name, list := range map[string][]engine.Result{
		"one":      plainResults(1, 5, 1, func() int64 { return 0 }),
		"steady":   plainResults(1024, 1e15, 7000, func() int64 { return 0 }),
		"jittered": plainResults(128, 1e15, 60e6, func() int64 { return rng.Int64N(3000) }),
		"zero":     plainResults(3, 0, 1, func() int64 { return 0 }),
		"extremes": {{Check: "c", Seq: 0, Started: time.Time{}}, {Check: "c", Seq: 1<<64 - 1, Started: time.UnixMicro(-1).UTC(), Took: -1}},
	} {
		b := codec.Encode(list)
		got, err := codec.Decode("c", b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, list) {
			t.Errorf("%s: came back different", name)
		}
		t.Logf("%s: %.2f bytes a result", name, float64(len(b))/float64(len(list)))
	}
}

// mixedResults has every part of a result now and then.
func mixedResults(n int) []engine.Result {
	rng := rand.New(rand.NewPCG(3, 4))
	list := plainResults(n, 1e15, 60e6, func() int64 { return rng.Int64N(3000) })
	texts := []string{"", "", "refused", "timeout after 5 s", "Zeitüberschreitung"}
	for i := range list {
		r := &list[i]
		r.Succeeded, r.Unknown = rng.IntN(9) > 0, rng.IntN(20) == 0
		r.Error, r.Message, r.RawData = texts[rng.IntN(5)], texts[rng.IntN(5)], texts[rng.IntN(5)]
		r.Started = r.Started.Add(time.Duration(rng.IntN(3)-1) * time.Microsecond)
		for j := range rng.IntN(4) {
			bound := rng.Float64() * 100
			m := engine.Metric{Name: texts[2+j], Value: rng.NormFloat64(), Unit: texts[j]}
			*bounds(&m)[rng.IntN(4)] = &bound
			r.Metrics = append(r.Metrics, m)
		}
		for range rng.IntN(3) {
			r.Log = append(r.Log, engine.LogLine{At: r.Started.Add(time.Millisecond), Level: "info", Message: texts[rng.IntN(5)]})
		}
	}
	return list
}

func TestMixedRoundTrip(t *testing.T) {
	codec := newTestCodec(t)
	for _, n := range []int{1, 2, 7, 128, MaxCount} {
		list := mixedResults(n)
		for i := range list {
			got, err := DecodeRow("c", list[i].Seq, EncodeRow(&list[i]))
			if err != nil || !reflect.DeepEqual(got, list[i]) {
				t.Fatalf("row %d: %v\n%+v\n%+v", i, err, got, list[i])
			}
		}
		got, err := codec.Decode("c", codec.Encode(list))
		if err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("a block of %d came back different, %v", n, err)
		}
	}
}

// TestPlainResultSize holds the promise of 8 bytes for a settled plain result.
func TestPlainResultSize(t *testing.T) {
	const rows = 128 // as many as are folded at least
	codec := newTestCodec(t)
	rng := rand.New(rand.NewPCG(5, 6))
	list := plainResults(rows, 1_772_000_000_000_000, 60e6, func() int64 { return rng.Int64N(20000) })
	size := len(codec.Encode(list)) + 60 // the key and what Badger keeps with it
	if got := float64(size) / rows; got > 8 {
		t.Errorf("%.2f bytes a result, want at most 8", got)
	}
}

// FuzzDecode feeds rows and blocks what nobody wrote. Blocks that can be read must
// be written and read again as the same.
func FuzzDecode(f *testing.F) {
	codec := newTestCodec(f)
	for _, n := range []int{1, 2, 20} {
		list := mixedResults(n)
		f.Add(codec.Encode(list))
		f.Add(append([]byte{formatPlain, byte(n), 1, 0}, encodeBody(list)...))
		f.Add(EncodeRow(&list[0]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		}()
		DecodeRow("c", 1, b)
		list, err := codec.Decode("c", b)
		if err != nil {
			return
		}
		again, err := codec.Decode("c", codec.Encode(list))
		if err != nil || len(again) != len(list) {
			t.Errorf("a block that was read does not survive: %v", err)
		}
	})
}
