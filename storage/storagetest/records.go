package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func testGet(t *testing.T, s engine.Store) {
	if _, err := s.Get(t.Context(), engine.KindIncident, "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("Get of nothing: %v, want ErrNotFound", err)
	}
	want := engine.Record{Kind: engine.KindService, ID: "s1", Revision: 3, Author: "ada",
		At: epoch.Add(789), Terms: []string{"open", "tag:a"}, Expires: time.Now().Add(time.Hour), Data: []byte(`{"a":1}`)}
	put(t, s, want)
	got, err := s.Get(t.Context(), engine.KindService, "s1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != want.Kind || got.ID != want.ID || got.Revision != want.Revision || got.Author != want.Author ||
		!got.At.Equal(want.At) || !got.Expires.Equal(want.Expires) || string(got.Data) != string(want.Data) || !slices.Equal(got.Terms, want.Terms) {
		t.Errorf("Get = %+v, want %+v", got, want)
	}
	if got := get(t, s, engine.KindInstance, "s1"); got != "" {
		t.Errorf("the record is seen under another kind: %s", got)
	}
	put(t, s, record(engine.KindService, "s1", "new"))
	if got := get(t, s, engine.KindService, "s1"); got != "new" {
		t.Errorf("after a second put: %q", got)
	}
}

func testGetIsACopy(t *testing.T, s engine.Store) {
	mine := []byte("before")
	put(t, s, engine.Record{Kind: engine.KindAudit, ID: "a", Data: mine})
	mine[0] = 'X'
	r, err := s.Get(t.Context(), engine.KindAudit, "a")
	if err != nil {
		t.Fatal(err)
	}
	r.Data[1] = 'X'
	if got := get(t, s, engine.KindAudit, "a"); got != "before" {
		t.Errorf("a caller's slice changed the store: %q", got)
	}
}

func testOddIDs(t *testing.T, s engine.Store) {
	odd := []string{"\x01", " ", "a", "a/b", "a\x01b", "ä", "\xff", "\xff\xff", strings.Repeat("x", engine.MaxID)}
	for _, id := range odd {
		put(t, s, record(engine.KindPluginData, id, "data of "+id, "t"+id[:min(len(id), 9)], "all"))
	}
	slices.Sort(odd)
	for _, term := range []string{"", "all"} {
		wantIDs(t, s, engine.KindPluginData, engine.Query{Term: term}, odd...)
		reversed := slices.Clone(odd)
		slices.Reverse(reversed)
		wantIDs(t, s, engine.KindPluginData, engine.Query{Term: term, Reverse: true}, reversed...)
	}
	for _, id := range odd {
		if got := get(t, s, engine.KindPluginData, id); got != "data of "+id {
			t.Errorf("Get(%.20q) = %.40q", id, got)
		}
	}
}

func testScanOrder(t *testing.T, s engine.Store) {
	for _, id := range []string{"c", "a", "d", "b"} {
		put(t, s, record(engine.KindUser, id, id), record(engine.KindToken, "other-"+id, id))
	}
	var got []string
	err := s.Scan(t.Context(), engine.KindUser, engine.Query{}, func(r engine.Record) bool {
		got = append(got, r.ID+"="+string(r.Data))
		return len(got) < 3
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a=a", "b=b", "c=c"}; !slices.Equal(got, want) {
		t.Errorf("Scan until false = %q, want %q", got, want)
	}
	wantIDs(t, s, engine.KindRota, engine.Query{})
}

func testScanQueries(t *testing.T, s engine.Store) {
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		terms := []string{"all"}
		if i%2 == 0 {
			terms = append(terms, "even")
		}
		put(t, s, record(engine.KindIncident, id, id, terms...))
	}
	for _, test := range []struct {
		q    engine.Query
		want string
	}{
		{engine.Query{}, "abcde"},
		{engine.Query{Reverse: true}, "edcba"},
		{engine.Query{Limit: 2}, "ab"},
		{engine.Query{Limit: 9}, "abcde"},
		{engine.Query{Reverse: true, Limit: 2}, "ed"},
		{engine.Query{After: "b"}, "cde"},
		{engine.Query{After: "bb"}, "cde"},
		{engine.Query{After: "e"}, ""},
		{engine.Query{After: "b", Limit: 1}, "c"},
		{engine.Query{After: "d", Reverse: true}, "cba"},
		{engine.Query{After: "cc", Reverse: true}, "cba"},
		{engine.Query{After: "a", Reverse: true}, ""},
		{engine.Query{After: "e", Reverse: true, Limit: 2}, "dc"},
		{engine.Query{Term: "all"}, "abcde"},
		{engine.Query{Term: "even"}, "ace"},
		{engine.Query{Term: "eve"}, ""},
		{engine.Query{Term: "even", Reverse: true}, "eca"},
		{engine.Query{Term: "even", After: "a"}, "ce"},
		{engine.Query{Term: "even", After: "b", Limit: 1}, "c"},
		{engine.Query{Term: "even", After: "d", Reverse: true}, "ca"},
	} {
		if got := strings.Join(ids(t, s, engine.KindIncident, test.q), ""); got != test.want {
			t.Errorf("Scan(%+v) = %q, want %q", test.q, got, test.want)
		}
	}
}

func testScanPrefixes(t *testing.T, s engine.Store) {
	for _, id := range []string{"a", "a/1", "a/2", "a/3", "a0", "b", "b/1", "c\xff", "c\xff\xff"} {
		put(t, s, record(engine.KindTransition, id, id, "all"), record(engine.KindAggregate, id, id))
	}
	put(t, s, record(engine.KindTransition, "a/4", "", "other"))
	for _, test := range []struct {
		q    engine.Query
		want string
	}{
		{engine.Query{Prefix: "a/"}, "a/1 a/2 a/3"},
		{engine.Query{Prefix: "a/", Reverse: true}, "a/3 a/2 a/1"},
		{engine.Query{Prefix: "a", Reverse: true}, "a0 a/3 a/2 a/1 a"},
		{engine.Query{Prefix: "a/", Limit: 2}, "a/1 a/2"},
		{engine.Query{Prefix: "a/", After: "a/1"}, "a/2 a/3"},
		{engine.Query{Prefix: "a/", After: "a/1x"}, "a/2 a/3"},
		{engine.Query{Prefix: "a/", After: "a/3", Reverse: true}, "a/2 a/1"},
		{engine.Query{Prefix: "a/", After: "a/3", Reverse: true, Limit: 1}, "a/2"},
		{engine.Query{Prefix: "a/", After: "a"}, "a/1 a/2 a/3"},
		{engine.Query{Prefix: "a/", After: "b"}, ""},
		{engine.Query{Prefix: "a/", After: "b", Reverse: true}, "a/3 a/2 a/1"},
		{engine.Query{Prefix: "a/", After: "a0", Reverse: true}, "a/3 a/2 a/1"},
		{engine.Query{Prefix: "a/", After: "a", Reverse: true}, ""},
		{engine.Query{Prefix: "b/"}, "b/1"},
		{engine.Query{Prefix: "c\xff", Reverse: true}, "c\xff\xff c\xff"},
		{engine.Query{Prefix: "d"}, ""},
		{engine.Query{Prefix: "d", Reverse: true}, ""},
	} {
		for _, term := range []string{"all", ""} {
			q, kind := test.q, engine.KindTransition
			if q.Term = term; term == "" {
				kind = engine.KindAggregate
			}
			if got := strings.Join(ids(t, s, kind, q), " "); got != test.want {
				t.Errorf("Scan(%+v) = %q, want %q", q, got, test.want)
			}
		}
	}
}

func testScanWhileWriting(t *testing.T, s engine.Store) {
	for i := range 20 {
		put(t, s, record(engine.KindCheckState, fmt.Sprintf("c%02d", i), "old"))
	}
	n := 0
	err := s.Scan(t.Context(), engine.KindCheckState, engine.Query{}, func(r engine.Record) bool {
		n++
		put(t, s, record(engine.KindCheckState, "d"+r.ID, "new"), record(engine.KindCheckState, r.ID, "new"))
		return string(r.Data) == "old"
	})
	if err != nil || n != 20 {
		t.Errorf("a scan that writes saw %d records, %v; want the 20 there at its start", n, err)
	}
}

func testTerms(t *testing.T, s engine.Store) {
	kind := engine.KindIncident
	put(t, s, record(kind, "i1", "1", "open", "service:a", "open"), record(kind, "i2", "2", "open"))
	put(t, s, record(engine.KindDelivery, "d1", "3", "open"))
	wantIDs(t, s, kind, engine.Query{Term: "open"}, "i1", "i2")
	wantIDs(t, s, engine.KindDelivery, engine.Query{Term: "open"}, "d1")

	put(t, s, record(kind, "i1", "1b", "closed", "service:a"))
	wantIDs(t, s, kind, engine.Query{Term: "open"}, "i2")
	wantIDs(t, s, kind, engine.Query{Term: "closed"}, "i1")
	wantIDs(t, s, kind, engine.Query{Term: "service:a"}, "i1")

	apply(t, s, &engine.Batch{ID: "d", Deletes: []engine.Key{{Kind: kind, ID: "i1"}}})
	wantIDs(t, s, kind, engine.Query{Term: "service:a"})
	wantIDs(t, s, kind, engine.Query{Term: "closed"})

	put(t, s, record(kind, "i1", "1c", "again"))
	wantIDs(t, s, kind, engine.Query{Term: "again"}, "i1")
	wantIDs(t, s, kind, engine.Query{Term: "closed"})
	wantIDs(t, s, kind, engine.Query{}, "i1", "i2")

	// The last put of a batch decides the terms too.
	put(t, s, record(kind, "i3", "x", "first"), record(kind, "i3", "y", "second"))
	wantIDs(t, s, kind, engine.Query{Term: "first"})
	wantIDs(t, s, kind, engine.Query{Term: "second"}, "i3")
}

func testExpiry(t *testing.T, s engine.Store) {
	kind := engine.KindSession
	soon := record(kind, "soon", "1", "user:a")
	soon.Expires = time.Now().Add(300 * time.Millisecond)
	later := record(kind, "later", "2", "user:a")
	later.Expires = time.Now().Add(time.Hour)
	past := record(kind, "past", "3", "user:a")
	past.Expires = time.Now().Add(-time.Hour)
	put(t, s, soon, later, past)
	wantIDs(t, s, kind, engine.Query{}, "later", "soon")
	time.Sleep(350 * time.Millisecond)
	wantIDs(t, s, kind, engine.Query{}, "later")
	wantIDs(t, s, kind, engine.Query{Term: "user:a", Limit: 1}, "later")
	if got := get(t, s, kind, "soon"); got != "" {
		t.Errorf("an expired record is still read: %q", got)
	}
	put(t, s, record(kind, "soon", "back", "user:b"))
	if got := get(t, s, kind, "soon"); got != "back" {
		t.Errorf("an expired record put again reads %q", got)
	}
	wantIDs(t, s, kind, engine.Query{Term: "user:b"}, "soon")
	wantIDs(t, s, kind, engine.Query{Term: "user:a"}, "later")
}

// testExpiryMoves puts an expiry off: neither the record nor its index entries
// may go at the earlier time.
func testExpiryMoves(t *testing.T, s engine.Store) {
	kind := engine.KindSession
	r := record(kind, "s", "1", "user:a")
	r.Expires = time.Now().Add(time.Second)
	put(t, s, r)
	r.Expires = time.Now().Add(time.Hour)
	put(t, s, r)
	forever := record(kind, "t", "1", "user:a")
	forever.Expires = time.Now().Add(time.Second)
	put(t, s, forever)
	forever.Expires = time.Time{}
	put(t, s, forever)
	time.Sleep(2100 * time.Millisecond) // Badger's clock has whole seconds
	wantIDs(t, s, kind, engine.Query{Term: "user:a"}, "s", "t")
	wantIDs(t, s, kind, engine.Query{}, "s", "t")
}

func testDelete(t *testing.T, s engine.Store) {
	put(t, s, record(engine.KindBreaker, "b", "1"))
	del := &engine.Batch{ID: "d", Deletes: []engine.Key{{Kind: engine.KindBreaker, ID: "b"}, {Kind: engine.KindBreaker, ID: "none"}}}
	apply(t, s, del)
	apply(t, s, del)
	if got := get(t, s, engine.KindBreaker, "b"); got != "" {
		t.Errorf("a deleted record reads %q", got)
	}
	wantIDs(t, s, engine.KindBreaker, engine.Query{})
	if list, err := s.Revisions(t.Context(), engine.KindBreaker, "b"); err != nil || len(list) != 0 {
		t.Errorf("state has revisions: %+v, %v", list, err)
	}
}

func testPutAndDelete(t *testing.T, s engine.Store) {
	b := &engine.Batch{ID: "both", Puts: []engine.Record{record(engine.KindBreaker, "b", "1", "x")},
		Deletes: []engine.Key{{Kind: engine.KindBreaker, ID: "b"}}}
	for range 2 {
		apply(t, s, b)
		if got := get(t, s, engine.KindBreaker, "b"); got != "" {
			t.Errorf("a record put and deleted in one batch reads %q", got)
		}
		wantIDs(t, s, engine.KindBreaker, engine.Query{Term: "x"})
		put(t, s, record(engine.KindBreaker, "b", "0", "x"))
	}
}

func testRevisions(t *testing.T, s engine.Store) {
	kind := engine.KindCheck
	for i := range 3 {
		r := record(kind, "c", fmt.Sprintf("v%d", i+1))
		r.Revision, r.Author, r.At = uint64(i+1), "ada", epoch.Add(time.Duration(i)*time.Hour)
		put(t, s, r)
		put(t, s, r) // again: no second entry
	}
	del := &engine.Batch{ID: "d", Author: "bob", At: epoch.Add(24 * time.Hour), Deletes: []engine.Key{{Kind: kind, ID: "c"}}}
	apply(t, s, del)
	apply(t, s, del)
	want := []string{"4 bob deleted ", "3 ada v3", "2 ada v2", "1 ada v1"}
	list, err := s.Revisions(t.Context(), kind, "c")
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(list); !slices.Equal(got, want) {
		t.Errorf("Revisions = %q, want %q", got, want)
	}
	if len(list) == 4 && (!list[0].At.Equal(del.At) || !list[3].At.Equal(epoch)) {
		t.Errorf("the times of the revisions are %v and %v", list[0].At, list[3].At)
	}
	back := record(kind, "c", "v5")
	back.Revision = 5
	put(t, s, back)
	if list, err = s.Revisions(t.Context(), kind, "c"); err != nil || len(list) != 5 || list[0].Number != 5 {
		t.Errorf("after it came back: %q, %v", describe(list), err)
	}
	if list, err = s.Revisions(t.Context(), kind, "other"); err != nil || len(list) != 0 {
		t.Errorf("Revisions of nothing = %q, %v", describe(list), err)
	}
}

func describe(list []engine.Revision) []string {
	var lines []string
	for _, r := range list {
		line := fmt.Sprintf("%d %s ", r.Number, r.Author)
		if r.Deleted {
			line += "deleted "
		}
		lines = append(lines, line+string(r.Data))
	}
	return lines
}
