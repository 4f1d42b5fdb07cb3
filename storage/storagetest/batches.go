package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"moonwatch/engine"
)

func testBatchTwice(t *testing.T, s engine.Store) {
	first := record(engine.KindService, "s", "1", "a")
	first.Revision = 1
	put(t, s, first, record(engine.KindSilence, "old", "1"))
	second := record(engine.KindService, "s", "2", "b")
	second.Revision = 2
	b := &engine.Batch{ID: "twice", Puts: []engine.Record{second}, Results: plains("c", 1e6, 3),
		Deletes: []engine.Key{{Kind: engine.KindSilence, ID: "old"}}}
	for range 2 {
		apply(t, s, b)
		wantIDs(t, s, engine.KindService, engine.Query{Term: "b"}, "s")
		wantIDs(t, s, engine.KindService, engine.Query{Term: "a"})
		wantIDs(t, s, engine.KindSilence, engine.Query{})
		wantSeqs(t, s, "c", 0, 0, 3e6, 2e6, 1e6)
		if list, err := s.Revisions(t.Context(), engine.KindService, "s"); err != nil || len(list) != 2 {
			t.Errorf("Revisions = %q, %v; want 2", describe(list), err)
		}
	}
}

// testRefused checks that a batch with one bad part leaves none of its good ones.
func testRefused(t *testing.T, s engine.Store) {
	secret := strings.Repeat("hunter2", engine.MaxRecordData/7+1)
	long := strings.Repeat("x", engine.MaxID+1)
	for name, bad := range map[string]*engine.Batch{
		"no id":        {Puts: []engine.Record{record(engine.KindUser, "", "x")}},
		"no kind":      {Puts: []engine.Record{record("", "u", "x")}},
		"odd kind":     {Puts: []engine.Record{record("a b", "u", "x")}},
		"NUL in id":    {Puts: []engine.Record{record(engine.KindUser, "a\x00b", "x")}},
		"long id":      {Puts: []engine.Record{record(engine.KindUser, long, "x")}},
		"NUL in term":  {Puts: []engine.Record{record(engine.KindUser, "u", "x", "a\x00b")}},
		"empty term":   {Puts: []engine.Record{record(engine.KindUser, "u", "x", "")}},
		"long term":    {Puts: []engine.Record{record(engine.KindUser, "u", "x", long)}},
		"too large":    {Puts: []engine.Record{record(engine.KindUser, "u", secret)}},
		"bad delete":   {Deletes: []engine.Key{{Kind: engine.KindUser, ID: "\x00"}}},
		"no check":     {Results: []engine.Result{plain("", 1)}},
		"long check":   {Results: []engine.Result{plain(long, 1)}},
		"many metrics": {Results: []engine.Result{{Check: "c", Seq: 5, Metrics: make([]engine.Metric, engine.MaxResultList+1)}}},
		"large result": {Results: []engine.Result{{Check: "c", Seq: 5, RawData: secret}}},
	} {
		bad.ID = name
		bad.Puts = append(bad.Puts, record(engine.KindUser, "good", "x"))
		bad.Results = append(bad.Results, plain("good", 1))
		err := s.Apply(t.Context(), bad)
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: error %.200v, want ErrInvalid", name, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 300 {
			t.Errorf("%s: the error shows the data: %.200s", name, err)
		}
	}
	wantIDs(t, s, engine.KindUser, engine.Query{})
	wantSeqs(t, s, "good", 0, 0)
}

func testCancelled(t *testing.T, s engine.Store) {
	put(t, s, record(engine.KindUser, "u", "x"))
	addResults(t, s, plain("c", 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(engine.Record) bool { t.Error("called though the context has ended"); return true }
	neverResult := func(*engine.Result) bool { t.Error("called though the context has ended"); return true }
	_, getErr := s.Get(ctx, engine.KindUser, "u")
	_, revErr := s.Revisions(ctx, engine.KindUser, "u")
	for name, err := range map[string]error{
		"Apply":         s.Apply(ctx, &engine.Batch{ID: "b", Puts: []engine.Record{record(engine.KindUser, "v", "x")}}),
		"Get":           getErr,
		"Scan":          s.Scan(ctx, engine.KindUser, engine.Query{}, never),
		"Revisions":     revErr,
		"Results":       s.Results(ctx, "c", 0, 0, neverResult),
		"LatestResults": s.LatestResults(ctx, neverResult),
		"DropResults":   s.DropResults(ctx, "c", 0),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	wantIDs(t, s, engine.KindUser, engine.Query{}, "u")
	wantSeqs(t, s, "c", 0, 0, 1)

	ctx, cancel = context.WithCancel(t.Context())
	addResults(t, s, plains("d", 1, 50)...)
	n := 0
	err := s.Results(ctx, "d", 0, 0, func(*engine.Result) bool { n++; cancel(); return true })
	if !errors.Is(err, context.Canceled) || n == 50 {
		t.Errorf("cancelled midway: %d results, %v", n, err)
	}
}

// testConcurrent has many writers move one record through the index, while
// readers look for a state that no batch has made.
func testConcurrent(t *testing.T, s engine.Store) {
	const writers, rounds = 8, 25
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			both := ids(t, s, engine.KindIncident, engine.Query{Term: "pair"})
			if len(both) != 0 && len(both) != 2 {
				t.Errorf("a reader saw half a batch: %q", both)
				return
			}
		}
	})
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				b := &engine.Batch{ID: fmt.Sprintf("w%d-%d", w, i),
					Puts: []engine.Record{
						record(engine.KindBreaker, "shared", fmt.Sprintf("%d-%d", w, i), fmt.Sprintf("by:%d", w)),
						record(engine.KindCheckState, fmt.Sprintf("c%d", w), fmt.Sprint(i)),
					},
					Results: []engine.Result{plain(fmt.Sprintf("c%d", w), uint64(i+1)), plain("shared", uint64(i*writers+w+1))}}
				pair := []engine.Key{{Kind: engine.KindIncident, ID: "x"}, {Kind: engine.KindIncident, ID: "y"}}
				if i%2 == 0 {
					b.Puts = append(b.Puts, record(engine.KindIncident, "x", "1", "pair"), record(engine.KindIncident, "y", "1", "pair"))
				} else {
					b.Deletes = pair
				}
				if err := s.Apply(t.Context(), b); err != nil {
					t.Errorf("Apply: %v", err)
					return
				}
				if got := get(t, s, engine.KindCheckState, fmt.Sprintf("c%d", w)); got != fmt.Sprint(i) {
					t.Errorf("read back %q right after Apply, want %d", got, i)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	owner := get(t, s, engine.KindBreaker, "shared")
	found := 0
	for w := range writers {
		list := ids(t, s, engine.KindBreaker, engine.Query{Term: fmt.Sprintf("by:%d", w)})
		found += len(list)
		if len(list) == 1 && !strings.HasPrefix(owner, fmt.Sprintf("%d-", w)) {
			t.Errorf("the index says by:%d, the record %q", w, owner)
		}
		if got := seqs(t, s, fmt.Sprintf("c%d", w), 0, 0); len(got) != rounds {
			t.Errorf("check c%d has %d results, want %d", w, len(got), rounds)
		}
	}
	if found != 1 {
		t.Errorf("the shared record has %d index entries, want 1", found)
	}
	if got := seqs(t, s, "shared", 0, 0); len(got) != writers*rounds || !slices.IsSortedFunc(got, func(a, b uint64) int { return compare(b, a) }) {
		t.Errorf("the shared check has %s", brief(got))
	}
}

func testLargeRecord(t *testing.T, s engine.Store) {
	for _, size := range []int{0, 1, 60 << 10, 70 << 10, 2 << 20, engine.MaxRecordData} {
		data := bytes.Repeat([]byte{0xab}, size)
		put(t, s, engine.Record{Kind: engine.KindPluginSource, ID: fmt.Sprint(size), Data: data, Terms: []string{"x"}})
		r, err := s.Get(t.Context(), engine.KindPluginSource, fmt.Sprint(size))
		if err != nil || !bytes.Equal(r.Data, data) {
			t.Errorf("a record of %d bytes comes back with %d, %v", size, len(r.Data), err)
		}
	}
	if got := ids(t, s, engine.KindPluginSource, engine.Query{Term: "x"}); len(got) != 6 {
		t.Errorf("%d records of 6", len(got))
	}
}

// testLargeBatch is more than a transaction of the usual stores holds.
func testLargeBatch(t *testing.T, s engine.Store) {
	const n = 20000
	b := &engine.Batch{ID: "large"}
	for i := range n {
		b.Results = append(b.Results, plain(fmt.Sprintf("c%d", i%7), uint64(1e15+i*1000)))
	}
	b.Puts = append(b.Puts, record(engine.KindService, "with", "it", "x"))
	apply(t, s, b)
	for range 2 {
		total := 0
		for i := range 7 {
			total += len(seqs(t, s, fmt.Sprintf("c%d", i), 0, 0))
		}
		if total != n {
			t.Errorf("%d results of %d", total, n)
		}
		wantIDs(t, s, engine.KindService, engine.Query{Term: "x"}, "with")
		apply(t, s, b)
	}
}

// testManyRecords puts, and then deletes, more records than a transaction of the
// usual stores holds.
func testManyRecords(t *testing.T, s engine.Store) {
	const n = 6000
	puts, deletes := &engine.Batch{ID: "puts"}, &engine.Batch{ID: "deletes"}
	for i := range n {
		r := record(engine.KindCheck, fmt.Sprintf("c%05d", i), "data", "all", fmt.Sprintf("tag:%d", i%3))
		r.Revision = 1
		puts.Puts = append(puts.Puts, r)
		deletes.Deletes = append(deletes.Deletes, engine.Key{Kind: r.Kind, ID: r.ID})
	}
	apply(t, s, puts)
	if got := ids(t, s, engine.KindCheck, engine.Query{Term: "tag:1"}); len(got) != n/3 {
		t.Errorf("%d of %d records by their term", len(got), n/3)
	}
	apply(t, s, deletes)
	wantIDs(t, s, engine.KindCheck, engine.Query{})
	wantIDs(t, s, engine.KindCheck, engine.Query{Term: "all"})
	list, err := s.Revisions(t.Context(), engine.KindCheck, "c00001")
	if err != nil || len(list) != 2 || !list[0].Deleted {
		t.Errorf("Revisions = %q, %v; want the put and the deletion", describe(list), err)
	}
}

func testClosed(t *testing.T, s engine.Store) {
	put(t, s, record(engine.KindUser, "u", "x"))
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Apply(t.Context(), &engine.Batch{ID: "b"}); err == nil {
		t.Error("Apply after Close has no error")
	}
	if _, err := s.Get(t.Context(), engine.KindUser, "u"); err == nil || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("Get after Close: %v", err)
	}
	if err := s.LatestResults(t.Context(), func(*engine.Result) bool { return true }); err == nil {
		t.Error("LatestResults after Close has no error")
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func testReopen(t *testing.T, suite *suite) {
	s := suite.open(t)
	r := record(engine.KindService, "s", "1", "a")
	r.Revision, r.Author, r.At = 1, "ada", epoch
	put(t, s, r, record(engine.KindIncident, "gone", "x", "open"))
	apply(t, s, &engine.Batch{ID: "d", Deletes: []engine.Key{{Kind: engine.KindIncident, ID: "gone"}}})
	addResults(t, s, full("c", uint64(epoch.UnixMicro())))
	addResults(t, s, plains("many", 1e6, 600)...)
	for range 2 {
		s = suite.reopen(t, s)
		wantIDs(t, s, engine.KindService, engine.Query{Term: "a"}, "s")
		wantIDs(t, s, engine.KindIncident, engine.Query{Term: "open"})
		if list, err := s.Revisions(t.Context(), engine.KindService, "s"); err != nil || len(list) != 1 {
			t.Errorf("Revisions = %q, %v", describe(list), err)
		}
		if got := seqs(t, s, "many", 0, 0); len(got) != 600 {
			t.Errorf("%d results of 600", len(got))
		}
		wantResult(t, s, full("c", uint64(epoch.UnixMicro())))
	}
}
