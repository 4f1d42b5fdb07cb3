package storage

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

func newTestCodec(t testing.TB) *blockCodec {
	t.Helper()
	c, err := newBlockCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
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
		b := codec.encode(list)
		got, err := codec.decode("c", b)
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
