package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"moonwatch/engine"
	"moonwatch/storage/internal/badgerfile"
	"moonwatch/storage/internal/layout"
)

// dump is all that a store shows, as text.
func dump(t *testing.T, db *DB) []string {
	t.Helper()
	var lines []string
	for _, kind := range []engine.Kind{engine.KindService, engine.KindSession, engine.KindPluginSource} {
		for _, term := range []string{"", "x"} {
			if err := db.Scan(t.Context(), kind, engine.Query{Term: term}, func(r engine.Record) bool {
				lines = append(lines, fmt.Sprintf("%s %s %s %d %v", kind, term, r.ID, len(r.Data), r.Expires))
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	revisions, err := db.Revisions(t.Context(), engine.KindService, "s")
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, fmt.Sprint(revisions))
	if err := db.Results(t.Context(), "c", 0, 0, func(r *engine.Result) bool {
		lines = append(lines, fmt.Sprintf("%+v", *r))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

func filled(t *testing.T) *DB {
	db := openTest(t, t.TempDir(), testOptions())
	b := &engine.Batch{ID: "b", Results: plainResults(400), Puts: []engine.Record{
		{Kind: engine.KindService, ID: "s", Revision: 1, Terms: []string{"x"}, Data: []byte("{}")},
		{Kind: engine.KindSession, ID: "later", Terms: []string{"x"}, Expires: time.Now().Add(time.Hour), Data: []byte("{}")},
		{Kind: engine.KindSession, ID: "past", Terms: []string{"x"}, Expires: time.Now().Add(-time.Hour), Data: []byte("{}")},
		{Kind: engine.KindPluginSource, ID: "large", Data: make([]byte, 3<<20)},
	}}
	if err := db.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := db.maintainer.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestBackup(t *testing.T) {
	db := filled(t)
	var backup bytes.Buffer
	if err := db.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), testOptions()); err != nil {
		t.Fatal(err)
	}
	restored := openTest(t, dir, testOptions())
	if got, want := dump(t, restored), dump(t, db); !reflect.DeepEqual(got, want) {
		t.Errorf("restored:\n%.2000s\nwant\n%.2000s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	restored.Close()
	err := Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), testOptions())
	if err == nil || !strings.Contains(err.Error(), "holds a database already") {
		t.Errorf("Restore over a database = %v", err)
	}
}

func TestRestoreDamaged(t *testing.T) {
	db := filled(t)
	var out bytes.Buffer
	if err := db.Backup(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	for name, backup := range map[string][]byte{
		"empty":   nil,
		"foreign": []byte("PK\x03\x04 something else altogether"),
		"cut":     whole[:len(whole)-10],
		"changed": changed,
	} {
		dir := t.TempDir()
		if err := Restore(t.Context(), dir, bytes.NewReader(backup), testOptions()); err == nil {
			t.Errorf("%s: Restore has no error", name)
		}
		if name == "empty" || name == "foreign" {
			continue // nothing was written
		}
		if _, err := Open(dir, testOptions()); err == nil || !strings.Contains(err.Error(), "restore into it did not finish") {
			t.Errorf("%s: Open afterwards = %v", name, err)
		}
	}
}

// forged is a backup of these entries, with a good checksum.
func forged(t *testing.T, name string, entries []op, contents []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(name)
	pack, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	w := io.MultiWriter(pack, sum)
	for _, e := range entries {
		if err := writeEntry(w, e.key, e.expires, e.value); err != nil {
			t.Fatal(err)
		}
	}
	w.Write(append(binary.AppendUvarint([]byte{0}, uint64(len(entries))), contents...))
	pack.Write(sum.Sum(nil))
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRestoreTakesWhatABackupHolds and nothing else: no meta records, nothing
// behind the end, no less than it says.
func TestRestoreTakesWhatABackupHolds(t *testing.T) {
	r := engine.Record{Kind: engine.KindUser, ID: "u", Data: []byte("{}")}
	user := op{key: layout.RecordKey(r.Kind, r.ID), value: layout.EncodeRecord(&r)}
	one := Contents{"user": 1}.append(nil)
	good := forged(t, backupName, []op{user}, one)
	var nothing bytes.Buffer
	pack, err := zstd.NewWriter(&nothing)
	if err != nil {
		t.Fatal(err)
	}
	pack.Write([]byte("more"))
	pack.Close()
	for name, test := range map[string]struct {
		backup []byte
		want   string // "" is taken
	}{
		"a good one":              {good, ""},
		"one of an older version": {forged(t, backupName1, []op{user}, nil), ""},
		"another format":          {forged(t, backupName, []op{{key: layout.MetaKey(layout.MetaFormat), value: []byte("99")}}, Contents{}.append(nil)), "no backup of moonwatch"},
		"a number of commits":     {forged(t, backupName, []op{{key: layout.MetaKey(layout.MetaCommit), value: []byte{9}}}, Contents{}.append(nil)), "no backup of moonwatch"},
		"a journal":               {forged(t, backupName1, []op{{key: layout.JournalKey(0), value: []byte{0}}}, nil), "no backup of moonwatch"},
		"an unknown space":        {forged(t, backupName, []op{{key: []byte("!badger!x"), value: []byte{0}}}, Contents{}.append(nil)), "no backup of moonwatch"},
		"a byte behind it":        {append(bytes.Clone(good), 'x'), "stands behind the end"},
		"a stream behind it":      {append(bytes.Clone(good), nothing.Bytes()...), "stands behind the end"},
		"twice":                   {append(bytes.Clone(good), good...), "stands behind the end"},
		"less than it says":       {forged(t, backupName, []op{user}, Contents{"user": 2}.append(nil)), "it holds 1 user, and was made of 2 user"},
	} {
		t.Run(name, func(t *testing.T) {
			_, readErr := ReadBackup(t.Context(), bytes.NewReader(test.backup))
			dir := t.TempDir()
			restoreErr := Restore(t.Context(), dir, bytes.NewReader(test.backup), testOptions())
			for _, err := range []error{readErr, restoreErr} {
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("%v, want %q", err, test.want)
				}
			}
			if test.want != "" {
				if _, err := Open(dir, testOptions()); err == nil {
					t.Error("the folder opens afterwards")
				}
				return
			}
			if _, err := openTest(t, dir, testOptions()).Get(t.Context(), engine.KindUser, "u"); err != nil {
				t.Errorf("it is not there: %v", err)
			}
		})
	}
}

// TestBackupSaysWhatItHolds counts of every sort.
func TestBackupSaysWhatItHolds(t *testing.T) {
	db := filled(t)
	var out bytes.Buffer
	if err := db.Backup(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	held, err := ReadBackup(t.Context(), &out)
	if err != nil || held["service"] != 1 || held["results"] != 400 || held["plugin_source"] != 1 || held["revisions"] != 1 {
		t.Errorf("it holds %v, %v", held, err)
	}
}

// TestBackupOfADamagedTable fails: an iterator that meets a damaged block just
// ends.
func TestBackupOfADamagedTable(t *testing.T) {
	for _, at := range []float64{0.1, 0.5, 0.9} {
		dir := t.TempDir()
		db := fillForDamage(t, dir)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = openTest(t, dir, testOptions())
		tables, err := badgerfile.Numbered(filepath.Join(dir, "db"), ".sst")
		if err != nil || len(tables) == 0 {
			t.Fatal(tables, err)
		}
		path := filepath.Join(dir, "db", badgerfile.TableName(uint64(tables[0])))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		i := int64(at * float64(len(b)))
		if _, err := f.WriteAt([]byte{b[i] ^ 1}, i); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := db.Backup(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a bit flipped at %d of %d: Backup = %v", i, len(b), err)
		}
	}
}

// plainResults are n results of one check, a minute apart.
func plainResults(n int) []engine.Result {
	list := make([]engine.Result, n)
	for i := range list {
		seq := 1e15 + uint64(i)*60e6
		list[i] = engine.Result{Check: "c", Seq: seq, Started: time.UnixMicro(int64(seq)).UTC(), Took: 0.0012, Succeeded: true, PluginVersion: "1.0.0"}
	}
	return list
}
