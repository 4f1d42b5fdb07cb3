package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
)

// suite is what the tests of a store need of it.
type suite struct {
	open   func(t *testing.T) engine.Store
	reopen func(t *testing.T, s engine.Store) engine.Store
}

// Run tests that a store keeps the promises of engine.Store. Each test gets an
// empty store from open, which also arranges for its closing. With reopen, which
// closes a store and opens what it kept, what lasts is tested too.
func Run(t *testing.T, open func(t *testing.T) engine.Store, reopen ...func(t *testing.T, s engine.Store) engine.Store) {
	s := &suite{open: open}
	if len(reopen) > 0 {
		s.reopen = reopen[0]
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s engine.Store)
	}{
		{"Get", testGet},
		{"GetIsACopy", testGetIsACopy},
		{"OddIDs", testOddIDs},
		{"ScanOrder", testScanOrder},
		{"ScanQueries", testScanQueries},
		{"ScanPrefixes", testScanPrefixes},
		{"ScanWhileWriting", testScanWhileWriting},
		{"Terms", testTerms},
		{"Expiry", testExpiry},
		{"ExpiryMoves", testExpiryMoves},
		{"Delete", testDelete},
		{"PutAndDelete", testPutAndDelete},
		{"Revisions", testRevisions},
		{"BatchTwice", testBatchTwice},
		{"Refused", testRefused},
		{"Cancelled", testCancelled},
		{"Concurrent", testConcurrent},
		{"LargeRecord", testLargeRecord},
		{"LargeBatch", testLargeBatch},
		{"ManyRecords", testManyRecords},
		{"ResultParts", testResultParts},
		{"ResultRanges", testResultRanges},
		{"ResultAgain", testResultAgain},
		{"LateResults", testLateResults},
		{"LatestResults", testLatestResults},
		{"DropResults", testDropResults},
		{"DropWhileWriting", testDropWhileWriting},
		{"Closed", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name != "Expiry" { // there it counts how soon a record is read
				t.Parallel()
			}
			test.run(t, open(t))
		})
	}
	if s.reopen != nil {
		t.Run("Reopen", func(t *testing.T) {
			t.Parallel()
			testReopen(t, s)
		})
	}
}

func apply(t *testing.T, s engine.Store, b *engine.Batch) {
	t.Helper()
	if err := s.Apply(t.Context(), b); err != nil {
		t.Fatalf("Apply(%s): %v", b.ID, err)
	}
}

func put(t *testing.T, s engine.Store, records ...engine.Record) {
	t.Helper()
	apply(t, s, &engine.Batch{ID: "put", Puts: records})
}

func record(kind engine.Kind, id, data string, terms ...string) engine.Record {
	return engine.Record{Kind: kind, ID: id, Data: []byte(data), Terms: terms}
}

// get returns the data of a record, or "" when it is not there.
func get(t *testing.T, s engine.Store, kind engine.Kind, id string) string {
	t.Helper()
	r, err := s.Get(t.Context(), kind, id)
	if err == engine.ErrNotFound {
		return ""
	}
	if err != nil {
		t.Fatalf("Get(%s, %s): %v", kind, id, err)
	}
	return string(r.Data)
}

// ids returns what q selects.
func ids(t *testing.T, s engine.Store, kind engine.Kind, q engine.Query) []string {
	t.Helper()
	list := []string{}
	if err := s.Scan(t.Context(), kind, q, func(r engine.Record) bool {
		list = append(list, r.ID)
		return true
	}); err != nil {
		t.Fatalf("Scan(%s, %+v): %v", kind, q, err)
	}
	return list
}

func wantIDs(t *testing.T, s engine.Store, kind engine.Kind, q engine.Query, want ...string) {
	t.Helper()
	if got := ids(t, s, kind, q); !slices.Equal(got, want) {
		t.Errorf("Scan(%s, %+v) = %q, want %q", kind, q, got, want)
	}
}

// epoch is when the results of the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func plain(check string, seq uint64) engine.Result {
	return engine.Result{
		Check:         check,
		Seq:           seq,
		Started:       time.UnixMicro(int64(seq)).UTC(),
		Took:          0.001234,
		Succeeded:     true,
		PluginVersion: "1.0.0",
	}
}

// plains returns n results of a check, a second apart, the first with seq from.
func plains(check string, from uint64, n int) []engine.Result {
	list := make([]engine.Result, n)
	for i := range list {
		list[i] = plain(check, from+uint64(i)*1e6)
	}
	return list
}

func addResults(t *testing.T, s engine.Store, results ...engine.Result) {
	t.Helper()
	apply(t, s, &engine.Batch{ID: "results", Results: results})
}

// seqs returns the sequences of the results of a check in a range, as they come.
func seqs(t *testing.T, s engine.Store, check string, from, to uint64) []uint64 {
	t.Helper()
	list := []uint64{}
	if err := s.Results(t.Context(), check, from, to, func(r *engine.Result) bool {
		if r.Check != check {
			t.Errorf("Results(%s) gave one of %s", check, r.Check)
		}
		list = append(list, r.Seq)
		return true
	}); err != nil {
		t.Fatalf("Results(%s, %d, %d): %v", check, from, to, err)
	}
	return list
}

func wantSeqs(t *testing.T, s engine.Store, check string, from, to uint64, want ...uint64) {
	t.Helper()
	got := seqs(t, s, check, from, to)
	if !slices.Equal(got, want) {
		t.Errorf("Results(%s, %d, %d): %s, want %s", check, from, to, brief(got), brief(want))
	}
}

func brief(list []uint64) string {
	if len(list) > 12 {
		return fmt.Sprintf("%d from %d to %d", len(list), list[0], list[len(list)-1])
	}
	return fmt.Sprint(list)
}
