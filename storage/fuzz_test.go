package storage

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"moonwatch/engine"
)

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
	for _, n := range []int{1, 2, 7, 128, maxBlockCount} {
		list := mixedResults(n)
		for i := range list {
			got, err := decodeRow("c", list[i].Seq, encodeRow(&list[i]))
			if err != nil || !reflect.DeepEqual(got, list[i]) {
				t.Fatalf("row %d: %v\n%+v\n%+v", i, err, got, list[i])
			}
		}
		got, err := codec.decode("c", codec.encode(list))
		if err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("a block of %d came back different, %v", n, err)
		}
	}
}

// TestPlainResultSize holds the promise of 8 bytes for a settled plain result.
func TestPlainResultSize(t *testing.T) {
	codec := newTestCodec(t)
	rng := rand.New(rand.NewPCG(5, 6))
	list := plainResults(foldRows, 1_772_000_000_000_000, 60e6, func() int64 { return rng.Int64N(20000) })
	size := len(codec.encode(list)) + 60 // the key and what Badger keeps with it
	if got := float64(size) / foldRows; got > 8 {
		t.Errorf("%.2f bytes a result, want at most 8", got)
	}
}

// FuzzDecode feeds every decoder what nobody wrote. Blocks that can be read must
// be written and read again as the same.
func FuzzDecode(f *testing.F) {
	codec := newTestCodec(f)
	for _, n := range []int{1, 2, 20} {
		list := mixedResults(n)
		f.Add(codec.encode(list))
		f.Add(append([]byte{blockPlain, byte(n), 1, 0}, encodeBody(list)...))
		f.Add(encodeRow(&list[0]))
	}
	record := engine.Record{Kind: engine.KindUser, ID: "u", Revision: 2, Author: "ada", Terms: []string{"a", "b"}, Data: []byte("{}")}
	f.Add(encodeRecord(&record))
	f.Add(journalPieces(largeOps(3))[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		}()
		decodeRecord(engine.KindUser, "u", b)
		decodeRevision(1, b)
		decodeOps(b)
		splitSeqKey(b)
		decodeRow("c", 1, b)
		list, err := codec.decode("c", b)
		if err != nil {
			return
		}
		again, err := codec.decode("c", codec.encode(list))
		if err != nil || len(again) != len(list) {
			t.Errorf("a block that was read does not survive: %v", err)
		}
	})
}
