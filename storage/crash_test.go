package storage

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/storage/internal/layout"
)

func largeOps(n int) []op {
	ops := make([]op, n)
	for i := range ops {
		r := engine.Record{Kind: engine.KindIncident, ID: fmt.Sprintf("i%05d", i), Data: []byte("x")}
		ops[i] = op{key: layout.RecordKey(r.Kind, r.ID), value: layout.EncodeRecord(&r)}
	}
	ops[0].delete = true
	return ops
}

func countIncidents(t *testing.T, db *DB) int {
	t.Helper()
	n := 0
	if err := db.Scan(t.Context(), engine.KindIncident, engine.Query{}, func(engine.Record) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestJournal stops a large batch at each of its steps, as a crash would.
func TestJournal(t *testing.T) {
	const n = 12000
	ops := largeOps(n)
	pieces := journalPieces(ops)
	if len(pieces) < 2 {
		t.Fatalf("%d pieces, want several", len(pieces))
	}
	undeclared := make([]op, len(pieces))
	for i := range pieces {
		undeclared[i] = op{key: layout.JournalKey(uint64(i)), value: pieces[i]}
	}
	for _, test := range []struct {
		name  string
		crash func(db *DB) error
		want  int
	}{
		{"journal not whole", func(db *DB) error { return db.committer.commitOps(undeclared[:1]) }, 0},
		{"journal not declared", func(db *DB) error { return db.committer.commitSplit(undeclared) }, 0},
		{"journal declared", func(db *DB) error { return db.committer.writeJournal(pieces) }, n - 1},
		{"half put in place", func(db *DB) error {
			if err := db.committer.writeJournal(pieces); err != nil {
				return err
			}
			return db.committer.commitSplit(ops[:n/2])
		}, n - 1},
		{"half removed", func(db *DB) error {
			if err := db.committer.writeJournal(pieces); err != nil {
				return err
			}
			if err := db.committer.commitSplit(ops); err != nil {
				return err
			}
			return db.committer.commitOps([]op{{key: layout.MetaKey(layout.MetaJournal), delete: true}, {key: layout.JournalKey(0), delete: true}})
		}, n - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			db := openTest(t, dir, testOptions())
			if err := test.crash(db); err != nil {
				t.Fatal(err)
			}
			db.Close()
			for range 2 {
				db = openTest(t, dir, testOptions())
				if got := countIncidents(t, db); got != test.want {
					t.Errorf("%d records, want %d", got, test.want)
				}
				if left, _, err := db.committer.readJournal(); err != nil || len(left) != 0 {
					t.Errorf("%d pieces of the journal are left, %v", len(left), err)
				}
				db.Close()
			}
		})
	}
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir, testOptions())
	if err := db.committer.commitOps([]op{{key: layout.MetaKey(layout.MetaFormat), value: []byte(strconv.Itoa(formatNumber + 1))}}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	_, err := Open(dir, testOptions())
	if err == nil || !strings.Contains(err.Error(), "written by a newer moonwatch") || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open of a newer format = %v", err)
	}
}

func TestDiskNearlyFull(t *testing.T) {
	dir := t.TempDir()
	o := testOptions()
	o.MinFree = 1 << 60
	db := openTest(t, dir, o)
	err := db.Apply(t.Context(), &engine.Batch{ID: "b", Puts: []engine.Record{{Kind: engine.KindUser, ID: "u", Data: []byte("x")}}})
	if err == nil || !strings.Contains(err.Error(), "nearly full") {
		t.Errorf("Apply = %v", err)
	}
	if _, err := db.Get(t.Context(), engine.KindUser, "u"); err != engine.ErrNotFound {
		t.Errorf("Get = %v, want ErrNotFound", err)
	}
}

// TestDamagedRecord checks that what cannot be decoded is an error with a name.
func TestDamagedRecord(t *testing.T) {
	db := openTest(t, t.TempDir(), testOptions())
	for _, key := range [][]byte{layout.RecordKey(engine.KindUser, "u"), layout.SeqKey(layout.RowSpace, "c", 5), layout.SeqKey(layout.BlockSpace, "d", 5), layout.RevisionKey(engine.KindUser, "u", 1)} {
		if err := db.committer.commitOps([]op{{key: key, value: []byte{0xff, 0xff}}}); err != nil {
			t.Fatal(err)
		}
	}
	never := func(*engine.Result) bool { t.Error("a damaged result was shown"); return true }
	_, getErr := db.Get(t.Context(), engine.KindUser, "u")
	_, revErr := db.Revisions(t.Context(), engine.KindUser, "u")
	for name, err := range map[string]error{
		"get user u":         getErr,
		"revisions of u":     revErr,
		"results of check c": db.Results(t.Context(), "c", 0, 0, never),
		"results of check d": db.Results(t.Context(), "d", 0, 0, never),
		"latest":             db.LatestResults(t.Context(), never),
	} {
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCallerPanicPasses(t *testing.T) {
	db := openTest(t, t.TempDir(), testOptions())
	if err := db.Apply(t.Context(), &engine.Batch{ID: "b", Results: []engine.Result{{Check: "c", Seq: 1}}}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v, want the caller's own panic", p)
		}
	}()
	db.Results(t.Context(), "c", 0, 0, func(*engine.Result) bool { panic("mine") })
}

func TestBadgerPanicIsAnError(t *testing.T) {
	err := func() (err error) {
		defer catch("read the database", &err)
		panic("index out of range")
	}()
	if err == nil || !strings.Contains(err.Error(), "read the database: badger panicked: index out of range") {
		t.Errorf("%v", err)
	}
}
